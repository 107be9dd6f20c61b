/** What a process is and may do, as commands of util-linux and busybox. */

import { type Capability, type Namespace, namespaces as namespaceBits } from "../plan/constants.ts";
import type { Op, OpOf } from "../plan/op.ts";
import { quote, quoteAll } from "./quote.ts";

/** The flags of unshare(1). A cgroup namespace is left for later; see the plan. */
export const unshareFlags = (namespaces: readonly Namespace[]): string =>
  (Object.keys(namespaceBits) as Namespace[])
    .filter((name) => namespaces.includes(name))
    .map((name) => `--${name === "network" ? "net" : name}`)
    .join(" ");

/** `-all,+chown`: setpriv(1) takes away and adds. */
export const capabilitySet = (names: readonly Capability[]): string =>
  ["-all", ...names.map((name) => `+${name.replace(/^CAP_/, "").toLowerCase()}`)].join(",");

const infinity = 2n ** 64n - 1n;
const bound = (value: bigint): string => (value === infinity ? "unlimited" : String(value));

export const prlimit = (op: OpOf<"setrlimit">): string =>
  `prlimit --pid $$ --${op.resource.replace("RLIMIT_", "").toLowerCase()}=${bound(op.soft)}:${bound(op.hard)}`;

/** personality(2): the one that has a name in setarch(8); any other cannot be had by a command. */
export const setarch = (persona: number): string | null => (persona === 8 ? "linux32" : null);

const policies: Readonly<Record<string, string>> = {
  SCHED_OTHER: "--other",
  SCHED_FIFO: "--fifo",
  SCHED_RR: "--rr",
  SCHED_BATCH: "--batch",
  SCHED_IDLE: "--idle",
  SCHED_DEADLINE: "--deadline",
};

function schedule(op: OpOf<"scheduler">): string[] {
  const flag = policies[op.policy];
  if (flag === undefined) return [];
  const reset = op.flags.includes("SCHED_FLAG_RESET_ON_FORK") ? "--reset-on-fork " : "";
  const times =
    op.policy === "SCHED_DEADLINE"
      ? `--sched-runtime ${op.runtime} --sched-deadline ${op.deadline} --sched-period ${op.period} `
      : "";
  const nice = op.nice | 0;
  return [
    `chrt ${reset}${flag} ${times}--pid ${op.priority} $$`,
    ...(nice === 0 ? [] : [`renice -n ${nice} -p $$`]),
  ];
}

const ioClass: Readonly<Record<string, string>> = {
  IOPRIO_CLASS_RT: "1",
  IOPRIO_CLASS_BE: "2",
  IOPRIO_CLASS_IDLE: "3",
};

const mask = (bytes: Uint8Array): string =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .reverse()
    .join("")}`;

type ProcessOp = Extract<
  Op,
  {
    op:
      | "setsid"
      | "setrlimit"
      | "umask"
      | "personality"
      | "set_user"
      | "become_root"
      | "capbset"
      | "capset"
      | "no_new_privs"
      | "exec"
      | "scheduler"
      | "io_priority"
      | "sched_affinity";
  }
>;

/** Those that change a program's start stand before it: `PROGRAM` is what follows. */
export function processLines(op: ProcessOp): readonly string[] {
  switch (op.op) {
    case "setsid":
      return [`exec setsid ${op.terminal ? "--ctty " : ""}PROGRAM`];
    case "setrlimit":
      return [prlimit(op)];
    case "umask":
      return [`umask ${op.mask.toString(8).padStart(3, "0")}`];
    case "personality": {
      const name = setarch(op.persona);
      return name === null ? [] : [`exec setarch ${name} PROGRAM`];
    }
    case "become_root":
      return ["exec setpriv --reuid 0 --regid 0 --clear-groups PROGRAM"];
    case "set_user": {
      const groups =
        op.groups.length === 0 ? "--clear-groups" : `--groups ${quote(op.groups.join(","))}`;
      const group = op.group === "" ? "GID" : op.group;
      return [`exec setpriv --reuid ${quote(op.user)} --regid ${quote(group)} ${groups} PROGRAM`];
    }
    case "capbset":
      return [`exec setpriv --bounding-set ${capabilitySet(op.keep)} PROGRAM`];
    case "capset":
      return [
        `exec setpriv --inh-caps ${capabilitySet(op.inheritable)} --ambient-caps ${capabilitySet(op.ambient)} PROGRAM`,
      ];
    case "no_new_privs":
      return ["exec setpriv --no-new-privs PROGRAM"];
    case "exec":
      return [["exec env -i", ...op.env.map(quote), quoteAll(op.argv)].join(" ")];
    case "scheduler":
      return schedule(op);
    case "io_priority":
      return [`ionice -c ${ioClass[op.class] ?? "2"} -n ${op.priority} -p $$`];
    case "sched_affinity":
      return [`taskset -p ${mask(op.cpus)} $$`];
  }
}
