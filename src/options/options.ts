// All that can be asked for of a container beyond its image and its command.

import type { LinuxDeviceCgroup, RootfsPropagation } from "../spec/mod.ts";
import type { DeviceWeight, Throttle } from "./block-device.ts";
import type { DeviceOption } from "./device.ts";
import type { HostEntry } from "./host-entry.ts";
import type { Count, MountOption } from "./mount-option.ts";
import type { IpcMode, NamespaceMode, NetworkMode } from "./namespace-mode.ts";
import type { NetworkWish } from "./network.ts";
import type { ExposedPorts, PublishedPorts } from "./publish.ts";
import type { ProcOptions, SecurityOptions } from "./security.ts";
import type { Ulimit } from "./ulimit.ts";
import type { IdMap, UsernsMode } from "./userns.ts";

/**
 * The options of `run`: what the library takes and what a command line is parsed into. Each of them
 * may be absent or undefined; the defaults are docker's.
 *
 * Amounts are in bytes, times in seconds or microseconds as said; an amount beyond 2^53 is a bigint.
 */
export type RunOptions = {
  readonly [Name in keyof RunChoices]?: RunChoices[Name] | undefined;
};

/** The options with the values that they can have. */
export interface RunChoices
  extends IdentityChoices,
    ProcessChoices,
    FileChoices,
    SecurityChoices,
    NamespaceChoices,
    NetworkChoices,
    ResourceChoices {}

interface IdentityChoices {
  /** A name that no other container has: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`. */
  name: string;
  /** Take the container away when it has ended. */
  rm: boolean;
  /** Kept with the container; they win over those of the image. */
  labels: Readonly<Record<string, string>>;
  /** Handed to hooks, in the configuration of the runtime. */
  annotations: Readonly<Record<string, string>>;
}

interface ProcessChoices {
  /** `NAME|UID[:GROUP|GID]`; names are those of the container's /etc/passwd. Default: the image's. */
  user: string;
  /** Further groups, names or numbers. */
  groupAdd: readonly string[];
  /** Absolute, in the container; made if it is not there. Default: the image's, else `/`. */
  workdir: string;
  /** Variables by name; null takes away what the image or the engine sets. */
  env: Readonly<Record<string, string | null>>;
  /**
   * In place of the image's entrypoint; the image's command is then not used. `[""]` is no entrypoint,
   * `[]` is no entrypoint either but leaves the image's command in use.
   */
  entrypoint: readonly string[];
  /** Keep standard input open. */
  interactive: boolean;
  /** Give the container a terminal of its own. */
  tty: boolean;
  /** Run an init as process 1 that passes signals on and reaps orphans. */
  init: boolean;
  /** What `stop` sends: a name or a number. Default: the image's, else SIGTERM. */
  stopSignal: string | number;
  /** Pass the signals that the caller gets on to the container. Default: true. */
  signalProxy: boolean;
  /** Permission bits that new files do not get. */
  umask: number;
  ulimits: readonly Ulimit[];
  /** -1000 (never the first to go) to 1000. Default: the caller's own. */
  oomScoreAdj: number;
}

interface FileChoices {
  /** Mount the root read-only. */
  readOnly: boolean;
  /** How mounts travel across the root. Default: as the mounts need it. */
  rootPropagation: RootfsPropagation;
  /** How the container's root becomes `/`. Default: pivot, the only safe one. */
  rootSwitch: RootSwitch;
  mounts: readonly MountOption[];
  /** Containers whose mounts this one gets too, `NAME[:ro|:rw]`; its own go before them. */
  volumesFrom: readonly string[];
  /** Empty file systems in memory: options such as `size=64m` by path, both as for mount(8). */
  tmpfs: Readonly<Record<string, string>>;
  /** The size of /dev/shm. Default: 64 MiB. */
  shmSize: Count;
  devices: readonly DeviceOption[];
  /** Name servers, by address. */
  dns: readonly string[];
  /** Domains in which short names are looked up; `.` is none. */
  dnsSearch: readonly string[];
  /** As in resolv.conf(5). */
  dnsOptions: readonly string[];
  /** Lines for /etc/hosts. */
  addHosts: readonly HostEntry[];
  procOptions: ProcOptions;
}

