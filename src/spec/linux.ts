// The Linux section of a configuration (config-linux.md): types and shape.

import { type LinuxResources, MAX_MAJOR, MAX_MINOR, resourcesShape } from "./resources.ts";
import {
  absolutePath,
  boolean,
  id,
  idList,
  int64,
  integer,
  isInterfaceName,
  knownOf,
  oneOf,
  singleLine,
  text,
  textThat,
  uint32,
} from "./scalar.ts";
import { type LinuxSeccomp, seccompShape } from "./seccomp.ts";
import {
  checked,
  lazy,
  list,
  map,
  object,
  optional,
  type Report,
  required,
  type Shape,
} from "./shape.ts";

/** What is particular to Linux. */
export interface Linux {
  /** To create, or with a path, to join; a type that is not listed is shared with the runtime. */
  readonly namespaces?: readonly LinuxNamespace[];
  readonly uidMappings?: readonly LinuxIDMapping[];
  readonly gidMappings?: readonly LinuxIDMapping[];
  readonly timeOffsets?: Readonly<Partial<Record<LinuxClock, LinuxTimeOffset>>>;
  readonly devices?: readonly LinuxDevice[];
  /** Devices of the host to move into the container, by their name on the host. */
  readonly netDevices?: Readonly<Record<string, LinuxNetDevice>>;
  /** Absolute: from the cgroup mount; relative: from a place the runtime determines. */
  readonly cgroupsPath?: string;
  readonly resources?: LinuxResources;
  readonly rootfsPropagation?: RootfsPropagation;
  readonly seccomp?: LinuxSeccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly personality?: LinuxPersonality;
  readonly intelRdt?: LinuxIntelRdt;
  readonly memoryPolicy?: LinuxMemoryPolicy;
}

/** The types of namespaces(7). */
export const NAMESPACES = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
] as const;

export type LinuxNamespaceType = (typeof NAMESPACES)[number];

/** A namespace to create, or to join if there is a path. */
export interface LinuxNamespace {
  readonly type: LinuxNamespaceType;
  readonly path?: string;
}

/** `size` ids from `containerID` on are those from `hostID` on (user_namespaces(7)). */
export interface LinuxIDMapping {
  readonly containerID: number;
  readonly hostID: number;
  /** At least 1. */
  readonly size: number;
}

const CLOCKS = ["boottime", "monotonic"] as const;

/** The clocks that a time namespace shifts (time_namespaces(7)). */
export type LinuxClock = (typeof CLOCKS)[number];

/** How far a clock is ahead; what is absent is 0. */
export interface LinuxTimeOffset {
  readonly secs?: bigint;
  /** Below 1,000,000,000. */
  readonly nanosecs?: number;
}

const DEVICE_TYPES = ["c", "b", "u", "p"] as const;

/** As of mknod(1): character device, block device, unbuffered character device, FIFO. */
export type LinuxDeviceType = (typeof DEVICE_TYPES)[number];

