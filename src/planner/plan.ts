/**
 * The planner: an OCI configuration, what the engine says besides, and facts of the machine, in;
 * a plan, or everything that is wrong with the wish, out.
 *
 * Invariant: no input or output here, and no decision left to the executor.
 */

import type { Place, Plan, Step } from "../plan/op.ts";
import type { Process, Spec } from "../spec/mod.ts";
import { consolePlace, nullDevice, planConsole } from "./devices.ts";
import { planEgressGuard, planEgressRules } from "./egress.ts";
import type { Facts } from "./facts.ts";
import { planHooks } from "./hooks.ts";
import { planIntelRdt } from "./intel-rdt.ts";
import { findSysctlProblems, planKernelSettings } from "./kernel-settings.ts";
import { findLabelProblems, findLabelWarnings, planLabelFiles } from "./labels.ts";
import { oomCounter, planDetach, planMonitor, planRunning } from "./monitor.ts";
import { type MountPlan, placeOf, planMounts } from "./mounts.ts";
import { planNamespaces, planOwnNamespace } from "./namespaces.ts";
import { findNetDeviceProblems, planNetDevices } from "./net-devices.ts";
import { planLeasesOf, planNetwork } from "./network.ts";
import { planLookForProgram, planProcess, planStreams, planWorkingDirectory } from "./process.ts";
import { planResolver } from "./resolver.ts";
import {
  planDirectories,
  planFiles,
  planMade,
  planPropagation,
  planRoot,
  planRootAttributes,
  planRootPropagation,
  planSwitch,
  rootProblem,
  stateDirectory,
} from "./root.ts";
import {
  findRuntimeMountsProblems,
  findRuntimeMountsWarnings,
  planRootOfNoNamespace,
  usesRuntimeMounts,
} from "./runtime-mounts.ts";
import { findScheduleProblems, planExecutionDomain, planScheduling } from "./schedule.ts";
import { planSeccompAgent } from "./seccomp-agent.ts";
import type { Setting } from "./setting.ts";
import { byInit, byParent, mkdir, mount, onHost, slot, write } from "./step.ts";
import { planOwned, planUsersDue, planUsersLease, planUsersPipes } from "./users.ts";
import { planVolumes } from "./volumes.ts";

export type Planned =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What a cgroup planner has made of `linux.resources`. */
export type CgroupSteps = {
  /** By the parent before `clone`. */
  readonly make: readonly Step[];
  /** By the parent after `clone`; absent: nothing. */
  readonly around?: readonly Step[];
  /** The slot of the cgroup v2 in which init starts, or null. */
  readonly clone: string | null;
  /** By init, first of all. */
  readonly join: readonly Step[];
  /** The cgroups, as directories of the host. */
  readonly paths: readonly string[];
};

/**
 * What directories are covered with. It has to be mounted somewhere to be cloned (before Linux
 * 6.15), and so it lies on the state directory, below the root.
 */
function planEmptyDirectory(spec: Spec, setting: Setting): Step[] {
  if ((spec.linux?.maskedPaths ?? []).length === 0) return [];
  return [
    byInit(
      mount({
        type: "tmpfs",
        options: ["size=4k", "mode=755"],
        attributes: ["ro", "nosuid", "nodev", "noexec"],
        at: onHost(stateDirectory(setting)),
        into: "empty",
      }),
      "linux.maskedPaths: an empty directory to cover directories with",
    ),
  ];
}

function planCovers(spec: Spec, { hasDev, mounted }: MountPlan): Step[] {
  const masked = spec.linux?.maskedPaths ?? [];
  const readonly = spec.linux?.readonlyPaths ?? [];
  return [
    ...masked.map((path, i) =>
      byInit(
        { op: "mask", at: placeOf(path, mounted), null: nullDevice(hasDev), empty: slot("empty") },
        `linux.maskedPaths[${i}]`,
      ),
    ),
    ...readonly.map((path, i) =>
      byInit({ op: "readonly", at: placeOf(path, mounted) }, `linux.readonlyPaths[${i}]`),
    ),
  ];
}

const keepsNoTerminal = ({ lifetime, consoleSocket }: Setting): boolean =>
  lifetime !== "supervised" && consoleSocket === null;

