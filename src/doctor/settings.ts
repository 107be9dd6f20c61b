/** What the machine says of itself without being tried: settings, places, users. */

import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { delegated } from "../container/delegated.ts";
import type { PlaceForScopes } from "../container/own-scope.ts";
import type { Roots } from "../container/roots.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { kernelVersion } from "../host/facts.ts";
import { loginName } from "../host/login-name.ts";
import { fileSystemOf, isInForce, machineWarnings } from "../host/machine.ts";
import { noNamespace, rootlessUser } from "../host/rootless.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { whyNoNamespace } from "../host/why-no-namespace.ts";
import { isWritable } from "../host/writable.ts";
import { parseSubordinate, rangesOf, sizeOf } from "../users/subordinate.ts";
import { parseMountTable } from "../verify/mount-table.ts";
import { type Diagnosis, diagnosis } from "./diagnosis.ts";

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
};

const sysctl = (name: string): string | null => readText(`/proc/sys/${name.replaceAll(".", "/")}`);

function checkKernel(): Diagnosis {
  const [major, minor] = kernelVersion();
  const isNew = major > 5 || (major === 5 && minor >= 12);
  const says = `Linux ${sysctl("kernel.osrelease") ?? "unknown"}`;
  return isNew
    ? diagnosis("ok", "kernel", says, "every container")
    : diagnosis(
        "fatal",
        "kernel",
        `${says}: too old`,
        "every container",
        "use Linux 5.12 or newer",
      );
}

function checkUser(): Diagnosis {
  const needs = "every container";
  const failure = noNamespace(process.env);
  if (failure !== null) {
    const { says, cure } = whyNoNamespace(failure);
    return diagnosis("fatal", "user", says, needs, cure);
  }
  const user = rootlessUser(process.env);
  if (user === null) return diagnosis("ok", "user", "root", needs);
  const ids = sizeOfMap(readUserNamespace()?.uid ?? []);
  const says = `user ${user.uid}, as root of a user namespace of ${ids} id${ids === 1 ? "" : "s"}`;
  return ids > 1
    ? diagnosis("ok", "user", says, needs)
    : diagnosis(
        "note",
        "user",
        `${says}: containers know no user but root`,
        "users of containers, owners of files",
        "see: subordinate ids, newuidmap",
      );
}

const sizeOfMap = (map: readonly { readonly size: number }[]): number =>
  map.reduce((sum, { size }) => sum + size, 0);

const nearest = (path: string): string => {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/")))
    if (existsSync(at)) return at;
  return "/";
};

const gibi = 2 ** 30;

function checkPlace(about: string, path: string, flag: string): Diagnosis {
  const needs = "every container";
  const at = nearest(path);
  if (!isWritable(at)) {
    return diagnosis(
      "fatal",
      about,
      `${at} cannot be written to`,
      needs,
      `pivot ${flag} DIR, a directory that can`,
    );
  }
  const { bavail, bsize, files, ffree } = statfsSync(at);
  const free = bavail * bsize;
  const says = `${path}: ${(free / gibi).toFixed(1)} GiB free, ${fileSystemOf(path)}`;
  if (about === "data root" && free < gibi)
    return diagnosis("lack", about, says, "images", "pivot system prune -a");
  if (files > 0 && ffree < 10_000) {
    return diagnosis(
      "lack",
      about,
      `${says}; ${ffree} inodes free`,
      "images",
      "pivot system prune -a",
    );
  }
  return diagnosis("ok", about, says, needs);
}

function checkCgroups(place: PlaceForScopes | null): Diagnosis[] {
  const needs = "limits, pause, stats";
  const layout = readCgroupLayout();
  if (layout.mode === "none") {
    return [
      diagnosis(
        "lack",
        "cgroups",
        "none that can be written to is mounted",
        needs,
        "sudo mount -t cgroup2 none /sys/fs/cgroup",
      ),
    ];
  }
  const mount = layout.v2?.mount ?? layout.v1[0]?.mount ?? "";
  const where = [...new Set([...layout.v1.map(({ own }) => own), layout.v2?.own ?? "/"])];
  const isOrdinary = rootlessUser(process.env) !== null || process.geteuid?.() !== 0;
  if (isOrdinary && place !== null) {
    const says = `in scopes of this user's systemd: ${place.controllers.join(", ") || "no controller"}`;
    return [diagnosis("ok", "cgroups", says, needs)];
  }
  const isDelegated = delegated(layout, "pivot-doctor", undefined).layout.v2 !== null;
  if (isOrdinary && isDelegated && layout.v2 !== null) {
    const { controllers } = delegated(layout, "pivot-doctor", undefined).layout.v2 ?? layout.v2;
    return [
      diagnosis("ok", "cgroups", `delegated: ${controllers.join(", ") || "no controller"}`, needs),
    ];
  }
  if (isOrdinary || !isWritable(mount)) {
    return [
      diagnosis(
        "lack",
        "cgroups",
        `${layout.mode}: ${mount} is not delegated to this user`,
        needs,
        layout.mode === "v2"
          ? "systemd-run --user --scope -p Delegate=yes pivot ..."
          : "run pivot as root: version 1 is root's alone",
      ),
    ];
  }
  const warnings = machineWarnings(layout);
  const says = `version ${layout.mode.replace(/^v/, "")}, own: ${where.join(", ")}`;
  const cure =
    layout.mode === "v2"
      ? `echo "+memory +pids +cpu +cpuset +io" | sudo tee ${mount}/cgroup.subtree_control`
      : "add cgroup_enable=memory swapaccount=1 to the kernel's command line";
  return [
    diagnosis("ok", "cgroups", says, needs),
    ...warnings.map((text) => diagnosis("note", "cgroups", text, needs, cure)),
  ];
}

