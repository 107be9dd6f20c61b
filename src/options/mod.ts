// The options of `run`: docker's grammar, and the configuration that they come to.
//
// This folder knows options and configurations and nothing else: no file, no kernel, no engine.

export type { DeviceWeight, RateUnit, Throttle } from "./block-device.ts";
export { parseDeviceWeight, parseThrottle } from "./block-device.ts";
export { parseBytes } from "./bytes.ts";
export { parseCapability } from "./capability.ts";
export { commandLine } from "./command.ts";
export { type ContainerSpec, containerSpec } from "./container-spec.ts";
export { parseCpus, parseIdList } from "./cpu.ts";
export { type DeviceOption, parseDevice, parseDeviceCgroupRule } from "./device.ts";
export { type EnvEntry, type Lookup, parseEnv, parseEnvFile } from "./environment.ts";
export type { ContainerExtras, DnsSettings } from "./extras.ts";
export {
  type ContainerFacts,
  type HostDevice,
  type IdMappings,
  type NeededFacts,
  neededFacts,
  type RunningContainer,
} from "./facts.ts";
export {
  type HostEntry,
  parseAddHost,
  parseDnsOption,
  parseDnsSearch,
  parseDnsServer,
} from "./host-entry.ts";
export type { ImageConfig } from "./image-config.ts";
export { parseLabel } from "./label.ts";
export { parseMount } from "./mount.ts";
export type {
  BindMount,
  BindRecursion,
  Count,
  MountOption,
  Propagation,
  TmpfsMount,
  VolumeMount,
} from "./mount-option.ts";
export type { Relabelling } from "./mounts.ts";
export { parseContainerName, parseDomainname, parseHostname } from "./name.ts";
export {
  type IpcMode,
  type NamespaceMode,
  type NamespaceOption,
  type NetworkMode,
  parseIpcMode,
  parseNamespaceMode,
  parseNetworkMode,
} from "./namespace-mode.ts";
export type { RootSwitch, RunChoices, RunOptions } from "./options.ts";
export { formatOptionProblem, type OptionProblem, type Refusal, type Result } from "./problem.ts";
export {
  applySecuritySetting,
  type Hidepid,
  type ProcOptions,
  parseSecurityOpt,
  type SecurityOptions,
  type SecuritySetting,
} from "./security.ts";
export { parseSignal } from "./signal.ts";
export { parseSysctl } from "./sysctl.ts";
export { parseTmpfs, type TmpfsEntry } from "./tmpfs.ts";
export { parseUlimit, type Ulimit, type UlimitName } from "./ulimit.ts";
export { parseGroup, parseUser, type UserChoice } from "./user.ts";
export { parseVolume } from "./volume.ts";