function findProblems(spec: Spec, setting: Setting, facts: Facts): string[] {
  const problems: string[] = [];
  const has = (type: string) => spec.linux?.namespaces?.some((entry) => entry.type === type);
  if (spec.process === undefined) {
    problems.push("process: expected an object with args and cwd, received nothing");
  }
  for (const name of ["hostname", "domainname"] as const) {
    if ((spec[name] ?? "") === "" || has("uts") === true) continue;
    problems.push(`${name}: expected a uts namespace, received none: the host would be renamed`);
  }
  if (setting.init && has("pid") !== true) {
    problems.push("--init: expected a new pid namespace, received none: leave --init or --pid out");
  }
  if (spec.process?.terminal === true && keepsNoTerminal(setting)) {
    problems.push(
      "process.terminal: expected --console-socket, received none: the executor leaves, and somebody has to keep the terminal",
    );
  }
  if (spec.process?.terminal !== true && setting.consoleSocket !== null) {
    problems.push(
      "--console-socket: expected process.terminal, received none: leave one of them out",
    );
  }
  const root = rootProblem(setting.root, facts);
  if (root !== null) problems.push(root);
  const schedule = findScheduleProblems(spec.process ?? {}, spec.linux, setting.init);
  return [
    ...problems,
    ...findRuntimeMountsProblems(spec, setting),
    ...schedule,
    ...findNetDeviceProblems(spec),
    ...findSysctlProblems(spec),
    ...findLabelProblems(spec, facts),
  ];
}

function findWarnings(spec: Spec, setting: Setting, facts: Facts): string[] {
  const has = (type: string) => spec.linux?.namespaces?.some((entry) => entry.type === type);
  const showsProc = spec.mounts?.some(({ type }) => type === "proc") === true;
  // Who drives an OCI runtime knows what he has asked for.
  const isForPeople = setting.bundle === null || setting.bundle.config === null;
  return [
    ...findLabelWarnings(spec, facts),
    ...findRuntimeMountsWarnings(spec, spec.process ?? {}),
    ...(isForPeople && has("pid") !== true && showsProc
      ? ["/proc shows the host's processes: the container has no pid namespace of its own"]
      : []),
  ];
}

/**
 * Who enters a user namespace is nobody in it, and files of nobody cannot be made. Only now, since
 * root of the namespace may not be able to reach the directory on which the root was mounted.
 */
export const planRootOfNamespace: Step = byInit(
  { op: "become_root" },
  "linux.uidMappings: whoever root inside is on the host",
);

/** What a container that goes on without us keeps. */
export const kept = (step: Step): Step =>
  step.undo === undefined ? step : { ...step, keep: true };