function checkProc(): Diagnosis {
  const needs = "ps, top, verify";
  const mounts = parseMountTable(readText("/proc/self/mountinfo")?.concat("\n") ?? "");
  const proc = mounts.findLast(({ point }) => point === "/proc");
  const hides = proc?.options.find((each) => /^hidepid=(?!0|off)/.test(each));
  if (proc === undefined)
    return diagnosis(
      "fatal",
      "/proc",
      "it is not mounted",
      "everything",
      "sudo mount -t proc proc /proc",
    );
  return hides === undefined
    ? diagnosis("ok", "/proc", "shows all processes", needs)
    : diagnosis(
        "note",
        "/proc",
        `hides others' processes (${hides})`,
        needs,
        "sudo mount -o remount,hidepid=0 /proc",
      );
}

/** pivot_root(2) refuses a root that is the kernel's first one. */
function checkRoot(): Diagnosis {
  const needs = "pivot_root";
  const root = parseMountTable(readText("/proc/self/mountinfo")?.concat("\n") ?? "").find(
    ({ point }) => point === "/",
  );
  return root !== undefined && (root.type === "rootfs" || root.parent === root.id)
    ? diagnosis(
        "lack",
        "root",
        `the host's root is the kernel's first one (${root.type}), which cannot be moved`,
        needs,
        "pivot run --root-switch move",
      )
    : diagnosis("ok", "root", "can be moved", needs);
}

function checkSysctls(): Diagnosis[] {
  const found: Diagnosis[] = [];
  if (sysctl("kernel.unprivileged_userns_clone") === "0") {
    found.push(
      diagnosis(
        "lack",
        "user namespaces",
        "for root alone (kernel.unprivileged_userns_clone=0)",
        "containers and tries of ordinary users",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
      ),
    );
  }
  if (sysctl("kernel.apparmor_restrict_unprivileged_userns") === "1") {
    found.push(
      diagnosis(
        "lack",
        "user namespaces",
        "restricted by AppArmor (kernel.apparmor_restrict_unprivileged_userns=1)",
        "containers and tries of ordinary users",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
      ),
    );
  }
  if ((sysctl("vm.memfd_noexec") ?? "0") === "2") {
    found.push(
      diagnosis(
        "fatal",
        "memfd",
        "programs in memory may not run (vm.memfd_noexec=2)",
        "the executor seals itself in memory",
        "sudo sysctl -w vm.memfd_noexec=0",
      ),
    );
  }
  const mounts = Number(sysctl("fs.mount-max") ?? "100000");
  if (mounts < 10_000) {
    found.push(
      diagnosis(
        "note",
        "mounts",
        `at most ${mounts} in a mount namespace (fs.mount-max)`,
        "containers with many mounts",
        "sudo sysctl -w fs.mount-max=100000",
      ),
    );
  }
  const pattern = sysctl("kernel.core_pattern") ?? "";
  if (pattern.startsWith("|")) {
    found.push(
      diagnosis(
        "note",
        "core dumps",
        `a crash in a container starts ${pattern.slice(1).split(" ")[0]} on the host`,
        "nothing",
        "pivot run --ulimit core=0",
      ),
    );
  }
  if (readText("/proc/sys/kernel/seccomp/actions_avail") === null) {
    found.push(
      diagnosis(
        "lack",
        "seccomp",
        "this kernel has no filters",
        "the default filter",
        "pivot run --security-opt seccomp=unconfined",
      ),
    );
  }
  return found;
}

/** A clock before the program was made is wrong. */
function checkClock(): Diagnosis {
  const needs = "registries: certificates are of a time";
  const made = statSync(process.execPath, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() + 24 * 3_600_000 < made
    ? diagnosis(
        "lack",
        "clock",
        "it stands before the day on which this program was made",
        needs,
        "sudo timedatectl set-ntp true",
      )
    : diagnosis("ok", "clock", new Date().toISOString(), needs);
}

function checkSubordinateIds(): Diagnosis[] {
  const uid = rootlessUser(process.env)?.uid ?? process.geteuid?.() ?? 0;
  if (uid === 0) return [];
  const name = loginName(uid);
  const countIn = (file: string) =>
    sizeOf(rangesOf(parseSubordinate(readText(file) ?? ""), { name, uid }));
  const [uids, gids] = [countIn("/etc/subuid"), countIn("/etc/subgid")];
  const needs = "containers of ordinary users with more than one id";
  return uids > 0 && gids > 0
    ? [diagnosis("ok", "subordinate ids", `${uids} uids, ${gids} gids`, needs)]
    : [
        diagnosis(
          "note",
          "subordinate ids",
          `${name ?? uid} has none in /etc/subuid and /etc/subgid`,
          needs,
          `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name ?? uid}`,
        ),
      ];
}

function checkSecurityModule(): Diagnosis {
  const module = (["apparmor", "selinux"] as const).find(isInForce);
  return module === undefined
    ? diagnosis("note", "security module", "neither AppArmor nor SELinux is in force", "labels")
    : diagnosis("ok", "security module", module, "labels");
}

/** @param place where an ordinary user's systemd keeps scopes */
export const checkSettings = (
  { dataRoot, runRoot }: Roots,
  place: PlaceForScopes | null,
): Diagnosis[] => [
  checkUser(),
  checkKernel(),
  checkPlace("data root", dataRoot, "--root"),
  checkPlace("run root", runRoot, "--runroot"),
  checkProc(),
  checkRoot(),
  ...checkCgroups(place),
  ...checkSysctls(),
  checkSecurityModule(),
  ...checkSubordinateIds(),
  checkClock(),
];
