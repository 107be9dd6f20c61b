// What has to be known of the machine before a container can be described.

import type { Capability } from "../spec/capability.ts";
import type { LinuxIDMapping } from "../spec/mod.ts";
import type { RunOptions } from "./options.ts";

/**
 * Facts for `containerSpec`: gathered before, so that it asks nobody itself. What is optional is
 * needed by some options only; `neededFacts` says which.
 */
export interface ContainerFacts {
  /** The container's id. */
  readonly id: string;
  /** The directory that becomes the container's root, for `root.path`. */
  readonly root: string;
  /** The host's own name. */
  readonly hostname: string;
  /** Major and minor version of the kernel. */
  readonly kernel: readonly [major: number, minor: number];
  /** What the caller can pass on: its bounding set. */
  readonly capabilities: readonly Capability[];
  readonly cgroups: "v1" | "v2" | "hybrid" | "none";
  /** The caller is not root: a container then always has a user namespace. */
  readonly rootless: boolean;
  /** Whether the host has a /dev/mqueue to show; absent: it has. */
  readonly mqueue?: boolean | undefined;
  /** The ids of the user namespace that the engine itself is in; absent: the machine's own. */
  readonly userNamespace?: IdMappings | undefined;
  /** The user namespace that is to be joined is the one that the engine is in; absent: it is not. */
  readonly joinsOwnUsers?: boolean | undefined;
  /** The ids of a user namespace of the container's own; absent: each id is itself. */
  readonly idMappings?: IdMappings | undefined;
  /** What the host has at the paths of `neededFacts`: a node, or all nodes of a directory. */
  readonly devices?: Readonly<Record<string, readonly HostDevice[]>> | undefined;
  /** All devices of the host, for `privileged`; without its terminals. */
  readonly hostDevices?: readonly HostDevice[] | undefined;
  /** The running containers that the options name, by the names that they use. */
  readonly containers?: Readonly<Record<string, RunningContainer>> | undefined;
  /**
   * A directory for /dev/shm that other containers can be shown too, for `ipc: "shareable"`; absent:
   * the engine can show that of a running container.
   */
  readonly shm?: string | undefined;
  /** What is known of volumes; absent: none can be mounted. */
  readonly volumes?: VolumeFacts | undefined;
  /** How many CPUs there are. */
  readonly cpus?: number | undefined;
  /** Whether the kernel can limit swap; absent: it can. */
  readonly swapLimit?: boolean | undefined;
  /**
   * Further paths to hide, which depend on the machine: what its sensors tell, such as
   * `/sys/devices/system/cpu/cpu0/thermal_throttle`.
   */
  readonly sensorPaths?: readonly string[] | undefined;
}

export interface IdMappings {
  readonly uid: readonly LinuxIDMapping[];
  readonly gid: readonly LinuxIDMapping[];
}

/** A device node of the host. */
export interface HostDevice {
  /** Absolute: the path that was asked for, or one below it. */
  readonly path: string;
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Another container, whose namespaces are to be joined. */
export interface RunningContainer {
  /** Of its first process, as the host sees it. */
  readonly pid: number;
  /** The file in which its executor has written that down, with when it began. */
  readonly file?: string | undefined;
  readonly hostname: string;
  readonly domainname?: string | undefined;
  /** The directory of the host that is its /dev/shm, if it is one that can be shared. */
  readonly shm?: string | undefined;
}

/** Where volumes are, and how those that the options name were made. */
export interface VolumeFacts {
  /** The directory of all volumes. */
  readonly directory: string;
  /** `type`, `device` and `o` by the volume's name, of those that are there. */
  readonly options: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface NeededFacts {
  /** Paths of the host to look at for `devices`. */
  readonly devices: readonly string[];
  readonly hostDevices: boolean;
  /** Ids or names to look up for `containers`. */
  readonly containers: readonly string[];
  readonly shm: boolean;
  readonly cpus: boolean;
  readonly swapLimit: boolean;
}

/** Which of the optional facts the options need: most containers need none. */
export function neededFacts(options: RunOptions): NeededFacts {
  const devices = [
    ...(options.devices ?? []).map(({ source }) => source),
    ...[
      options.blkioWeightDevice,
      options.deviceReadBps,
      options.deviceWriteBps,
      options.deviceReadIops,
      options.deviceWriteIops,
    ].flatMap((list) => (list ?? []).map(({ path }) => path)),
  ];
  const { pid, network, ipc, uts, cgroupns, userns } = options;
  const containers = [pid, network, ipc, uts, cgroupns, userns].flatMap((mode) =>
    typeof mode === "object" && "container" in mode ? [mode.container] : [],
  );
  return {
    devices: [...new Set(devices)],
    hostDevices: options.privileged === true,
    containers: [...new Set(containers)],
    shm: ipc === "shareable",
    cpus: options.cpus !== undefined,
    swapLimit: options.memory !== undefined,
  };
}
