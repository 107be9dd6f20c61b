/** Operations as lines for the C program: native/mountns.h. Sources of numbers: linux/mount.h. */

import type { Attribute, NamespaceKind, Operation, Where } from "../simulator/operation.ts";

const mountFlag: Readonly<Record<Attribute, number>> = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  nosymfollow: 256,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
  strictatime: 1 << 24,
};
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_MOVE = 8192;
const MS_REC = 16384;
const propagationFlag = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

const mountAttribute: Readonly<Record<Attribute, number>> = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  relatime: 0,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
};
const MOUNT_ATTR__ATIME = 0x70;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
/** Links are followed: MOVE_MOUNT_F_SYMLINKS and MOVE_MOUNT_T_SYMLINKS. */
const moveFlags = 0x1 | 0x10;
const MOVE_MOUNT_BENEATH = 0x200;
const namespaceFlag: Readonly<Record<NamespaceKind, number>> = {
  mount: 0x00020000,
  user: 0x10000000,
};
const umountFlag = { force: 1, detach: 2, nofollow: 8 } as const;

const sum = <K extends string>(table: Readonly<Record<K, number>>, names: readonly K[]): number =>
  names.reduce((all, name) => all | table[name], 0);

const isAtime = (attribute: Attribute): boolean =>
  ["noatime", "relatime", "strictatime"].includes(attribute);

/** Makes lines; remembers which number each descriptor's name has got. */
export class LineEncoder {
  readonly #slots = new Map<string, number>();

  #slot(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    this.#slots.set(name, this.#slots.size);
    return this.#slots.size - 1;
  }

  #where(where: Where): string {
    return typeof where === "string" ? where : `@${this.#slot(where.at)}:${where.path}`;
  }

  /** @throws Error for what cannot be said in a line: nothing is guessed. */
  encode(op: Operation): string {
    const words = [op.by, ...this.#words(op)].map(String);
    if (words.some((word) => /[\t\n\0]/.test(word))) {
      throw new Error(
        "a path with a tab, a new line or a NUL cannot be given to the kernel's world",
      );
    }
    return words.join("\t");
  }

  #words(op: Operation): readonly (string | number)[] {
    switch (op.op) {
      case "mount": {
        const flags = sum(mountFlag, op.attributes);
        return ["mount", op.source, byPath(op.target), op.type, flags, op.options.join(",")];
      }
      case "bind": {
        const flags = MS_BIND | (op.recursive ? MS_REC : 0);
        return ["mount", byPath(op.source), byPath(op.target), "", flags, ""];
      }
      case "move":
        return ["mount", byPath(op.source), byPath(op.target), "", MS_MOVE, ""];
      case "propagation": {
        const flags = propagationFlag[op.type] | (op.recursive ? MS_REC : 0);
        return ["mount", "none", byPath(op.target), "", flags, ""];
      }
      case "remount": {
        const flags = MS_REMOUNT | (op.bind ? MS_BIND : 0) | sum(mountFlag, op.attributes);
        return ["mount", "none", byPath(op.target), "", flags, ""];
      }
      case "umount":
        return ["umount", byPath(op.target), sum(umountFlag, op.flags)];
      case "pivot_root":
        return ["pivot_root", byPath(op.newRoot), byPath(op.putOld)];
      case "mkdir":
        return [op.parents === true ? "mkdirs" : "mkdir", this.#where(op.path)];
      case "chroot":
      case "chdir":
      case "touch":
      case "rmdir":
      case "unlink":
        return [op.op, this.#where(op.path)];
      case "symlink":
        return ["symlink", op.to, this.#where(op.path)];
      case "fork":
        return ["fork", op.child];
      case "exit":
        return ["exit"];
      case "unshare":
        return ["unshare", sum(namespaceFlag, op.namespaces)];
      case "setns":
        return ["setns", op.process, sum(namespaceFlag, op.namespaces)];
      default:
        return this.#onDescriptors(op);
    }
  }

  #onDescriptors(
    op: Extract<
      Operation,
      {
        readonly op: "open" | "close" | "open_tree" | "fsmount" | "move_mount" | "mount_setattr";
      }
    >,
  ): readonly (string | number)[] {
    switch (op.op) {
      case "open":
        return ["open", this.#where(op.path), this.#slot(op.into)];
      case "close":
        return ["close", this.#slot(op.slot)];
      case "open_tree": {
        const flags = OPEN_TREE_CLONE | (op.recursive ? AT_RECURSIVE : 0);
        return ["open_tree", this.#where(op.path), flags, this.#slot(op.into)];
      }
      case "fsmount": {
        const attributes = sum(mountAttribute, op.attributes);
        return ["fsmount", op.type, op.source, attributes, this.#slot(op.into), ...op.options];
      }
      case "move_mount": {
        const flags = moveFlags | (op.beneath === true ? MOVE_MOUNT_BENEATH : 0);
        return ["move_mount", this.#where(op.from), this.#where(op.to), flags];
      }
      case "mount_setattr": {
        const clear = sum(mountAttribute, op.clear);
        const times = [...op.set, ...op.clear].some(isAtime) ? MOUNT_ATTR__ATIME : 0;
        return [
          "mount_setattr",
          this.#where(op.path),
          op.recursive ? AT_RECURSIVE : 0,
          sum(mountAttribute, op.set),
          (clear & ~MOUNT_ATTR__ATIME) | times,
          op.propagation === null ? 0 : propagationFlag[op.propagation],
        ];
      }
    }
  }
}

/** mount(2) and its kin take paths only. */
function byPath(where: Where): string {
  if (typeof where === "string") return where;
  throw new Error("this system call takes a path, not a descriptor");
}
