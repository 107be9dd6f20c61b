/** How a process shares the machine with others: processor, disks, memory nodes, personality. */

import type { Step } from "../plan/op.ts";
import type { CPUAffinity, Linux, Process } from "../spec/mod.ts";
import { maskBits, maskOf } from "./id-list.ts";
import { byInit, byParent } from "./step.ts";

/**
 * `process.scheduler` and `process.ioPriority`. Given by the parent: in a user namespace
 * CAP_SYS_NICE counts for nothing, and later the filter might refuse the calls. Not before the
 * process is in its cgroups: one that is realtime already may not join a cgroup of version 1.
 */
export function planScheduling({ scheduler, ioPriority }: Process): Step[] {
  const steps: Step[] = [];
  if (scheduler !== undefined) {
    const { policy, flags = [], nice = 0, priority = 0 } = scheduler;
    const { runtime = 0n, deadline = 0n, period = 0n } = scheduler;
    const numbers = { nice: nice >>> 0, priority: priority >>> 0, runtime, deadline, period };
    steps.push(byParent({ op: "scheduler", policy, flags, ...numbers }, "process.scheduler"));
  }
  if (ioPriority !== undefined) {
    steps.push(byParent({ op: "io_priority", ...ioPriority }, "process.ioPriority"));
  }
  return steps;
}

/** personality(2): PER_LINUX, and PER_LINUX32, in which uname(2) names a 32-bit processor. */
const personas = { LINUX: 0, LINUX32: 8 } as const;

/**
 * `linux.personality` and `linux.memoryPolicy`: only the process itself can set them, while no
 * filter is there to refuse it; both outlive execve.
 */
export function planExecutionDomain(linux: Linux | undefined): Step[] {
  const steps: Step[] = [];
  const { personality, memoryPolicy } = linux ?? {};
  if (memoryPolicy !== undefined) {
    const { mode, flags = [], nodes = "" } = memoryPolicy;
    const mask = maskOf(nodes) ?? new Uint8Array();
    steps.push(byInit({ op: "memory_policy", mode, flags, nodes: mask }, "linux.memoryPolicy"));
  }
  if (personality !== undefined) {
    const persona = personas[personality.domain];
    steps.push(byInit({ op: "personality", persona }, "linux.personality"));
  }
  return steps;
}

/**
 * `process.execCPUAffinity`, for a process that is added to a container: where it runs until it
 * is in the container's cgroups, and from then on. What is absent or empty is left as it is.
 */
export function planAffinity({ initial, final }: CPUAffinity): { initial: Step[]; final: Step[] } {
  const steps = (name: string, list: string | undefined): Step[] => {
    const cpus = maskOf(list ?? "");
    if (cpus === null || cpus.length === 0) return [];
    return [byInit({ op: "sched_affinity", cpus }, `process.execCPUAffinity.${name}`)];
  };
  return { initial: steps("initial", initial), final: steps("final", final) };
}

function listProblem(path: string, list: string | undefined): string[] {
  if (list === undefined || maskOf(list) !== null) return [];
  return [
    `${path}: expected numbers below ${maskBits} in rising ranges, such as 0-3,7, received ${JSON.stringify(list)}`,
  ];
}

/** What of these fields the kernel would refuse in words that help nobody. */
export function findScheduleProblems(
  { scheduler, execCPUAffinity }: Pick<Process, "scheduler" | "execCPUAffinity">,
  linux: Linux | undefined,
  hasInit: boolean,
): string[] {
  const problems = [
    ...listProblem("linux.memoryPolicy.nodes", linux?.memoryPolicy?.nodes),
    ...listProblem("process.execCPUAffinity.initial", execCPUAffinity?.initial),
    ...listProblem("process.execCPUAffinity.final", execCPUAffinity?.final),
  ];
  if (scheduler?.policy === "SCHED_ISO") {
    problems.push("process.scheduler.policy: Linux has no SCHED_ISO: use SCHED_RR or SCHED_FIFO");
  }
  // The program is a child of process 1 then, and would have what the flag says: the default.
  const endsAtFork =
    scheduler?.policy === "SCHED_DEADLINE" ||
    scheduler?.flags?.includes("SCHED_FLAG_RESET_ON_FORK") === true;
  if (hasInit && endsAtFork) {
    problems.push(
      "process.scheduler: SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK end with process 1: leave --init out",
    );
  }
  return problems;
}
