/** The simulator's state as a drawing. */

import type {
  DentryId,
  Mount,
  NamespaceId,
  Path,
  Process,
  ProcessId,
  State,
  Superblock,
} from "../../../src/simulator/mod.ts";
import { inTreeOrder } from "./in-tree-order.ts";
import type { DrawnMount, DrawnNamespace, DrawnProcess, Place, World } from "./world.ts";

/** What the kernel itself puts below the root file system, and nobody sees. */
const beneath: ReadonlySet<string> = new Set(["rootfs", "nullfs"]);

const joined = (directory: string, rest: string): string =>
  rest === "" ? directory : directory === "/" ? `/${rest}` : `${directory}/${rest}`;

/** From one directory of a file system down to another: `a/b`, or empty. */
function below({ dentries }: Superblock, dentry: DentryId, top: DentryId): string {
  const names: string[] = [];
  for (let at: DentryId | null = dentry; at !== null && at !== top; ) {
    const here: { readonly name: string; readonly parent: DentryId | null } | undefined =
      dentries[at];
    if (here === undefined) break;
    if (here.parent !== null) names.unshift(here.name);
    at = here.parent;
  }
  return names.join("/");
}

class Drawing {
  readonly #state: State;
  /** Mounts that are not drawn. */
  readonly #hidden: ReadonlySet<number>;

  constructor(state: State) {
    this.#state = state;
    const used = new Set(
      Object.values(state.processes).flatMap(({ root, cwd }) => [root.mount, cwd.mount]),
    );
    const covered = new Set(Object.values(state.mounts).map(({ parent }) => parent));
    this.#hidden = new Set(
      Object.values(state.mounts)
        .filter((mount) => beneath.has(this.#superblock(mount)?.type ?? ""))
        .filter(({ id, parent }) => covered.has(id) && !used.has(id) && this.#isBeneath(parent))
        .map(({ id }) => id),
    );
  }

  #superblock({ superblock }: Mount): Superblock | undefined {
    return this.#state.superblocks[superblock];
  }

  #isBeneath(id: number | null): boolean {
    const mount = id === null ? undefined : this.#state.mounts[id];
    return mount === undefined || beneath.has(this.#superblock(mount)?.type ?? "");
  }

  /** The mount that a mount is drawn on. */
  #parentOf(mount: Mount): Mount | undefined {
    if (mount.parent === null || this.#hidden.has(mount.parent)) return undefined;
    return this.#state.mounts[mount.parent];
  }

  pathOf(mount: Mount): string {
    const parent = this.#parentOf(mount);
    if (parent === undefined || mount.mountpoint === null) return "/";
    return this.#pathIn(parent, mount.mountpoint);
  }

  #pathIn(mount: Mount, dentry: DentryId): string {
    const superblock = this.#superblock(mount);
    if (superblock === undefined) return this.pathOf(mount);
    return joined(this.pathOf(mount), below(superblock, dentry, mount.root));
  }

  #place({ mount: id, dentry }: Path): Place {
    const mount = this.#state.mounts[id];
    if (mount === undefined) return { mount: null, path: "?" };
    return { mount: id, path: this.#pathIn(mount, dentry) };
  }

  mount(mount: Mount): DrawnMount {
    const superblock = this.#superblock(mount);
    return {
      id: mount.id,
      parent: this.#parentOf(mount)?.id ?? null,
      path: this.pathOf(mount),
      root: superblock === undefined ? "/" : `/${below(superblock, mount.root, superblock.root)}`,
      type: superblock?.type ?? "?",
      source: mount.source,
      readOnly: mount.flags.ro || superblock?.readonly === true,
      group: mount.group,
      master: mount.master,
      unbindable: mount.unbindable,
      locked: mount.locks.place,
    };
  }

  process({ root, cwd }: Process, name: string): DrawnProcess {
    return { name, root: this.#place(root), cwd: this.#place(cwd) };
  }

  /** The mounts of a namespace, or those of none that somebody still uses. */
  mounts(namespace: NamespaceId | null): DrawnMount[] {
    const all = Object.values(this.#state.mounts).filter(
      (mount) => mount.namespace === namespace && !this.#hidden.has(mount.id),
    );
    const sorted = inTreeOrder(all, (mount) => this.#parentOf(mount)?.id ?? null);
    return sorted.map((mount) => this.mount(mount));
  }
}

/** How a namespace is called after who is in it: "host", "host and box". */
function titleOf(processes: readonly string[]): string {
  const names = processes.map((name) => (/^p(rocess )?\d/.test(name) ? name : `the ${name}`));
  const last = names.at(-1);
  if (last === undefined) return "Nobody's mount namespace";
  const before = names.slice(0, -1);
  return before.length === 0 ? `What ${last} sees` : `What ${before.join(", ")} and ${last} see`;
}

/**
 * Each mount namespace with who is in it, in the order in which they were made; last, what has been
 * unmounted and is still in use.
 *
 * @param names of the processes; the others go by their number
 */
export function worldOf(state: State, names: ReadonlyMap<ProcessId, string>): World {
  const drawing = new Drawing(state);
  const nameOf = (id: ProcessId): string => names.get(id) ?? `process ${id}`;
  const processes = Object.values(state.processes);
  const namespaces = Object.values(state.namespaces)
    .filter(({ anonymous }) => !anonymous)
    .map(({ id }): DrawnNamespace => {
      const inside = processes.filter(({ namespace }) => namespace === id);
      return {
        key: `namespace ${id}`,
        title: titleOf(inside.map((each) => nameOf(each.id))),
        mounts: drawing.mounts(id),
        processes: inside.map((each) => drawing.process(each, nameOf(each.id))),
      };
    });
  const left = drawing.mounts(null);
  if (left.length === 0) return namespaces;
  return [
    ...namespaces,
    { key: "none", title: "Unmounted, and still in use", mounts: left, processes: [] },
  ];
}