/** By pivot_root(2), by chroot(2), or by moving the mount to `/` first (mount(2), MS_MOVE). */
export type RootSwitch = "pivot" | "chroot" | "move";

interface SecurityChoices {
  /** All capabilities and devices, and nothing hidden, filtered or read-only. */
  privileged: boolean;
  /** With or without `CAP_`, in any case; or `ALL`. */
  capAdd: readonly string[];
  capDrop: readonly string[];
  securityOpt: SecurityOptions;
  /** Beside the rules that every container has; of those that fit, the last one holds. */
  deviceCgroupRules: readonly LinuxDeviceCgroup[];
}

interface NamespaceChoices {
  /** The machine's name in the container. Default: the first 12 characters of its id. */
  hostname: string;
  /** The NIS domain. */
  domainname: string;
  pid: NamespaceMode;
  network: NetworkMode;
  ipc: IpcMode;
  uts: NamespaceMode;
  /** Default: private with cgroup v2 alone, else the host's. */
  cgroupns: NamespaceMode;
  /** Default: the host's for root; for anybody else private, or that of a container that is joined. */
  userns: UsernsMode;
  /** Which ids outside those inside are; of one that is not given the other's hold. */
  uidMap: readonly IdMap[];
  gidMap: readonly IdMap[];
  /** Whose ranges of /etc/subuid and /etc/subgid the ids inside are laid over, from 0 on. */
  subuidName: string;
  subgidName: string;
  /** Seconds by which the container's clocks are ahead of the host's. */
  timeOffsets: { readonly boottime?: number | undefined; readonly monotonic?: number | undefined };
  /** Kernel settings by name, with dots; only those that belong to a namespace. */
  sysctls: Readonly<Record<string, string>>;
}

interface NetworkChoices {
  /** Networks beside the first, which `network` is. */
  networks: readonly NetworkWish[];
  /** What it is on the first of its networks; there over what `network` itself says. */
  ip: string;
  ip6: string;
  macAddress: string;
  networkAliases: readonly string[];
  publish: readonly PublishedPorts[];
  /** All ports that the image or `expose` names get a free one of the host. */
  publishAll: boolean;
  expose: readonly ExposedPorts[];
  /**
   * What may be reached outside, and nothing else: `HOST[:PORT]`, `*.DOMAIN[:PORT]`, addresses and
   * ranges, those of IPv6 in brackets. `[]`: nothing at all.
   */
  egress: readonly string[];
}

interface ResourceChoices {
  /** Bytes; 0 is no limit, here and in all that follows. */
  memory: Count;
  /** Memory and swap together; -1 is as much swap as there is. Default: twice the memory. */
  memorySwap: Count;
  /** What the container is brought down to when memory is short. */
  memoryReservation: Count;
  /** 0 to 100; -1 is as the host has it. */
  memorySwappiness: number;
  /** Let processes wait for memory in place of ending one of them. */
  oomKillDisable: boolean;
  /** CPUs' worth of time, `1.5`. */
  cpus: number;
  /** The weight relative to other containers; 1024 is usual. */
  cpuShares: Count;
  /** Microseconds: 1000 to 1000000. */
  cpuPeriod: Count;
  /** Microseconds per period; -1 is no limit. */
  cpuQuota: Count;
  /** CPUs to run on, `0-3,7`. */
  cpusetCpus: string;
  /** Memory nodes to use, `0-3,7`. */
  cpusetMems: string;
  /** How many processes and threads there may be; -1 is no limit. */
  pidsLimit: Count;
  /** 10 to 1000. */
  blkioWeight: number;
  blkioWeightDevice: readonly DeviceWeight[];
  deviceReadBps: readonly Throttle[];
  deviceWriteBps: readonly Throttle[];
  deviceReadIops: readonly Throttle[];
  deviceWriteIops: readonly Throttle[];
}