/** Plans a container. */
export function planContainer(
  spec: Spec,
  setting: Setting,
  facts: Facts,
  cgroup: CgroupSteps,
): Planned {
  const problems = findProblems(spec, setting, facts);
  const namespaces = planNamespaces(spec, setting.users !== undefined && setting.users !== null);
  const { asCaller } = setting;
  const isNamespaceNew = namespaces.has("user");
  const inUserNamespace =
    isNamespaceNew || asCaller !== undefined || facts.userNamespace !== undefined;
  const volumes = planVolumes(setting);
  const joinedCgroup = namespaces.has("cgroup") ? "joined" : null;
  const mounts = planMounts(spec, {
    layout: facts.cgroups,
    cgroupNamespace: namespaces.freshCgroup ? "own" : joinedCgroup,
    inUserNamespace,
    cgroups: cgroup.paths,
    facts,
    state: stateDirectory(setting),
    places: volumes.places,
    chown: new Set(setting.chown ?? []),
  });
  const rdt = planIntelRdt(spec.linux?.intelRdt, setting.id, facts);
  problems.push(...mounts.problems, ...rdt.problems);
  const process = spec.process;
  if (process?.terminal === true && !mounts.hasDevpts) {
    problems.push("process.terminal: expected a mount of devpts on /dev/pts, received none");
  }
  if (problems.length > 0 || process === undefined) return { ok: false, problems };

  const root = planRoot({ setting, facts, spec, inUserNamespace });
  const owned = planOwned(setting, mounts.owned);
  const files = planFiles(setting);
  const hooks = planHooks(spec, setting);
  const last = planProcess(process, setting, facts, hooks.beforeProgram);
  const steps: Step[] = [
    ...planDetach(setting),
    ...(asCaller === undefined ? [] : planOwnNamespace(asCaller)),
    // They are there already: whatever fails from here on gives them back.
    ...planLeasesOf(setting),
    ...planUsersDue(setting),
    ...planDirectories(setting, process.args),
    ...planUsersLease(setting),
    ...planMonitor(setting),
    ...hooks.due,
    ...planListener(setting),
    ...cgroup.make,
    ...rdt.make,
    ...planParentStreams(setting),
    ...files.before,
    // Else it is the start that loads the filter: see planStart.
    ...(setting.lifetime === "created"
      ? []
      : planSeccompAgent(spec, setting, setting.seccomp?.agent ?? null)),
    ...planMissingSources(setting),
    ...namespaces.owner,
    ...planUsersPipes(setting, namespaces.user),
    ...volumes.before,
    ...root.before,
    ...volumes.fills,
    ...mounts.before,
    ...owned.before,
    ...namespaces.before,
    ...planJoined(setting),
    byParent(
      {
        op: "clone",
        namespaces: namespaces.fresh,
        cgroup: cgroup.clone,
        user: namespaces.user,
        process: null,
        join: [],
        proc: namespaces.maps.length > 0 || process.oomScoreAdj !== undefined ? "child" : null,
      },
      "linux.namespaces",
    ),
    ...namespaces.maps,
    ...(cgroup.around ?? []),
    ...planOomScore(process),
    ...planPidFiles(setting),
    ...planEgressRules(setting.egress ?? null),
    ...planNetwork(setting),
    ...planEgressGuard(setting),
    ...planResolver(setting),
    ...cgroup.join,
    ...rdt.join,
    ...namespaces.join,
    ...planNetDevices(spec),
    ...planScheduling(process),
    ...planNames(spec, namespaces.freshCgroup),
    planPropagation(spec),
    ...planLoopback(spec),
    ...planEmptyDirectory(spec, setting),
    ...root.steps,
    ...(isNamespaceNew ? [planRootOfNamespace] : []),
    ...volumes.steps,
    ...owned.steps,
    ...mounts.steps,
    ...files.steps,
    ...(process.terminal === true
      ? planConsole(consolePlace(mounts.hasDev), process, setting.consoleSocket)
      : []),
    ...planKernelSettings(spec, mounts.proc),
    ...planLabelFiles(process, facts),
    ...planCovers(spec, mounts),
    ...planWorkingDirectory(process),
    ...mounts.last,
    ...planRootAttributes(spec),
    ...planStreams(process, setting, nullDevice(mounts.hasDev)),
    ...hooks.beforeSwitch,
    ...(usesRuntimeMounts(spec) ? planRootOfNoNamespace : planSwitch(setting.rootSwitch)),
    ...planRootPropagation(spec),
    ...(setting.bundle === null ? [] : [planLookForProgram(process)]),
    ...last.closing,
    ...planWait(setting),
    ...planExecutionDomain(spec.linux),
    ...last.steps,
    ...planMade(setting),
    // Else they are the start's: see planStart.
    ...(setting.lifetime === "created" ? [] : hooks.afterProgram),
    ...planRunning(setting),
    planEnd(setting, oomCounter(cgroup.paths, facts)),
  ];
  return {
    ok: true,
    plan: { version: 1, steps: setting.lifetime === "supervised" ? steps : steps.map(kept) },
    warnings: [...findWarnings(spec, setting, facts), ...mounts.warnings, ...last.warnings],
  };
}

/**
 * Namespaces of another container were opened by its pid. It is the same process still that was given the
 * number: so nobody else can have had it when they were.
 */
const planJoined = ({ joined = [] }: Setting): Step[] =>
  joined.map((file) =>
    byParent(
      { op: "process", of: onHost(file), into: "joined" },
      "what was opened by its pid is that container's, and no other process's",
    ),
  );

/** As docker does for `-v`; they stay, since what is in them is the caller's. */
const planMissingSources = ({ makeDirectories }: Setting): Step[] =>
  makeDirectories
    .filter((path) => path !== "/") // which is there, and has no name to be made by
    .map((path) =>
      byParent(mkdir(onHost(path), 0o755, true), "-v: a source that is not there is made"),
    );

