// Random programs of mount operations over a few directories, for both the kernel and the simulator.
// They are made along with the simulator's states: so most paths lead somewhere, and what is called
// a mount point is one. What comes of it is plain operations, which shrink by leaving some out.

import fc from "fast-check";
import {
  type Attribute,
  apply,
  mountTable,
  type Operation,
  type Path,
  type Process,
  type Propagation,
  type State,
  throwAwayState,
  type Where,
} from "../../src/simulator/mod.ts";

/** What every program begins with: directories, a file, links, and two more file systems. */
export const preparation: readonly Operation[] = [
  ...["/a", "/a/x", "/b", "/c", "/c/x", "/c/x/y"].map(
    (path) => ({ op: "mkdir", by: 1, path }) as const,
  ),
  { op: "touch", by: 1, path: "/f" },
  { op: "symlink", by: 1, path: "/l", to: "a/x" },
  { op: "symlink", by: 1, path: "/c/up", to: ".." },
  ...["/a", "/b"].flatMap((target): Operation[] => [
    { op: "mount", by: 1, type: "tmpfs", source: "none", target, attributes: [], options: [] },
    { op: "mkdir", by: 1, path: `${target}/x` },
    { op: "mkdir", by: 1, path: `${target}/x/y` },
    { op: "mkdir", by: 1, path: `${target}/z` },
    { op: "touch", by: 1, path: `${target}/f` },
  ]),
];

const oddPaths = [
  ..."/ . .. x z y ../x a/x x/.. /f /a/f /b/f /l /l/y /c/up /c/up/b /f/x /a/x/y /.. /gone".split(
    " ",
  ),
  "",
  "/a/",
  "/f/",
];
const names = ["x", "y", "z", "a", "b", "c", "f", "x/y"];
const slots = ["one", "two", "three"];
const fewMounts = 45;

