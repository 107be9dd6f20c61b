/**
 * A state made from a real mount table, to go on from where a machine or a container is.
 *
 * The table does not tell everything. What it shows is taken as it is, ids and peer groups included;
 * of file systems only the places where something is mounted are known, so every other name in them
 * is taken to be a directory (`Superblock.open`). Mounts above the process's root are not in it: one
 * stands for them. Locks are not shown: there are none.
 */

import { Draft } from "./draft.ts";
import { noFlags, noLocks, withAttributes } from "./flags.ts";
import { knownChild } from "./lookup.ts";
import type { MountinfoRow } from "./mountinfo.ts";
import type { Attribute } from "./operation.ts";
import { parseMountinfo } from "./parse-mountinfo.ts";
import { type Profile, profiles } from "./profile.ts";
import {
  type Dentry,
  type DentryId,
  type Mount,
  type MountFlags,
  type MountId,
  type Path,
  type ProcessId,
  type State,
  type Superblock,
  type SuperblockId,
  simulatedCapabilities,
} from "./state.ts";

const attributes: readonly string[] = [
  "ro",
  "nosuid",
  "nodev",
  "noexec",
  "noatime",
  "nodiratime",
  "relatime",
  "nosymfollow",
] satisfies readonly Attribute[];

const isAttribute = (word: string): word is Attribute => attributes.includes(word);

function flagsOf(words: string): MountFlags {
  const named = words.split(",").filter(isAttribute);
  return withAttributes({ ...noFlags, atime: "strictatime" }, named);
}

/** The dentry of a path below another; names on the way are made, all directories. */
function dentryAt(
  draft: Draft,
  superblock: SuperblockId,
  from: DentryId,
  path: string,
  kind: Dentry["kind"] = "directory",
): DentryId {
  return path
    .split("/")
    .filter((name) => name !== "")
    .reduce<DentryId>(
      (parent, name) =>
        knownChild(draft, parent, name) ?? draft.addDentry(superblock, { parent, name, kind }),
      from,
    );
}

const below = (path: string, top: string): string =>
  top === "/" ? path : path.slice(top.length) || "/";

class Reader {
  readonly #draft: Draft;
  readonly #rows: ReadonlyMap<number, MountinfoRow>;
  readonly #superblocks = new Map<string, Superblock>();
  readonly #mounts = new Map<number, MountId>();
  /** Stands for all that is mounted above the process's root, by its number in the table. */
  readonly #above = new Map<number, Path>();
  /** The root is a plain directory of a mount, which is not in the table, since it lies above. */
  readonly #chrooted: boolean;

