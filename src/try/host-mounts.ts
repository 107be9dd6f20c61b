/** The mounts of the host, and how each of them is shown in a view. */

export type HostMount = {
  /** The mount point. */
  readonly path: string;
  readonly type: string;
  /** What is mounted there: `/dev/sda1`. */
  readonly source: string;
  /** Of the flags that a view keeps: ro, noexec. */
  readonly flags: readonly string[];
};

type Line = HostMount & { readonly id: string; readonly parent: string };

/** Blanks and their kin are octal there; proc_pid_mountinfo(5). */
const unescape = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );

function readLine(line: string): Line[] {
  const [before = "", after = ""] = line.split(" - ");
  const [id = "", parent = "", , , path = "", options = ""] = before.split(" ");
  const [type = "", source = ""] = after.split(" ");
  if (id === "" || path === "") return [];
  const flags = options.split(",").filter((flag) => flag === "ro" || flag === "noexec");
  return [{ id, parent, path: unescape(path), type, source: unescape(source), flags }];
}

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);

/**
 * The mounts that a path leads to, `/` first and each before those below it. A mount is hidden when
 * a later one of the same parent lies on its mount point or above it: had it been the earlier one,
 * it would be the parent.
 *
 * @param mountinfo of /proc/self/mountinfo; a character for each byte
 */
export function visibleMounts(mountinfo: string): HostMount[] {
  const lines = mountinfo.split("\n").flatMap(readLine);
  const ids = new Set(lines.map(({ id }) => id));
  const root = lines.find(({ path, parent }) => path === "/" && !ids.has(parent)) ?? lines[0];
  if (root === undefined) return [];
  const found: HostMount[] = [];
  const visit = (mount: Line): void => {
    const children = lines.filter((each) => each.parent === mount.id && each !== mount);
    const seen = children.filter(
      (child, i) =>
        !children.some(
          (other, j) =>
            other !== child &&
            isAtOrBelow(child.path, other.path) &&
            (child.path !== other.path || j > i),
        ),
    );
    // One on the very same point covers all of it.
    if (!seen.some(({ path }) => path === mount.path)) {
      const { path, type, source, flags } = mount;
      found.push({ path, type, source, flags });
    }
    for (const child of seen) visit(child);
  };
  visit(root);
  return found.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** How a mount of the host is shown. */
export type Showing =
  /** Below an overlay: what is written goes to the view. */
  | "overlay"
  /** As it is, but not to be written to. */
  | "read-only"
  /** Not at all: what lies below the mount point is shown in its place, or the view's own. */
  | "none";

/** File systems of the kernel itself, which a view has of its own; and what mounts by itself. */
const ofTheKernel: ReadonlySet<string> = new Set(
  "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nfsd nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tracefs".split(
    " ",
  ),
);

/** Names without case, which overlayfs refuses, and files that others change: network, FUSE. */
const uncovered =
  /^(vfat|msdos|exfat|ntfs|ntfs3|hfsplus|apfs|nfs|nfs4|cifs|smb3|9p|ceph|afs|fuse.*)$/;

/** Directories that a view has of its own. */
export const ownDirectories: readonly string[] = ["/dev", "/proc", "/run", "/sys"];

/**
 * @param kind what the mount point is
 */
export function showingOf(mount: HostMount, kind: "directory" | "file" | "other"): Showing {
  const { path, type } = mount;
  if (ofTheKernel.has(type) || path.endsWith("//deleted")) return "none";
  const own = ownDirectories.find((each) => isAtOrBelow(path, each));
  // A disk that the desktop has mounted below /run is the user's; what else is there is not.
  if (own !== undefined && (own !== "/run" || path === "/run" || type === "tmpfs")) return "none";
  if (kind === "other") return "none";
  return kind === "file" || uncovered.test(type) ? "read-only" : "overlay";
}
