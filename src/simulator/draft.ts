/** The next state while an operation makes it: copies of the tables that it touches, and no others. */

import type {
  Dentry,
  DentryId,
  GroupId,
  Mount,
  MountId,
  MountNamespace,
  NamespaceId,
  Path,
  Process,
  ProcessId,
  State,
  Superblock,
  SuperblockId,
  UserNamespace,
  UserNamespaceId,
} from "./state.ts";

type Table<T> = Record<number, T>;
type TableName = "superblocks" | "mounts" | "namespaces" | "userNamespaces" | "processes";

export class Draft {
  #state: { -readonly [K in keyof State]: State[K] };
  readonly #before: State;
  /** Which mount is on a mount's dentry: parent, then mountpoint. Made when it is asked for. */
  #attached: Map<MountId, Map<DentryId, MountId>> | null = null;
  #owners: Map<DentryId, SuperblockId> | null = null;

  constructor(state: State) {
    this.#before = state;
    this.#state = { ...state };
  }

  get kernel(): State["kernel"] {
    return this.#state.kernel;
  }

  finish(): State {
    return this.#state;
  }

  #own<T>(name: TableName): Table<T> {
    if (this.#state[name] === this.#before[name]) {
      Object.assign(this.#state, { [name]: { ...this.#before[name] } });
    }
    return this.#state[name] as unknown as Table<T>;
  }

  #take(kind: keyof State["next"]): number {
    const number = this.#state.next[kind];
    this.#state.next = { ...this.#state.next, [kind]: number + 1 };
    return number;
  }

  // ── processes and namespaces ──────────────────────────────────────────────────────────────────
  get processes(): readonly Process[] {
    return Object.values(this.#state.processes);
  }

  findProcess(id: ProcessId): Process | undefined {
    return this.#state.processes[id];
  }

  setProcess(process: Process): void {
    this.#own<Process>("processes")[process.id] = process;
  }

  removeProcess(id: ProcessId): void {
    delete this.#own<Process>("processes")[id];
  }

  get namespaces(): readonly MountNamespace[] {
    return Object.values(this.#state.namespaces);
  }

  namespace(id: NamespaceId): MountNamespace {
    return found(this.#state.namespaces[id], "mount namespace", id);
  }

  addNamespace(namespace: Omit<MountNamespace, "id">): MountNamespace {
    const made = { ...namespace, id: this.#take("namespace") };
    this.#own<MountNamespace>("namespaces")[made.id] = made;
    return made;
  }

  removeNamespace(id: NamespaceId): void {
    delete this.#own<MountNamespace>("namespaces")[id];
  }

  userNamespace(id: UserNamespaceId): UserNamespace {
    return found(this.#state.userNamespaces[id], "user namespace", id);
  }

  addUserNamespace(parent: UserNamespaceId): UserNamespaceId {
    const id = this.#take("userNamespace");
    this.#own<UserNamespace>("userNamespaces")[id] = { parent };
    return id;
  }

  // ── superblocks and dentries ──────────────────────────────────────────────────────────────────
  get superblocks(): readonly Superblock[] {
    return Object.values(this.#state.superblocks);
  }

  superblock(id: SuperblockId): Superblock {
    return found(this.#state.superblocks[id], "superblock", id);
  }

  setSuperblock(superblock: Superblock): void {
    this.#own<Superblock>("superblocks")[superblock.id] = superblock;
  }

  /** A new, empty file system. */
  addSuperblock(given: {
    readonly type: string;
    readonly options: string;
    readonly readonly: boolean;
    readonly userNamespace: UserNamespaceId;
    readonly device?: string;
    readonly open?: true;
  }): Superblock {
    const id = this.#take("superblock");
    const root = this.#take("dentry");
    const superblock: Superblock = {
      ...given,
      id,
      device: given.device ?? `0:${id}`,
      root,
      dentries: { [root]: { parent: null, name: "", kind: "directory" } },
    };
    this.setSuperblock(superblock);
    this.#owners?.set(root, id);
    return superblock;
  }

  removeSuperblock(id: SuperblockId): void {
    delete this.#own<Superblock>("superblocks")[id];
  }

  addDentry(superblock: SuperblockId, dentry: Dentry): DentryId {
    const id = this.#take("dentry");
    this.setDentry(superblock, id, dentry);
    this.#owners?.set(id, superblock);
    return id;
  }

  setDentry(superblock: SuperblockId, id: DentryId, dentry: Dentry): void {
    const old = this.superblock(superblock);
    this.setSuperblock({ ...old, dentries: { ...old.dentries, [id]: dentry } });
  }

  /** The superblock that a dentry is of. */
  superblockOf(id: DentryId): Superblock {
    if (this.#owners === null) {
      this.#owners = new Map();
      for (const superblock of this.superblocks) {
        for (const dentry of Object.keys(superblock.dentries)) {
          this.#owners.set(Number(dentry), superblock.id);
        }
      }
    }
    return this.superblock(found(this.#owners.get(id), "superblock of dentry", id));
  }

  dentry(id: DentryId): Dentry {
    return found(this.superblockOf(id).dentries[id], "dentry", id);
  }

  // ── mounts ────────────────────────────────────────────────────────────────────────────────────
  get mounts(): readonly Mount[] {
    return Object.values(this.#state.mounts);
  }

  mount(id: MountId): Mount {
    return found(this.#state.mounts[id], "mount", id);
  }

  addMount(given: Omit<Mount, "id">): Mount {
    const mount = { ...given, id: this.#take("mount") };
    this.#own<Mount>("mounts")[mount.id] = mount;
    this.#attached = null;
    return mount;
  }

  /** A mount whose number is known already, since it was read from a table. */
  placeMount(mount: Mount): Mount {
    this.#own<Mount>("mounts")[mount.id] = mount;
    this.#attached = null;
    return mount;
  }

  changeMount(id: MountId, change: Partial<Omit<Mount, "id">>): Mount {
    const mount = { ...this.mount(id), ...change };
    this.#own<Mount>("mounts")[id] = mount;
    if ("parent" in change || "mountpoint" in change) this.#attached = null;
    return mount;
  }

  removeMount(id: MountId): void {
    delete this.#own<Mount>("mounts")[id];
    this.#attached = null;
  }

  newGroup(): GroupId {
    return this.#take("group");
  }

  #attachments(): Map<MountId, Map<DentryId, MountId>> {
    if (this.#attached === null) {
      this.#attached = new Map();
      for (const { id, parent, mountpoint } of this.mounts) {
        if (parent === null || mountpoint === null) continue;
        const below = this.#attached.get(parent) ?? new Map<DentryId, MountId>();
        below.set(mountpoint, id);
        this.#attached.set(parent, below);
      }
    }
    return this.#attached;
  }

  /** The mount on a place; __lookup_mnt in fs/namespace.c. */
  mountOn(path: Path): Mount | undefined {
    const id = this.#attachments().get(path.mount)?.get(path.dentry);
    return id === undefined ? undefined : this.mount(id);
  }

  childrenOf(id: MountId): readonly Mount[] {
    const below = this.#attachments().get(id);
    return below === undefined ? [] : [...below.values()].map((child) => this.mount(child));
  }
}

function found<T>(value: T | undefined, what: string, id: number): T {
  if (value === undefined) throw new Error(`the simulator has no ${what} ${id}`);
  return value;
}
