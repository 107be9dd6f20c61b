/**
 * Carries a plan out in the simulator: what the mount table is after each step, on both sides.
 * Operations that do not touch mounts change nothing; of files only those count that something can
 * be mounted on.
 */

import type { Op, Place, Plan, Step } from "../plan/op.ts";
import { apply } from "./apply.ts";
import { kindAt, openAll } from "./known.ts";
import type { Attribute, NamespaceKind, Operation, Where } from "./operation.ts";
import type { Failure } from "./outcome.ts";
import type { ProcessId, State } from "./state.ts";

/** The processes of a simulated plan: the executor on the host, and the container's first one. */
export const planProcesses = { parent: 1, init: 2 } as const;

/** What is at a path of a file system of that type; null: nothing. */
export type Inhabitants = (type: string, path: string) => "directory" | "file" | null;

export type SimulatedStep = {
  readonly step: Step;
  /** The system calls that it came to, in the simulator's terms. */
  readonly operations: readonly Operation[];
  /** After the step; if it failed, as far as it came. */
  readonly state: State;
  readonly failure: Failure | null;
};

export type SimulationOptions = {
  /**
   * Asked about paths in file systems that the simulator has not seen made (a host's, an image's,
   * procfs): whether there is something to cover. Unless given, there always is, a directory.
   */
  readonly inhabitants?: Inhabitants;
};

class Failed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.rule);
    this.failure = failure;
  }
}

const whereOf = ({ in: from, path }: Place): Where =>
  from === "host" ? (path === "" ? "." : path) : { at: from, path };

/** A descriptor that lives for one step only. */
const scratch = "this step's own";

class PlanSimulator {
  state: State;
  operations: Operation[] = [];
  readonly #options: SimulationOptions;
  /** The slots that hold a simulated process's mount namespace. */
  readonly #namespaces = new Map<string, ProcessId>();

  constructor(start: State, options: SimulationOptions) {
    this.state = openAll(start);
    this.#options = options;
  }

