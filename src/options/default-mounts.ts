// The mounts that every container has unless its own are in their place.

import type { Mount } from "../spec/mod.ts";
import type { ContainerFacts } from "./facts.ts";
import type { IpcMode, NetworkMode } from "./namespace-mode.ts";
import { type NamespaceModes, runningContainer } from "./namespaces.ts";
import type { Findings } from "./problem.ts";
import { type ProcOptions, procMountOptions } from "./security.ts";

/** docker's size of /dev/shm. */
export const SHM_SIZE = 64n * 1024n * 1024n;

/** What decides how the default mounts are made. */
export interface MountView {
  readonly modes: NamespaceModes;
  readonly facts: ContainerFacts;
  readonly privileged: boolean;
  readonly inUserNamespace: boolean;
  readonly shmSize: bigint;
  readonly procOptions: ProcOptions;
}

/** docker's mounts, in its order. */
export function defaultMounts(view: MountView, findings: Findings): readonly Mount[] {
  const shm = shmMount(view, findings);
  return [
    procMount(view, findings),
    fileSystem("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ptsMount(view),
    sysMount(view),
    ...(view.facts.cgroups === "none" ? [] : [cgroupMount(view)]),
    ...(mustBind(view.modes.ipc, view) && view.facts.mqueue === false ? [] : [mqueueMount(view)]),
    ...(shm === undefined ? [] : [shm]),
  ];
}

const GUARDED = ["nosuid", "noexec", "nodev"];

function fileSystem(
  destination: string,
  type: string,
  source: string,
  options: readonly string[],
): Mount {
  return { destination, type, source, options };
}

function hostMount(path: string, options: readonly string[]): Mount {
  return { destination: path, type: "bind", source: path, options: ["rbind", ...options] };
}

/**
 * In a user namespace proc, sysfs and mqueue can be mounted only for pid, network and ipc namespaces
 * that belong to it too (user_namespaces(7)): for the host's, the host's own mounts are shown. For those
 * of another container they can, since its user namespace is then joined with them.
 */
function mustBind(mode: NetworkMode | IpcMode, view: MountView): boolean {
  return view.inUserNamespace && mode === "host";
}

function procMount(view: MountView, findings: Findings): Mount {
  const options = procMountOptions(view.procOptions);
  if (!mustBind(view.modes.pid, view)) {
    return fileSystem("/proc", "proc", "proc", [...GUARDED, ...options]);
  }
  if (options.length > 0) {
    findings.problem(
      "--security-opt proc-opts",
      options.join(","),
      "in a user namespace they need a pid namespace of the container's own",
    );
  }
  return hostMount("/proc", GUARDED);
}

function ptsMount({ inUserNamespace, facts }: MountView): Mount {
  const options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
  // Group 5 is "tty" everywhere; a group that is not mapped cannot own the terminals.
  const hasTty =
    !inUserNamespace ||
    ((facts.idMappings ?? facts.userNamespace)?.gid.some(({ containerID, size }) => {
      return containerID <= 5 && containerID + size > 5;
    }) ??
      true);
  return fileSystem("/dev/pts", "devpts", "devpts", hasTty ? [...options, "gid=5"] : options);
}

function sysMount(view: MountView): Mount {
  const options = view.privileged ? GUARDED : [...GUARDED, readonlyWord(view)];
  if (mustBind(view.modes.network, view)) return hostMount("/sys", options);
  return fileSystem("/sys", "sysfs", "sysfs", view.privileged ? GUARDED : [...GUARDED, "ro"]);
}

/** The host's /sys comes with mounts below it, which have to be read-only as well. */
function readonlyWord({ facts }: MountView): string {
  return hasRecursiveReadonly(facts.kernel) ? "rro" : "ro";
}

/** mount_setattr(2) is there from Linux 5.12 on. */
export function hasRecursiveReadonly([major, minor]: ContainerFacts["kernel"]): boolean {
  return major > 5 || (major === 5 && minor >= 12);
}

function cgroupMount({ privileged }: MountView): Mount {
  const options = privileged ? GUARDED : ["ro", ...GUARDED];
  return fileSystem("/sys/fs/cgroup", "cgroup", "cgroup", options);
}

function mqueueMount(view: MountView): Mount {
  return mustBind(view.modes.ipc, view)
    ? hostMount("/dev/mqueue", GUARDED)
    : fileSystem("/dev/mqueue", "mqueue", "mqueue", GUARDED);
}

/** /dev/shm goes with the ipc namespace: whoever shares the one shares the other. */
function shmMount(
  { modes: { ipc }, facts, shmSize }: MountView,
  findings: Findings,
): Mount | undefined {
  const shared = (source: string): Mount => ({
    destination: "/dev/shm",
    type: "bind",
    source,
    options: ["rbind", "rprivate", ...GUARDED],
  });
  if (ipc === "none") return undefined;
  if (ipc === "host") return shared("/dev/shm");
  if (ipc === "shareable" && facts.shm !== undefined) return shared(facts.shm);
  if (typeof ipc === "object" && "container" in ipc) {
    const container = runningContainer(ipc, facts);
    if (container?.shm !== undefined) return shared(container.shm);
    if (container !== undefined) {
      findings.problem(
        "--ipc",
        `container:${ipc.container}`,
        "non-shareable IPC: start that container with --ipc shareable",
      );
    }
    return undefined;
  }
  return fileSystem("/dev/shm", "tmpfs", "shm", [...GUARDED, "mode=1777", `size=${shmSize}`]);
}