  constructor(draft: Draft, rows: readonly MountinfoRow[]) {
    this.#draft = draft;
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#chrooted = rows.some(
      ({ id, parent, mountpoint }) =>
        parent !== id && !this.#rows.has(parent) && mountpoint !== "/",
    );
  }

  #superblock(row: MountinfoRow): Superblock {
    const key = `${row.device} ${row.type}`;
    const known = this.#superblocks.get(key);
    if (known !== undefined) return known;
    const [access, ...options] = row.superOptions.split(",");
    const made = this.#draft.addSuperblock({
      type: row.type,
      device: row.device,
      options: options.join(","),
      readonly: access === "ro",
      userNamespace: 0,
      open: true,
    });
    this.#superblocks.set(key, made);
    return made;
  }

  #hidden(id: number): Path {
    const known = this.#above.get(id);
    if (known !== undefined) return known;
    const superblock = this.#draft.addSuperblock({
      type: "rootfs",
      options: "",
      readonly: false,
      userNamespace: 0,
      open: true,
    });
    const mount = this.#draft.placeMount({
      ...bare,
      id,
      root: superblock.root,
      superblock: superblock.id,
    });
    const dentry = this.#chrooted
      ? dentryAt(this.#draft, superblock.id, superblock.root, "chroot")
      : superblock.root;
    const path = { mount: mount.id, dentry };
    this.#above.set(id, path);
    return path;
  }

  /** Where a row's mount is attached; null for the root of all. */
  #place(row: MountinfoRow): Path | null {
    if (row.parent === row.id) return null;
    const parent = this.#rows.get(row.parent);
    if (parent === undefined) {
      const { mount, dentry } = this.#hidden(row.parent);
      const { superblock } = this.#draft.mount(mount);
      return { mount, dentry: dentryAt(this.#draft, superblock, dentry, row.mountpoint) };
    }
    const mount = this.read(parent);
    const { root, superblock } = this.#draft.mount(mount);
    const path = below(row.mountpoint, parent.mountpoint);
    return { mount, dentry: dentryAt(this.#draft, superblock, root, path) };
  }

  read(row: MountinfoRow): MountId {
    const known = this.#mounts.get(row.id);
    if (known !== undefined) return known;
    const superblock = this.#superblock(row);
    const place = this.#place(row);
    const { id } = this.#draft.placeMount({
      ...bare,
      id: row.id,
      parent: place?.mount ?? null,
      mountpoint: place?.dentry ?? null,
      root: dentryAt(
        this.#draft,
        superblock.id,
        superblock.root,
        row.root.replace(/\/\/deleted$/, ""),
        // A namespace is a file with a name of its own: net:[4026531840].
        row.type === "nsfs" ? "file" : "directory",
      ),
      superblock: superblock.id,
      source: row.source,
      flags: flagsOf(row.flags),
      group: row.shared,
      master: row.master,
      unbindable: row.unbindable,
    });
    this.#mounts.set(row.id, id);
    return id;
  }

  /** The root of all mounts, and the process's own root. */
  roots(): { readonly first: MountId; readonly root: Path } {
    const draft = this.#draft;
    const [above] = this.#above.values();
    const rows = [...this.#rows.values()];
    const top = rows.find(({ id, parent }) => parent === id || !this.#rows.has(parent));
    if (top === undefined) throw new Error("the mount table is empty");
    if (above !== undefined && this.#chrooted) return { first: above.mount, root: above };
    const root = this.read(top);
    return {
      first: above?.mount ?? root,
      root: { mount: root, dentry: draft.mount(root).root },
    };
  }
}

const bare = {
  parent: null,
  mountpoint: null,
  source: "none",
  flags: noFlags,
  locks: noLocks,
  group: null,
  master: null,
  unbindable: false,
  namespace: 1,
} as const satisfies Partial<Mount>;

/**
 * @param text what /proc/PID/mountinfo says
 * @throws Error naming the line that is not one of mountinfo, or when there is none.
 */
export function fromMountinfo(
  text: string,
  given: { readonly process?: ProcessId; readonly kernel?: Profile } = {},
): State {
  const rows = parseMountinfo(text);
  const groups = rows.flatMap(({ shared, master }) => [shared ?? 0, master ?? 0]);
  const draft = new Draft({
    kernel: given.kernel ?? profiles["6.18"],
    superblocks: {},
    mounts: {},
    namespaces: {},
    userNamespaces: { 0: { parent: null } },
    processes: {},
    next: {
      mount: Math.max(0, ...rows.flatMap(({ id, parent }) => [id, parent])) + 1,
      dentry: 1,
      superblock: 1,
      group: Math.max(0, ...groups) + 1,
      namespace: 1,
      userNamespace: 1,
    },
  });
  const reader = new Reader(draft, rows);
  for (const row of rows) reader.read(row);
  const { first, root } = reader.roots();
  const namespace = draft.addNamespace({ owner: 0, root: first, anonymous: false, origin: null });
  const id = given.process ?? 1;
  draft.setProcess({
    id,
    root,
    cwd: root,
    namespace: namespace.id,
    userNamespace: 0,
    capabilities: simulatedCapabilities,
    descriptors: {},
  });
  return draft.finish();
}