  /** Makes a call; what it comes to must be well. */
  #call(op: Operation): void {
    this.operations.push(op);
    const outcome = apply(this.state, op);
    if (!outcome.ok) throw new Failed(outcome);
    this.state = openAll(outcome.state, this.state);
  }

  /** A call about files: the simulator knows too little of them to say that it fails. */
  #try(op: Operation): void {
    const outcome = apply(this.state, op);
    if (!outcome.ok) return;
    this.operations.push(op);
    this.state = openAll(outcome.state, this.state);
  }

  #kind(by: ProcessId, where: Where): "directory" | "file" | null {
    const found = kindAt(this.state, by, where);
    if (found === null || found.known) return found?.kind ?? null;
    const asked = this.#options.inhabitants;
    return asked === undefined ? "directory" : asked(found.type, found.path);
  }

  /** A target that fits what is mounted on it: pv_place_make makes it when it is missing. */
  #prepare(by: ProcessId, where: Where, kind: "directory" | "file"): void {
    const path = typeof where === "string" ? where : where.path;
    if (path === "" || kindAt(this.state, by, where)?.known === true) return;
    const at = (part: string): Where =>
      typeof where === "string" ? part : { at: where.at, path: part };
    const above = path.replace(/\/*[^/]*\/*$/, "");
    if (above !== "") this.#try({ op: "mkdir", by, path: at(above), parents: true });
    const make = kind === "file" ? "touch" : "mkdir";
    const made = apply(this.state, { op: make, by, path: where });
    if (made.ok) this.state = made.state;
  }

  /** Attaches the tree that a descriptor holds. */
  #attach(by: ProcessId, slot: string, to: Place): void {
    const from = { at: slot, path: "" };
    const target = whereOf(to);
    this.#prepare(by, target, this.#kind(by, from) ?? "directory");
    this.#call({ op: "move_mount", by, from, to: target });
  }

  #done(by: ProcessId, into: string | null): void {
    if (into === null) this.#call({ op: "close", by, slot: scratch });
  }

  #bind(by: ProcessId, op: Extract<Op, { readonly op: "bind" }>): void {
    if (op.from === null) return;
    const into = op.into ?? scratch;
    const path = { at: into, path: "" };
    const from = whereOf(op.from);
    this.#prepare(by, from, this.#kind(by, from) ?? "directory");
    this.#call({ op: "open_tree", by, path: from, recursive: op.recursive, into });
    const type = op.propagation === "unchanged" ? null : op.propagation;
    const change = (
      set: readonly Attribute[],
      clear: readonly Attribute[],
      deep: boolean,
    ): void => {
      const propagation = deep === op.deep_propagation ? type : null;
      if (set.length + clear.length === 0 && propagation === null) return;
      this.#call({ op: "mount_setattr", by, path, set, clear, propagation, recursive: deep });
    };
    change(op.deep_attributes, op.deep_clear, true);
    change(op.attributes, op.clear, false);
    if (op.at !== null) this.#attach(by, into, op.at);
    this.#done(by, op.into);
  }

  #mount(by: ProcessId, op: Extract<Op, { readonly op: "mount" }>): void {
    const { type, attributes, options } = op;
    const into = op.into ?? scratch;
    const source = op.source === "" ? "none" : op.source;
    this.#call({ op: "fsmount", by, type, source, attributes, options, into });
    if (op.at !== null) this.#attach(by, into, op.at);
    this.#done(by, op.into);
  }

  /** Something that is shown in a second place: a cover of a path. */
  #cover(by: ProcessId, from: Place, at: Place): void {
    this.#call({ op: "open_tree", by, path: whereOf(from), recursive: false, into: scratch });
    this.#call({
      op: "move_mount",
      by,
      from: { at: scratch, path: "" },
      to: whereOf(at),
    });
    this.#done(by, null);
  }

  #mask(by: ProcessId, op: Extract<Op, { readonly op: "mask" }>): void {
    if (op.at === null) return;
    const kind = this.#kind(by, whereOf(op.at));
    const cover = kind === "file" ? op.null : op.empty;
    if (kind === null || cover === null) return;
    this.#prepare(by, whereOf(op.at), kind);
    this.#prepare(by, whereOf(cover), kind);
    this.#cover(by, cover, op.at);
  }

  #readonly(by: ProcessId, place: Place | null): void {
    if (place === null) return;
    const path = whereOf(place);
    const kind = this.#kind(by, path);
    if (kind === null) return;
    this.#prepare(by, path, kind);
    this.#call({ op: "open_tree", by, path, recursive: true, into: scratch });
    const from = { at: scratch, path: "" };
    this.#call({
      op: "mount_setattr",
      by,
      path: from,
      set: ["ro"],
      clear: [],
      recursive: true,
      propagation: null,
    });
    this.#call({ op: "move_mount", by, from, to: path });
    this.#done(by, null);
  }

  /** The slave of a new terminal, which the kernel puts into the container's devpts. */
  #console(by: ProcessId, op: Extract<Op, { readonly op: "console" }>): void {
    if (op.devpts === null || op.at === null) return;
    const terminal: Place = { in: op.devpts, path: "0" };
    this.#prepare(by, whereOf(terminal), "file");
    this.#prepare(by, whereOf(op.at), "file");
    this.#cover(by, terminal, op.at);
  }

  #clone(op: Extract<Op, { readonly op: "clone" }>): void {
    const by = planProcesses.parent;
    this.#call({ op: "fork", by, child: planProcesses.init });
    const namespaces = mountKinds(op.namespaces);
    if (op.user !== null && !namespaces.includes("user")) namespaces.push("user");
    if (namespaces.length > 0) this.#call({ op: "unshare", by: planProcesses.init, namespaces });
  }

  /** Whose mount namespace a slot holds is known of the simulated processes' own alone. */
  #setns(by: ProcessId, { namespace, type }: Extract<Op, { readonly op: "setns" }>): void {
    const process = namespace === null ? undefined : this.#namespaces.get(namespace);
    if (type !== "mount" || process === undefined) return;
    this.#call({ op: "setns", by, process, namespaces: ["mount"] });
  }

  #closeAll(by: ProcessId): void {
    for (const slot of Object.keys(this.state.processes[by]?.descriptors ?? {})) {
      this.#call({ op: "close", by, slot });
    }
  }

  carryOut(by: ProcessId, op: Op): void {
    switch (op.op) {
      case "mount":
        return this.#mount(by, op);
      case "user_overlay": {
        const { options, attributes, into } = op;
        const source = "overlay";
        return this.#mount(by, {
          op: "mount",
          type: "overlay",
          source,
          options,
          attributes: [...new Set([...attributes, "nodev" as const])],
          at: null,
          create: "existing",
          into,
        });
      }
      case "bind":
        return this.#bind(by, op);
      case "borrow": {
        // What the other namespace shows there is not known: the same path of this one stands for it.
        const into = op.into ?? scratch;
        this.#call({ op: "open_tree", by, path: op.path, recursive: false, into });
        return this.#done(by, op.into);
      }
      case "attach":
        if (op.mount !== null && op.at !== null) this.#attach(by, op.mount, op.at);
        return;
      case "mount_setattr": {
        if (op.at === null) return;
        const propagation = op.propagation === "unchanged" ? null : op.propagation;
        return this.#call({
          op: "mount_setattr",
          by,
          path: whereOf(op.at),
          set: op.attributes,
          clear: op.clear,
          propagation,
          recursive: op.recursive,
        });
      }
      case "mask":
        return this.#mask(by, op);
      case "readonly":
        return this.#readonly(by, op.at);
      case "console":
        return this.#console(by, op);
      case "pivot_root":
        return this.#call({ op: "pivot_root", by, newRoot: op.new_root, putOld: op.put_old });
      case "umount":
        return this.#call({ op: "umount", by, target: op.target, flags: op.flags });
      case "move":
        return this.#call({ op: "move", by, source: op.from, target: op.to });
      case "chroot":
        return this.#call({ op: "chroot", by, path: op.path });
      case "enter_root":
        if (op.at === null) return;
        this.#call({ op: "chdir", by, path: whereOf(op.at) });
        return this.#call({ op: "chroot", by, path: "." });
      case "setns":
        return this.#setns(by, op);
      case "chdir":
        if (op.at !== null) this.#call({ op: "chdir", by, path: whereOf(op.at) });
        return;
      case "clone":
        return this.#clone(op);
      case "unshare": {
        const namespaces = mountKinds(op.namespaces);
        if (namespaces.length > 0) this.#call({ op: "unshare", by, namespaces });
        return;
      }
      default:
        return this.#aroundMounts(by, op);
    }
  }

  /** Files that can be mounted on, and descriptors; all else does not touch mounts. */
  #aroundMounts(by: ProcessId, op: RestOp): void {
    switch (op.op) {
      case "mkdir":
        if (op.at !== null) this.#try({ op: "mkdir", by, path: whereOf(op.at), parents: true });
        return;
      case "write":
      case "write_bytes":
      case "write_pid":
      case "append":
      case "mknod":
        if (op.at !== null) this.#try({ op: "touch", by, path: whereOf(op.at) });
        return;
      case "symlink":
        if (op.at !== null) {
          this.#try({ op: "symlink", by, path: whereOf(op.at), to: op.to });
        }
        return;
      case "remove":
        if (op.at !== null) this.#try({ op: "unlink", by, path: whereOf(op.at) });
        return;
      case "open":
      case "volume":
        if (op.at !== null && op.into !== null) {
          if (op.at.path === "/proc/self/ns/mnt") this.#namespaces.set(op.into, by);
          this.#try({ op: "open", by, path: whereOf(op.at), into: op.into });
        }
        return;
      case "close_fds":
      case "exec":
        return this.#closeAll(by);
      default:
        return;
    }
  }
}

