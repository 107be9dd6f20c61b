// The OCI runtime specification: what a configuration may be, and its reading.
//
// This folder knows documents and nothing else: no file, no kernel, no default of the runtime.

export { CAPABILITIES, type Capability } from "./capability.ts";
export type { Hook, Hooks, Mount, Root, Spec } from "./config.ts";
export { type JsonReading, readJson } from "./json.ts";
export type { Duplicate, JsonObject, JsonValue } from "./json-reader.ts";
export { writeJson } from "./json-writer.ts";
export type {
  Linux,
  LinuxClock,
  LinuxDevice,
  LinuxDeviceType,
  LinuxIDMapping,
  LinuxIntelRdt,
  LinuxMemoryPolicy,
  LinuxNamespace,
  LinuxNamespaceType,
  LinuxNetDevice,
  LinuxPersonality,
  LinuxTimeOffset,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  PersonalityDomain,
  RootfsPropagation,
} from "./linux.ts";
export { MEMORY_POLICIES, MEMORY_POLICY_FLAGS, NAMESPACES } from "./linux.ts";
export {
  type Parsed,
  parseProcess,
  parseResources,
  parseSpec,
  parseSpecValue,
} from "./parse.ts";
export { formatProblem, JsonNumber, type Position, type Problem } from "./problem.ts";
export type {
  ConsoleSize,
  CPUAffinity,
  IOPriorityClass,
  LinuxCapabilities,
  LinuxIOPriority,
  POSIXRlimit,
  Process,
  Scheduler,
  SchedulerFlag,
  SchedulerPolicy,
  User,
} from "./process.ts";
export { RLIMITS } from "./process.ts";
export type {
  DeviceRuleType,
  LinuxBlockIO,
  LinuxCPU,
  LinuxDeviceCgroup,
  LinuxHugepageLimit,
  LinuxInterfacePriority,
  LinuxMemory,
  LinuxNetwork,
  LinuxPids,
  LinuxRdma,
  LinuxResources,
  LinuxThrottleDevice,
  LinuxWeightDevice,
} from "./resources.ts";
export type {
  LinuxSeccomp,
  LinuxSeccompArg,
  LinuxSyscall,
  SeccompAction,
  SeccompArch,
  SeccompFlag,
  SeccompOperator,
} from "./seccomp.ts";
export {
  ACTIONS as SECCOMP_ACTIONS,
  ARCHITECTURES as SECCOMP_ARCHITECTURES,
  FLAGS as SECCOMP_FLAGS,
  OPERATORS as SECCOMP_OPERATORS,
} from "./seccomp.ts";
export { namespaceOf, type SysctlNamespace } from "./sysctl-namespace.ts";

/** The version of the specification that is implemented here. */
export const OCI_VERSION = "1.3.0";
