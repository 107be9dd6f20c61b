/** A mount table as /proc/PID/mountinfo has it, and what a path of it shows; proc_pid_mountinfo(5). */

export type Mount = {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Which part of the file system is shown. */
  readonly root: string;
  readonly point: string;
  /** Of the mount itself. */
  readonly readonly: boolean;
  readonly nodev: boolean;
  /** The peer group that it is a member of, or null. */
  readonly shared: number | null;
  /** The peer group that it receives from, or null. */
  readonly master: number | null;
  readonly type: string;
  readonly source: string;
  /** Of the file system. */
  readonly options: readonly string[];
};

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

const groupOf = (fields: readonly string[], tag: string): number | null => {
  const found = fields.find((each) => each.startsWith(`${tag}:`));
  return found === undefined ? null : Number(found.slice(tag.length + 1));
};

function parseLine(line: string): Mount | null {
  const [before = "", after] = line.split(" - ", 2);
  if (after === undefined) return null;
  const fields = before.split(" ");
  const [id, parent, device = "", root = "", point = "", flags = "", ...optional] = fields;
  const [type = "", source = "", options = ""] = after.split(" ");
  const own = flags.split(",");
  const all = options.split(",");
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescape(root),
    point: unescape(point),
    readonly: own.includes("ro") || all.includes("ro"),
    nodev: own.includes("nodev"),
    shared: groupOf(optional, "shared"),
    master: groupOf(optional, "master"),
    type,
    source: unescape(source),
    options: all,
  };
}

/** The last line may have been cut off. */
export const parseMountTable = (text: string): Mount[] =>
  text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .flatMap((line) => parseLine(line) ?? []);

/** The path of a name in a directory. */
const join = (directory: string, name: string): string =>
  directory === "/" ? `/${name}` : `${directory}/${name}`;

export const isBelow = (path: string, directory: string): boolean =>
  directory === "/" || path === directory || path.startsWith(`${directory}/`);

/** A table, entered at its root, as a look-up of the kernel goes. */
export class MountTable {
  readonly all: readonly Mount[];
  /** The mount that `/` is on. */
  readonly top: number;
  readonly #byId: ReadonlyMap<number, Mount>;
  readonly #children: ReadonlyMap<string, Mount>;
  #visible: readonly Mount[] | null = null;

  /** @param top need not be in the table: a chroot leads below a mount */
  constructor(all: readonly Mount[], top: number) {
    this.all = all;
    this.top = top;
    this.#byId = new Map(all.map((mount) => [mount.id, mount]));
    this.#children = new Map(all.map((mount) => [`${mount.parent} ${mount.point}`, mount]));
  }

  byId = (id: number): Mount | undefined => this.#byId.get(id);

  /** The id of the mount that a path is on; its links are not looked at. */
  #idAt(path: string): number {
    let at = "/";
    let id = this.#descend(this.top, at);
    for (const name of path.split("/").filter((each) => each !== "")) {
      at = join(at, name);
      id = this.#descend(id, at);
    }
    return id;
  }

  /** To the uppermost of the mounts that are stacked on a point. */
  #descend(id: number, point: string): number {
    for (let at = id; ; ) {
      const next = this.#children.get(`${at} ${point}`);
      if (next === undefined || next.id === at) return at;
      at = next.id;
    }
  }

  at = (path: string): Mount | undefined => this.byId(this.#idAt(path));

  /** Whether a mount stands at this very path. */
  isMountPoint = (path: string): boolean => this.at(path)?.point === path;

  /** What processes can see: not covered by others. */
  visible(): readonly Mount[] {
    this.#visible ??= this.all.filter((mount) => this.#idAt(mount.point) === mount.id);
    return this.#visible;
  }

  /** Where what another table's mount shows stands in this one, or null. */
  pathOf(other: Pick<Mount, "device" | "root">): string | null {
    const candidates = this.visible()
      .filter(({ device, root }) => device === other.device && isBelow(other.root, root))
      .sort((a, b) => b.root.length - a.root.length);
    const best = candidates[0];
    if (best === undefined) return null;
    const rest = best.root === "/" ? other.root : other.root.slice(best.root.length);
    const path = best.point === "/" ? rest : best.point + (rest === "/" ? "" : rest);
    return path === "" ? "/" : path;
  }
}