type MountOp = Extract<
  Op,
  {
    readonly op:
      | "mount"
      | "user_overlay"
      | "bind"
      | "borrow"
      | "attach"
      | "mount_setattr"
      | "mask"
      | "readonly"
      | "console"
      | "pivot_root"
      | "umount"
      | "move"
      | "chroot"
      | "enter_root"
      | "setns"
      | "chdir"
      | "clone"
      | "unshare";
  }
>;
type RestOp = Exclude<Op, MountOp>;

const mountKinds = (names: readonly string[]): NamespaceKind[] =>
  (["user", "mount"] as const).filter((kind) => names.includes(kind));

/**
 * @param start where the executor is; process 1 is taken for it. File systems of it are taken to
 *   have whatever the plan names.
 * @returns a result for each step; the last one is the one that failed, if one did.
 */
export function simulatePlan(
  plan: Plan,
  start: State,
  options: SimulationOptions = {},
): SimulatedStep[] {
  const simulator = new PlanSimulator(start, options);
  const done: SimulatedStep[] = [];
  for (const step of plan.steps) {
    simulator.operations = [];
    let failure: Failure | null = null;
    try {
      simulator.carryOut(planProcesses[step.by], step.op);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      failure = error.failure;
    }
    done.push({ step, operations: simulator.operations, state: simulator.state, failure });
    if (failure !== null) break;
  }
  return done;
}