/** A stream of choices out of one number: mulberry32. */
class Choices {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }
  of<T>(all: readonly T[]): T {
    const chosen = all[this.below(all.length)];
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  }
  /** True in so many of a hundred cases. */
  in(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** One operation, for a state in which it is worth trying. */
class Maker {
  readonly #state: State;
  readonly #choose: Choices;
  readonly #process: Process;
  readonly #mountpoints: readonly string[];

  constructor(state: State, seed: number) {
    this.#state = state;
    this.#choose = new Choices(seed);
    this.#process = this.#choose.of(Object.values(state.processes));
    this.#mountpoints = mountTable(state, this.#process.id).map(({ mountpoint }) => mountpoint);
  }

  #path(mountpoint: number, below: number): string {
    const at = this.#choose.below(100);
    if (this.#mountpoints.length > 0 && at < mountpoint + below) {
      const path = this.#choose.of(this.#mountpoints);
      return at < mountpoint ? path : `${path === "/" ? "" : path}/${this.#choose.of(names)}`;
    }
    return this.#choose.of(oddPaths);
  }

  #where(mountpoint: number, below: number): Where {
    const open = Object.keys(this.#process.descriptors);
    if (!this.#choose.in(open.length > 0 ? 45 : 3)) return this.#path(mountpoint, below);
    const path = this.#choose.of(["", "", "", "", "x", "/z", "..", "x/y", "/x"]);
    return { at: this.#choose.of(open.length > 0 ? open : slots), path };
  }

  /** Somebody's working directory or descriptor, or a directory that is mounted somewhere. */
  #used(): string | null {
    if (this.#choose.in(50)) return null;
    const { superblocks, mounts, processes } = this.#state;
    const all: readonly Path[] = [
      ...Object.values(processes).flatMap(({ cwd, descriptors }) => [
        cwd,
        ...Object.values(descriptors),
      ]),
      ...Object.values(mounts).map(({ id, root }) => ({ mount: id, dentry: root })),
    ];
    const { mount, dentry } = this.#choose.of(all);
    const superblock = superblocks[mounts[mount]?.superblock ?? 0];
    // Through whatever mount shows it from its root on.
    const whole = mountTable(this.#state, this.#process.id).find(
      (row) => row.root === "/" && row.device === superblock?.device,
    );
    if (superblock === undefined || whole === undefined) return null;
    let path = "";
    for (let at = superblock.dentries[dentry]; at !== undefined && at.parent !== null; ) {
      path = `/${at.name}${path}`;
      at = superblock.dentries[at.parent];
    }
    return `${whole.mountpoint === "/" ? "" : whole.mountpoint}${path}` || null;
  }

  #attributes(): Attribute[] {
    const all = ["ro", "nosuid", "nodev", "noexec", "nosymfollow", "nodiratime"] as const;
    const times = ["noatime", "relatime", "strictatime"] as const;
    const some = all.filter(() => this.#choose.in(15));
    return this.#choose.in(10) ? [...some, this.#choose.of(times)] : some;
  }

  #propagation(): Propagation {
    return this.#choose.of([
      "shared",
      "shared",
      "shared",
      "shared",
      "slave",
      "slave",
      "slave",
      "private",
      "unbindable",
    ] as const);
  }

  /** Draws again a few times for what the program is about. */
  make(focus: readonly string[]): Operation {
    let op = this.#any();
    for (let i = 0; i < 3 && focus.length > 0 && !focus.includes(op.op); i++) op = this.#any();
    return op;
  }

  #any(): Operation {
    const many = Object.keys(this.#state.mounts).length > fewMounts;
    const kinds: readonly (readonly [number, () => Operation])[] = [
      ...(many ? [] : this.#growing()),
      ...this.#changing(),
      ...this.#aroundProcesses(),
    ];
    let at = this.#choose.below(kinds.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, make] of kinds) {
      if (at < weight) return make();
      at -= weight;
    }
    throw new Error("the weights do not add up");
  }

  #growing(): (readonly [number, () => Operation])[] {
    const by = this.#process.id;
    const choose = this.#choose;
    const isNew = { type: "tmpfs", source: "none", options: [] } as const;
    return [
      [
        8,
        () => ({
          op: "mount",
          by,
          ...isNew,
          target: this.#path(30, 60),
          attributes: choose.in(30) ? this.#attributes() : [],
        }),
      ],
      [
        14,
        () => ({
          op: "bind",
          by,
          source: this.#path(55, 35),
          target: this.#path(30, 60),
          recursive: choose.in(45),
        }),
      ],
      [
        4,
        () => ({
          op: "open_tree",
          by,
          path: this.#where(60, 30),
          recursive: choose.in(50),
          into: choose.of(slots),
        }),
      ],
      [
        1,
        () => ({
          op: "fsmount",
          by,
          ...isNew,
          attributes: this.#attributes(),
          into: choose.of(slots),
        }),
      ],
      [
        3,
        () => ({
          op: "unshare",
          by,
          namespaces: choose.of([["mount"], ["mount"], ["mount", "user"], ["user"]] as const),
        }),
      ],
    ];
  }

  #changing(): (readonly [number, () => Operation])[] {
    const by = this.#process.id;
    const choose = this.#choose;
    return [
      [8, () => ({ op: "move", by, source: this.#path(80, 10), target: this.#path(30, 60) })],
      [
        12,
        () => ({
          op: "umount",
          by,
          target: this.#path(85, 5),
          flags: choose.of([[], [], ["detach"], ["detach"], ["nofollow"], ["force"]] as const),
        }),
      ],
      [
        14,
        () => ({
          op: "propagation",
          by,
          target: this.#path(90, 4),
          type: this.#propagation(),
          recursive: choose.in(40),
        }),
      ],
      [
        2,
        () => ({
          op: "remount",
          by,
          target: this.#path(90, 4),
          attributes: this.#attributes(),
          bind: choose.in(80),
        }),
      ],
      [
        6,
        () => ({ op: "pivot_root", by, newRoot: this.#path(80, 10), putOld: this.#path(50, 40) }),
      ],
      [
        6,
        () => ({
          op: "move_mount",
          by,
          from: this.#where(80, 10),
          to: this.#where(45, 45),
          beneath: choose.in(30),
        }),
      ],
      [
        3,
        () => ({
          op: "mount_setattr",
          by,
          path: this.#where(90, 4),
          set: this.#attributes(),
          clear: choose.in(30) ? this.#attributes() : [],
          recursive: choose.in(40),
          propagation: choose.in(50) ? this.#propagation() : null,
        }),
      ],
      [1, () => ({ op: "mkdir", by, path: this.#where(10, 80) })],
      [1, () => ({ op: "touch", by, path: this.#path(10, 80) })],
      [2, () => ({ op: "rmdir", by, path: this.#used() ?? this.#path(20, 70) })],
      [1, () => ({ op: "unlink", by, path: this.#path(10, 80) })],
    ];
  }

  #aroundProcesses(): (readonly [number, () => Operation])[] {
    const by = this.#process.id;
    const choose = this.#choose;
    const ids = Object.keys(this.#state.processes).map(Number);
    const child = Math.max(...ids, 0) + 1;
    const kinds = [["mount"], ["mount"], ["mount", "user"], ["user"]] as const;
    return [
      [1, () => ({ op: "chroot", by, path: this.#where(60, 30) })],
      [3, () => ({ op: "chdir", by, path: this.#where(60, 30) })],
      [ids.length < 4 && child < 60 ? 3 : 0, () => ({ op: "fork", by, child })],
      [ids.length > 1 ? 1 : 0, () => ({ op: "exit", by })],
      [2, () => ({ op: "setns", by, process: choose.of(ids), namespaces: choose.of(kinds) })],
      [1, () => ({ op: "open", by, path: this.#where(50, 40), into: choose.of(slots) })],
      [1, () => ({ op: "close", by, slot: choose.of(slots) })],
    ];
  }
}

/** What a program is about, more than about all else; the first: about nothing more. */
const focuses: readonly (readonly Operation["op"][])[] = [
  [],
  [],
  ["propagation", "bind", "move", "umount"],
  ["pivot_root", "chroot", "chdir", "bind", "mount", "propagation"],
  ["rmdir", "chdir", "bind", "open", "mkdir", "umount", "remount", "unshare", "fork"],
  ["unshare", "setns", "propagation", "bind", "umount", "move", "fork"],
  ["open_tree", "move_mount", "mount_setattr", "fsmount", "propagation", "umount"],
];

function unfold(seeds: readonly number[]): Operation[] {
  const focus = focuses[(seeds[0] ?? 0) % focuses.length] ?? [];
  const program = [...preparation];
  let state = preparation.reduce((before, op) => {
    const outcome = apply(before, op);
    if (!outcome.ok) throw new Error(`the preparation fails: ${outcome.rule}`);
    return outcome.state;
  }, throwAwayState());
  const highest = { child: 1 };
  for (const seed of seeds) {
    if (Object.keys(state.processes).length === 0) break;
    const made = new Maker(state, seed).make(focus);
    // A number is given to one process only.
    const op = made.op === "fork" ? { ...made, child: ++highest.child } : made;
    program.push(op);
    const outcome = apply(state, op);
    if (outcome.ok) state = outcome.state;
  }
  return program;
}

/** A program, with its preparation. */
export const program: fc.Arbitrary<readonly Operation[]> = fc
  .array(fc.nat({ max: 0xffffffff }), { minLength: 20, maxLength: 60, size: "max" })
  .map(unfold);
