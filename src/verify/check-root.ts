/** Whether the root is a container's own, and whether mounts travel between it and the host. */

import { type Finding, few, finding } from "./finding.ts";
import { type HostSeen, isShared, powerOf, type Seen } from "./seen.ts";

/** The kernel's first root, which is empty where it has never been anybody's. */
const firstRoots = new Set(["rootfs", "nullfs"]);

/** MS_MOVE in place of pivot_root(2): the old root is covered, and comes to light by umount(2). */
function checkBeneath(seen: Seen): Finding[] {
  const covered = (seen.root.beneath ?? []).filter(({ type }) => !firstRoots.has(type));
  if (covered.length === 0) return [];
  const which = few(covered.map(({ type, device }) => `${type} (${device})`));
  return [
    powerOf(seen).has("CAP_SYS_ADMIN")
      ? finding(
          "open",
          "root",
          `over another that is still mounted: ${which}; CAP_SYS_ADMIN takes the upper one away`,
          "--root-switch pivot, or --cap-drop SYS_ADMIN",
        )
      : finding(
          "weak",
          "root",
          `over another that is still mounted: ${which}`,
          "--root-switch pivot; runc and crun: without --no-pivot",
        ),
  ];
}

export function checkRoot(seen: Seen): Finding[] {
  const { root } = seen;
  const { has } = powerOf(seen);
  const found: Finding[] = [];
  if (root.isHost) {
    found.push(
      root.readonly
        ? finding(
            "weak",
            "root",
            "the host's own, read-only: it reads what the host's user may read",
            "give it a root of its own: an image, or --rootfs DIR",
          )
        : finding(
            "open",
            "root",
            "the host's own: it changes the host's files",
            "give it a root of its own: an image, or --rootfs DIR",
          ),
    );
  }
  if (root.isChroot) {
    found.push(
      has("CAP_SYS_CHROOT")
        ? finding(
            "open",
            "root",
            "chroot(2) alone, and CAP_SYS_CHROOT to leave it: the old root lies above",
            "--root-switch pivot, or --cap-drop SYS_CHROOT",
          )
        : finding(
            "weak",
            "root",
            "chroot(2) alone: what is outside is still mounted, above it",
            "--root-switch pivot",
          ),
    );
  }
  found.push(...(root.isChroot ? [] : checkBeneath(seen)));
  return found.length > 0
    ? found
    : [finding("ok", "root", "a directory of its own, and no way up from it")];
}

export function checkPropagation(seen: Seen, host: HostSeen): Finding[] {
  if (isShared(seen, "mount")) return [];
  const groups = new Set(host.mounts.all.flatMap(({ shared }) => shared ?? []));
  const points = (which: "shared" | "master"): string[] =>
    seen.mounts.all.flatMap((mount) => {
      const group = mount[which];
      return group !== null && groups.has(group) ? [mount.point] : [];
    });
  const out = points("shared");
  const into = points("master");
  const found: Finding[] = [];
  if (out.length > 0) {
    found.push(
      finding(
        powerOf(seen).has("CAP_SYS_ADMIN") ? "open" : "weak",
        "propagation",
        `what is mounted below ${few(out)} appears on the host`,
        "mount it private, or slave: -v SOURCE:TARGET:rslave",
      ),
    );
  }
  if (into.length > 0) {
    found.push(
      finding(
        "note",
        "propagation",
        `what the host mounts appears below ${few(into)}`,
        "mount it private: -v SOURCE:TARGET:rprivate",
      ),
    );
  }
  return found.length > 0 ? found : [finding("ok", "propagation", "no mount travels, in or out")];
}