/** The pipes that the executor copies; none where the streams are handed on. */
export function planParentStreams(setting: Pick<Setting, "streams" | "terminalInput">): Step[] {
  const [stdin, stdout, stderr] = setting.streams;
  const copied = setting.streams.some((stream) => stream === "pipe" || stream === "terminal");
  if (!copied) return [];
  const input = stdin === "terminal" && !setting.terminalInput ? "null" : stdin;
  return [byParent({ op: "pipes", stdin: input, stdout, stderr }, "standard streams")];
}

/** Written by the parent: in a user namespace the process itself may not. */
export const planOomScore = ({ oomScoreAdj }: Process): Step[] =>
  oomScoreAdj === undefined
    ? []
    : [
        byParent(
          write({ in: "child", path: "oom_score_adj" }, String(oomScoreAdj)),
          "process.oomScoreAdj",
        ),
      ];

function planPidFiles(setting: Setting): Step[] {
  const pid = onHost(`${stateDirectory(setting)}/pid`);
  const steps = [
    byParent(
      { op: "write_pid", at: pid, how: "exclusive", mode: 0o600, started: true, own: false },
      "what other commands join",
    ),
  ];
  if (setting.pidFile !== null) steps.push(planPidFile(setting.pidFile));
  return steps;
}

function planNames({ hostname, domainname }: Spec, freshCgroup: boolean): Step[] {
  const steps: Step[] = [];
  if (freshCgroup) {
    steps.push(
      byInit(
        { op: "unshare", namespaces: ["cgroup"] },
        "linux.namespaces: only now, so that its own cgroup is the root that it sees",
      ),
    );
  }
  if (hostname !== undefined && hostname !== "") {
    steps.push(byInit({ op: "sethostname", name: hostname }, "hostname"));
  }
  if (domainname !== undefined && domainname !== "") {
    steps.push(byInit({ op: "setdomainname", name: domainname }, "domainname"));
  }
  return steps;
}

/** A new network namespace has a loopback that is off. */
const planLoopback = (spec: Spec): Step[] =>
  spec.linux?.namespaces?.some(({ type, path }) => type === "network" && path === undefined)
    ? [byInit({ op: "interface_up", name: "lo" }, "default: 127.0.0.1 works")]
    : [];

/** Somebody waits for the file: it is there at once and as a whole. */
export function planPidFile(path: string): Step {
  const at = onHost(path);
  const op = {
    op: "write_pid",
    at,
    how: "replace",
    mode: 0o644,
    started: false,
    own: false,
  } as const;
  return { ...byParent(op, "--pid-file", { op: "remove", at }), keep: true };
}

const startSocket = (setting: Setting): Place => onHost(`${stateDirectory(setting)}/start`);

const planListener = (setting: Setting): Step[] =>
  setting.lifetime === "created"
    ? [byParent({ op: "listen", at: startSocket(setting), into: "start" }, "`start` speaks to it")]
    : [];

function planWait({ lifetime }: Setting): Step[] {
  if (lifetime === "supervised") return [];
  const outlive = byInit({ op: "outlive" }, "nobody stays who could watch over it");
  if (lifetime === "detached") return [outlive];
  return [outlive, byInit({ op: "wait_start", socket: "start" }, "created, but not yet started")];
}

type EndSetting = Pick<
  Setting,
  "lifetime" | "passSignals" | "endWithCaller" | "keep" | "runRoot" | "id" | "monitor"
>;

/**
 * What remains when the program runs.
 *
 * @param oom a file of the container's cgroup that counts what the kernel killed, or null
 */
export function planEnd(setting: EndSetting, oom: Place | null): Step {
  const { monitor } = setting;
  if (setting.lifetime !== "supervised") {
    return byParent({ op: "leave" }, "whoever called adopts the container's process");
  }
  const own = setting.keep ? onHost(`${stateDirectory(setting)}/exit`) : null;
  return byParent(
    {
      op: "supervise",
      signals: setting.passSignals,
      parent: setting.endWithCaller,
      status: monitor === null ? own : onHost(monitor.exit),
      replace: monitor !== null,
      // Read for whoever is told: a monitor's file, or the caller of the library.
      oom: monitor === null && !setting.endWithCaller ? null : oom,
    },
    "until the container has ended",
  );
}
