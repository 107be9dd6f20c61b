/**
 * What the kernel can do is found out by doing it: small plans, each carried out by an executor of
 * its own, in namespaces of its own, which end with it. Nothing of the host is changed.
 */

import { confinedBy, confinementCure } from "../host/confinement.ts";
import type { Namespace } from "../plan/constants.ts";
import type { Plan, Step } from "../plan/op.ts";
import { bind, byInit, byParent, mkdir, mount, onHost, slot, write } from "../planner/step.ts";

export type Probe = {
  readonly about: string;
  /** What of pivot depends on it. */
  readonly needs: string;
  /** How bad it is when it fails. */
  readonly level: "fatal" | "lack" | "note";
  readonly plan: Plan;
  /** What to do, by the errno and the index of the step that failed. */
  readonly cure: (errno: number) => string;
};

const EPERM = 1;
const ENOSPC = 28;

const planOf = (...steps: readonly Step[]): Plan => ({ version: 1, steps });

const unshare = (...namespaces: Namespace[]): Step =>
  byParent({ op: "unshare", namespaces }, "a probe");

const hidden: Step = byParent(
  {
    op: "mount_setattr",
    at: onHost("/"),
    attributes: [],
    clear: [],
    propagation: "private",
    recursive: true,
  },
  "no mount made here is seen by the host",
);

const own: readonly Step[] = [unshare("mount"), hidden];

const map = (file: string, text: string): Step =>
  byParent(write(onHost(`/proc/self/${file}`), text), "a probe");

/** A user namespace in which the caller is who they are, and a mount namespace of its own. */
const inUserNamespace = ({ uid, gid }: Caller): readonly Step[] => [
  unshare("user"),
  map("setgroups", "deny"),
  map("uid_map", `${uid} ${uid} 1\n`),
  map("gid_map", `${gid} ${gid} 1\n`),
  ...own,
];

/** Directories for an overlay, on a tmpfs over /tmp that nobody else sees. */
const scratch: readonly Step[] = [
  byParent(mount({ type: "tmpfs", at: onHost("/tmp"), create: "existing" }), "a probe"),
  ...["lower", "upper", "work"].map((name) =>
    byParent(mkdir(onHost(`/tmp/${name}`), 0o755), "a probe"),
  ),
];

const overlay = (directory: string, ...options: string[]): Step =>
  byParent(
    mount({
      type: "overlay",
      options: [
        `lowerdir=${directory}/lower`,
        `upperdir=${directory}/upper`,
        `workdir=${directory}/work`,
        ...options,
      ],
      into: "overlay",
    }),
    "a probe",
  );

const clone = (...namespaces: Namespace[]): Step =>
  byParent(
    { op: "clone", namespaces, cgroup: null, user: null, process: null, join: [], proc: null },
    "a probe",
  );

/** Init hands over, and is ended with the plan. */
const last: Step = byParent({ op: "due" }, "the end of the probe");

type Caller = { readonly uid: number; readonly gid: number };

export type ProbeWish = Caller & {
  /** The engine's data, when it is there. */
  readonly dataRoot: string | null;
  /** A name below it that nobody has. */
  readonly name: string;
  /** Root of a user namespace: of an ordinary user's own. */
  readonly isRootless: boolean;
};

const noModule = (name: string) => (errno: number) =>
  errno === EPERM ? "sudo pivot doctor" : `sudo modprobe ${name}`;

/** A profile of AppArmor's is looked at first: no sysctl takes it away. */
const userNamespaceCure = (errno: number): string =>
  errno === ENOSPC
    ? "sudo sysctl -w user.max_user_namespaces=15000"
    : confinedBy() !== null
      ? confinementCure
      : "sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0";

const idMappedMounts = (dataRoot: string | null): Probe => ({
  about: "id-mapped mounts",
  needs: "volumes of containers with a user namespace (idmap)",
  level: "note",
  plan: planOf(
    ...own,
    byParent(
      {
        op: "user_namespace",
        uid_map: "0 100000 65536\n",
        gid_map: "0 100000 65536\n",
        into: "maps",
      },
      "a probe",
    ),
    byParent(bind({ from: onHost(dataRoot ?? "/"), into: "made" }), "a probe"),
    byParent({ op: "idmap", mount: "made", namespace: "maps", recursive: false }, "a probe"),
  ),
  cure: () => "pivot --root DIR, on a file system that can: ext4, xfs, btrfs, tmpfs of Linux 6.3",
});