/** A device node; `major` and `minor` are there unless it is a FIFO (`p`). */
export interface LinuxDevice {
  readonly path: string;
  readonly type: LinuxDeviceType;
  readonly major?: number;
  readonly minor?: number;
  /** Permission bits; some engines add the bits of the file type. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A network device to move; without a name it keeps its own. */
export interface LinuxNetDevice {
  /** May end in `%d`: the kernel then finds a free number. */
  readonly name?: string;
}

const PROPAGATIONS = [
  "private",
  "shared",
  "slave",
  "unbindable",
  "rprivate",
  "rshared",
  "rslave",
  "runbindable",
] as const;

/** The propagation of the root mount; those with an `r`, which other runtimes know, are recursive. */
export type RootfsPropagation = (typeof PROPAGATIONS)[number];

const PERSONALITIES = ["LINUX", "LINUX32"] as const;

export type PersonalityDomain = (typeof PERSONALITIES)[number];

/** The execution domain of personality(2). */
export interface LinuxPersonality {
  readonly domain: PersonalityDomain;
  /** Empty, since none is defined so far. */
  readonly flags?: readonly string[];
}

/** Intel Resource Director Technology. */
export interface LinuxIntelRdt {
  /** A directory of resctrl, `/` for its root; absent: that of the container's id. */
  readonly closID?: string;
  /** Lines for the file `schemata`. */
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
}

/** The modes of set_mempolicy(2). */
export const MEMORY_POLICIES = [
  "MPOL_DEFAULT",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_WEIGHTED_INTERLEAVE",
  "MPOL_PREFERRED",
  "MPOL_PREFERRED_MANY",
  "MPOL_LOCAL",
] as const;

export type MemoryPolicyMode = (typeof MEMORY_POLICIES)[number];

/** The flags that a mode may have. */
export const MEMORY_POLICY_FLAGS = [
  "MPOL_F_NUMA_BALANCING",
  "MPOL_F_RELATIVE_NODES",
  "MPOL_F_STATIC_NODES",
] as const;

export type MemoryPolicyFlag = (typeof MEMORY_POLICY_FLAGS)[number];

/** The NUMA policy of set_mempolicy(2). */
export interface LinuxMemoryPolicy {
  readonly mode: MemoryPolicyMode;
  /** Such as `0-3,7`. */
  readonly nodes?: string;
  readonly flags?: readonly MemoryPolicyFlag[];
}

export const linuxShape: Shape<Linux> = lazy(() =>
  object<Linux>({
    namespaces: optional(list(namespace, { unique: { per: "type", key: (each) => each.type } })),
    uidMappings: optional(list(idMappingShape)),
    gidMappings: optional(list(idMappingShape)),
    timeOffsets: optional(timeOffsets),
    devices: optional(list(device)),
    netDevices: optional(
      map(netDevice, { expected: "the name of a network device", test: isInterfaceName }),
    ),
    cgroupsPath: optional(text),
    resources: optional(resourcesShape),
    rootfsPropagation: optional(oneOf(PROPAGATIONS)),
    seccomp: optional(seccompShape),
    sysctl: optional(
      map(singleLine("a single line"), { expected: "the name of a sysctl", test: isSysctlName }),
    ),
    maskedPaths: optional(list(absolutePath)),
    readonlyPaths: optional(list(absolutePath)),
    mountLabel: optional(text),
    personality: optional(personality),
    intelRdt: optional(intelRdt),
    memoryPolicy: optional(memoryPolicy),
  }),
);

const namespace = lazy(() =>
  object<LinuxNamespace>({
    type: required(oneOf(NAMESPACES)),
    path: optional(absolutePath),
  }),
);

/** A line of a uid_map or gid_map. */
export const idMappingShape: Shape<LinuxIDMapping> = lazy(() =>
  checked(
    object<LinuxIDMapping>({
      containerID: required(id()),
      hostID: required(id()),
      size: required(integer("a whole number of ids", 1, 2 ** 32 - 1)),
    }),
    (mapping, report) => {
      // Id 4294967295 is none, and can be in no range (kernel/user_namespace.c, map_write).
      const room = 2 ** 32 - 1 - Math.max(mapping.containerID, mapping.hostID);
      if (mapping.size <= room) return;
      report.problem(`a range that ends by 4294967294`, `a size of ${mapping.size}`, "size");
    },
  ),
);

const timeOffsets = lazy(() =>
  map(
    object<LinuxTimeOffset>({
      secs: optional(int64("a whole number of seconds")),
      nanosecs: optional(integer("a whole number of nanoseconds", 0, 999_999_999)),
    }),
    {
      expected: 'one of the clocks "boottime", "monotonic"',
      test: (clock) => CLOCKS.some((known) => known === clock),
    },
  ),
);

const device = lazy(() =>
  checked(
    object<LinuxDevice>({
      path: required(absolutePath),
      type: required(oneOf(DEVICE_TYPES)),
      major: optional(integer("a major device number", 0, MAX_MAJOR)),
      minor: optional(integer("a minor device number", 0, MAX_MINOR)),
      fileMode: optional(uint32("a file mode (whole number)")),
      uid: optional(id()),
      gid: optional(id()),
    }),
    checkDevice,
  ),
);

function checkDevice({ type, major, minor }: LinuxDevice, report: Report): void {
  if (type === "p") return;
  const why = `since the type is "${type}"`;
  if (major === undefined) report.problem(`a major device number, ${why}`, "nothing", "major");
  if (minor === undefined) report.problem(`a minor device number, ${why}`, "nothing", "minor");
}

const netDevice = lazy(() =>
  object<LinuxNetDevice>({
    name: optional(textThat("the name of a network device", isInterfaceName)),
  }),
);

/** The name becomes a path below /proc/sys, with "." or "/" between its parts: none may lead out. */
function isSysctlName(name: string): boolean {
  return /^[^\s/]+(?:\/[^\s/]+)*$/.test(name) && !name.includes("..") && name !== ".";
}

const personality = lazy(() =>
  object<LinuxPersonality>({
    domain: required(oneOf(PERSONALITIES)),
    flags: optional(knownOf("no flag, since none is defined", [])),
  }),
);

const intelRdt = lazy(() =>
  object<LinuxIntelRdt>({
    closID: optional(textThat('the name of a directory, or "/"', isClosID)),
    schemata: optional(list(singleLine("a single line"))),
    l3CacheSchema: optional(text),
    memBwSchema: optional(textThat('a single line that starts with "MB:"', isMemBwSchema)),
    enableMonitoring: optional(boolean),
  }),
);

function isClosID(name: string): boolean {
  return name === "/" || (/^[^/\n]+$/.test(name) && name !== "." && name !== "..");
}

function isMemBwSchema(schema: string): boolean {
  return /^MB:[^\n]*$/.test(schema);
}

const memoryPolicy = lazy(() =>
  object<LinuxMemoryPolicy>({
    mode: required(oneOf(MEMORY_POLICIES)),
    nodes: optional(idList("a list of memory nodes")),
    flags: optional(list(oneOf(MEMORY_POLICY_FLAGS))),
  }),
);
