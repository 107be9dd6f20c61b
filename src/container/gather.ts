/** Gathers what `containerSpec` has to know of the machine: for most containers next to nothing. */

import { existsSync, readFileSync, type Stats, statSync } from "node:fs";
import { allDevices, devicesAt } from "../host/devices.ts";
import { readProcess } from "../host/first-process.ts";
import type { ContainerFacts, RunningContainer, VolumeFacts } from "../options/facts.ts";
import { neededFacts } from "../options/facts.ts";
import type { RunOptions } from "../options/options.ts";
import type { Facts } from "../planner/facts.ts";
import { findContainer } from "./state.ts";
import { WishError } from "./wish-error.ts";

function runningContainer(runRoot: string, wanted: string): RunningContainer {
  const found = findContainer(runRoot, wanted);
  // By its pid alone it could be any process that has been given the number since.
  const process = found.exitCode === null ? readProcess(`${found.directory}/pid`) : null;
  if (process === null) {
    throw new WishError([`the container ${wanted} is not running: its namespaces are gone`]);
  }
  return {
    pid: process.pid,
    file: `${found.directory}/pid`,
    hostname: found.state?.hostname ?? "",
    // After --root-switch chroot the root of its mount namespace is the host's, /dev/shm included.
    ...(found.state?.options.rootSwitch === "chroot"
      ? {}
      : { shm: `/proc/${process.pid}/root/dev/shm` }),
  };
}

const byKey = <T>(keys: readonly string[], valueOf: (key: string) => T): Record<string, T> =>
  Object.fromEntries(keys.map((key) => [key, valueOf(key)]));

/** How many CPUs the machine has on: `0-3,8` is five. */
function countCpus(): number {
  const list = readFileSync("/sys/devices/system/cpu/online", "latin1").trim();
  return list.split(",").reduce((sum, range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

const limitsSwap = ({ cgroups: { mode, v1 } }: Facts): boolean => {
  if (mode === "v2") return true;
  const memory = v1.find(({ controllers }) => controllers.includes("memory"));
  return memory !== undefined && existsSync(`${memory.mount}/memory.memsw.limit_in_bytes`);
};

/** Whether a container is to join the user namespace that we are in; nobody can, and it has it anyway. */
function joinsOwnUsers(
  { userns }: RunOptions,
  containers: Readonly<Record<string, RunningContainer>>,
): boolean {
  if (typeof userns !== "object" || "auto" in userns || "keepId" in userns) return false;
  const path =
    "path" in userns ? userns.path : `/proc/${containers[userns.container]?.pid}/ns/user`;
  const [there, own] = [path, "/proc/self/ns/user"].map((each) => statOf(each));
  return there?.ino === own?.ino && there?.dev === own?.dev && there !== undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // the step that opens it says why it cannot
  }
}

export type Gathering = {
  readonly id: string;
  readonly root: string;
  readonly runRoot: string;
  readonly options: RunOptions;
  readonly facts: Facts;
  readonly volumes: VolumeFacts | null;
};

/**
 * @throws WishError when a container that is to be joined is not there
 */
export function gatherContainerFacts(wish: Gathering): ContainerFacts {
  const { id, root, runRoot, options, facts } = wish;
  const needed = neededFacts(options);
  const containers = byKey(needed.containers, (name) => runningContainer(runRoot, name));
  return {
    id,
    root,
    hostname: readFileSync("/proc/sys/kernel/hostname", "utf8").trim(),
    kernel: facts.kernel,
    capabilities: facts.capabilities,
    cgroups: facts.cgroups.mode,
    rootless: facts.uid !== 0,
    ...(facts.userNamespace === undefined ? {} : { userNamespace: facts.userNamespace }),
    ...(options.ipc === "host" ? { mqueue: existsSync("/dev/mqueue") } : {}),
    devices: byKey(needed.devices, devicesAt),
    ...(needed.hostDevices ? { hostDevices: allDevices() } : {}),
    ...(wish.volumes === null ? {} : { volumes: wish.volumes }),
    containers,
    ...(joinsOwnUsers(options, containers) ? { joinsOwnUsers: true } : {}),
    ...(needed.cpus ? { cpus: countCpus() } : {}),
    ...(needed.swapLimit ? { swapLimit: limitsSwap(facts) } : {}),
  };
}