/** Where overlayfs is to write its notes. */
const notes = (isRootless: boolean): string[] => (isRootless ? ["userxattr"] : []);

const ofRoot = ({ dataRoot, name, isRootless }: ProbeWish): Probe[] => [
  {
    about: "namespaces",
    needs: "every container",
    level: "fatal",
    plan: planOf(clone("mount", "pid", "network", "ipc", "uts", "cgroup"), last),
    cure: (errno) =>
      errno === ENOSPC
        ? "sudo sysctl -w user.max_mnt_namespaces=15000 user.max_pid_namespaces=15000 user.max_net_namespaces=15000"
        : "run pivot as root, outside of other containers",
  },
  {
    about: "new mount calls",
    needs: "every container",
    level: "fatal",
    plan: planOf(
      ...own,
      byParent(mount({ type: "tmpfs", attributes: ["nosuid"], into: "made" }), "a probe"),
      byParent(
        {
          op: "mount_setattr",
          at: slot("made"),
          attributes: ["ro"],
          clear: [],
          propagation: "unchanged",
          recursive: true,
        },
        "a probe",
      ),
    ),
    cure: () => "use Linux 5.12 or newer, outside of other containers",
  },
  {
    about: "fresh /proc, /sys",
    needs: "every container",
    level: "fatal",
    plan: planOf(
      clone("mount", "pid", "network"),
      byInit(hidden.op, "a probe"),
      byInit(mount({ type: "proc", into: "proc" }), "a probe"),
      byInit(mount({ type: "sysfs", into: "sys" }), "a probe"),
      last,
    ),
    cure: () => "run pivot outside of other containers",
  },
  {
    about: "overlayfs",
    needs: "containers of images",
    level: "lack",
    plan: planOf(...own, ...scratch, overlay("/tmp", ...notes(isRootless))),
    cure: noModule("overlay"),
  },
  ...(dataRoot === null
    ? []
    : [
        {
          about: "upper layers",
          needs: "containers of images write to the data root",
          level: "lack",
          plan: planOf(
            ...own,
            byParent(mkdir(onHost(`${dataRoot}/${name}`), 0o700), "a probe", {
              op: "remove",
              at: onHost(`${dataRoot}/${name}`),
            }),
            ...["lower", "upper", "work"].map((each) =>
              byParent(mkdir(onHost(`${dataRoot}/${name}/${each}`), 0o755), "a probe"),
            ),
            overlay(`${dataRoot}/${name}`, ...notes(isRootless)),
          ),
          cure: () => "pivot --root DIR, on ext4, xfs, btrfs or tmpfs",
        } as const,
      ]),
  // Its maps would have to lie within those of the user.
  ...(isRootless ? [] : [idMappedMounts(dataRoot)]),
  {
    about: "time namespaces",
    needs: "containers with linux.timeOffsets",
    level: "note",
    plan: planOf(unshare("time")),
    cure: () => "use a kernel with CONFIG_TIME_NS",
  },
];

const ofEverybody = (wish: ProbeWish): Probe[] => [
  {
    about: "user namespaces",
    needs:
      wish.uid === 0
        ? "containers with linux.uidMappings"
        : "containers and tries of ordinary users",
    level: "lack",
    plan: planOf(...inUserNamespace(wish)),
    cure: userNamespaceCure,
  },
  {
    about: "overlayfs in them",
    needs: "containers and tries of ordinary users",
    level: wish.uid === 0 ? "note" : "lack",
    plan: planOf(...inUserNamespace(wish), ...scratch, overlay("/tmp", "userxattr")),
    cure: () => (confinedBy() === null ? "use Linux 5.11 or newer" : confinementCure),
  },
];

export const probesFor = (wish: ProbeWish): Probe[] =>
  wish.uid === 0 ? [...ofRoot(wish), ...ofEverybody(wish)] : ofEverybody(wish);
