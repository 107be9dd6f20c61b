// The process of a container (config.md, Process): types and shape.

import { CAPABILITIES, type Capability } from "./capability.ts";
import {
  absolutePath,
  boolean,
  id,
  idList,
  integer,
  knownOf,
  oneOf,
  oneOfMany,
  text,
  uint64,
} from "./scalar.ts";
import {
  checked,
  lazy,
  list,
  object,
  optional,
  required,
  type Shape,
  withDefault,
} from "./shape.ts";

/** A process to run: that of the container, or one that is added to it. */
export interface Process {
  readonly terminal?: boolean;
  /** In characters; only of interest with a terminal. */
  readonly consoleSize?: ConsoleSize;
  /** 0:0 where the document has none. */
  readonly user: User;
  /** At least one; the first is looked up as execvp(3) does. */
  readonly args: readonly string[];
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  /** Absolute, in the container. */
  readonly cwd: string;
  readonly capabilities?: LinuxCapabilities;
  readonly rlimits?: readonly POSIXRlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  /** -1000 to 1000; absent: left as it is. */
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: LinuxIOPriority;
  /** Only for a process that is added to a container. */
  readonly execCPUAffinity?: CPUAffinity;
}

/** The size of a terminal in characters. */
export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

/** The ids of a process, as seen in the container. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Absent: left as it is. */
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
}

/** The five sets of capabilities(7). Names that are unknown have been left out, with a warning. */
export interface LinuxCapabilities {
  readonly bounding?: readonly Capability[];
  readonly effective?: readonly Capability[];
  readonly inheritable?: readonly Capability[];
  readonly permitted?: readonly Capability[];
  readonly ambient?: readonly Capability[];
}

/** The resources of getrlimit(2), in the order of their numbers in the generic Linux ABI. */
export const RLIMITS = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_RSS",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
] as const;

/** A resource limit; 18446744073709551615 (RLIM_INFINITY) is no limit. */
export interface POSIXRlimit {
  readonly type: (typeof RLIMITS)[number];
  readonly hard: bigint;
  readonly soft: bigint;
}

/** The scheduling attributes of sched_setattr(2); what is absent is 0. */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  /** Nanoseconds, as the two below; for SCHED_DEADLINE. */
  readonly runtime?: bigint;
  readonly deadline?: bigint;
  readonly period?: bigint;
}

const SCHEDULER_POLICIES = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
] as const;

export type SchedulerPolicy = (typeof SCHEDULER_POLICIES)[number];

const SCHEDULER_FLAGS = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
] as const;

export type SchedulerFlag = (typeof SCHEDULER_FLAGS)[number];

const IO_CLASSES = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] as const;

export type IOPriorityClass = (typeof IO_CLASSES)[number];

/** The I/O priority of ioprio_set(2): 0 is the highest, 7 the lowest. */
export interface LinuxIOPriority {
  readonly class: IOPriorityClass;
  readonly priority: number;
}

/** CPU lists such as `0-3,7`: before and after the move to the container's cgroup. */
export interface CPUAffinity {
  readonly initial?: string;
  readonly final?: string;
}

export const processShape: Shape<Process> = lazy(() =>
  object<Process>({
    terminal: optional(boolean),
    consoleSize: optional(consoleSize),
    user: withDefault(user, { uid: 0, gid: 0 }),
    args: required(list(text, { filled: "an array with at least the executable" })),
    env: optional(list(text)),
    cwd: required(absolutePath),
    capabilities: optional(capabilities),
    rlimits: optional(list(rlimit, { unique: { per: "type", key: (limit) => limit.type } })),
    noNewPrivileges: optional(boolean),
    apparmorProfile: optional(text),
    oomScoreAdj: optional(integer("a whole number", -1000, 1000)),
    scheduler: optional(scheduler),
    selinuxLabel: optional(text),
    ioPriority: optional(ioPriority),
    execCPUAffinity: optional(affinity),
  }),
);

const consoleSize = lazy(() =>
  object<ConsoleSize>({
    height: required(integer("a whole number of characters", 0, 65535)),
    width: required(integer("a whole number of characters", 0, 65535)),
  }),
);

const user = lazy(() =>
  object<User>({
    uid: required(id()),
    gid: required(id()),
    umask: optional(integer("a file mode (whole number)", 0, 0o777)),
    additionalGids: optional(list(id())),
  }),
);

const capabilities = lazy(() => {
  const set = knownOf('a capability such as "CAP_CHOWN"', CAPABILITIES);
  return object<LinuxCapabilities>({
    bounding: optional(set),
    effective: optional(set),
    inheritable: optional(set),
    permitted: optional(set),
    ambient: optional(set),
  });
});

const rlimit = lazy(() =>
  checked(
    object<POSIXRlimit>({
      type: required(oneOfMany('a resource of getrlimit(2) such as "RLIMIT_NOFILE"', RLIMITS)),
      hard: required(uint64("a whole number")),
      soft: required(uint64("a whole number")),
    }),
    ({ hard, soft }, report) => {
      // setrlimit(2) answers it with EINVAL, which names neither the limit nor the reason.
      if (soft > hard)
        report.problem(`at most the hard limit, ${hard}`, `the number ${soft}`, "soft");
    },
  ),
);

const scheduler = lazy(() =>
  object<Scheduler>({
    policy: required(oneOf(SCHEDULER_POLICIES)),
    nice: optional(integer("a whole number", -(2 ** 31), 2 ** 31 - 1)),
    priority: optional(integer("a whole number", -(2 ** 31), 2 ** 31 - 1)),
    flags: optional(list(oneOf(SCHEDULER_FLAGS))),
    runtime: optional(uint64("a whole number of nanoseconds")),
    deadline: optional(uint64("a whole number of nanoseconds")),
    period: optional(uint64("a whole number of nanoseconds")),
  }),
);

const ioPriority = lazy(() =>
  object<LinuxIOPriority>({
    class: required(oneOf(IO_CLASSES)),
    priority: required(integer("a whole number", 0, 7)),
  }),
);

const affinity = lazy(() =>
  object<CPUAffinity>({
    initial: optional(idList("a list of CPUs")),
    final: optional(idList("a list of CPUs")),
  }),
);
