/**
 * Where things are, in the words of a shell. A shell has no descriptors of directories and no
 * detached mounts: what a plan keeps in a slot has a path here.
 */

import type { OpOf, Place, Slot } from "../plan/op.ts";
import { quote, quotePath } from "./quote.ts";

/** What stands for a slot. */
export type Kept =
  /** A directory or file, as a word of the shell. */
  | { readonly kind: "path"; readonly word: string }
  /** A mount that waits in the stage for being attached. */
  | { readonly kind: "staged"; readonly word: string }
  /** A bind that is made when it is attached: of what, and with which flags. */
  | { readonly kind: "bind"; readonly word: string; readonly op: OpOf<"bind"> };

/** A word, and the lines that have to come before it. */
export type Word = { readonly before: readonly string[]; readonly word: string };

/**
 * `plain` is for readers: paths below `$root` stand as they are. `safe` is for the script: the
 * function `place` looks them up with the root as `/`, so that no link of the image leads out.
 */
export type Manner = "plain" | "safe";

const joined = (word: string, path: string): string => {
  const below = path.replace(/^\/+/, "");
  return below === "" ? word : `${word}/${quote(below)}`;
};

/** Remembers what the steps so far keep in slots. */
export class Places {
  readonly manner: Manner;
  readonly #kept = new Map<Slot, Kept>();

  constructor(manner: Manner) {
    this.manner = manner;
  }

  keep(slot: Slot | null, kept: Kept): void {
    if (slot !== null) this.#kept.set(slot, kept);
  }

  kept(slot: Slot | null): Kept {
    const found = slot === null ? undefined : this.#kept.get(slot);
    return (
      found ?? { kind: "path", word: slot === "root" ? '"$root"' : `"$stage"/${quote(slot ?? "")}` }
    );
  }

  /** @param variable the shell's name for it, where it has to be looked up first */
  word(place: Place | null, variable = "at"): Word {
    if (place === null) return { before: [], word: "/dev/null" };
    if (place.in === "host")
      return { before: [], word: quotePath(place.path === "" ? "/" : place.path) };
    const { word } = this.kept(place.in);
    if (place.in !== "root" || place.path === "" || this.manner === "plain") {
      return { before: [], word: joined(word, place.path) };
    }
    return { before: [`place ${variable} ${word} ${quote(place.path)}`], word: `"$${variable}"` };
  }

  /** As `word`, and it is still there by that name when the variable has another value. */
  lasting(place: Place | null, slot: Slot): Word {
    const { before, word } = this.word(place);
    if (before.length === 0) return { before, word };
    const name = `slot_${slot.replace(/[^A-Za-z0-9]/g, "_")}`;
    return { before: [...before, `${name}=$at`], word: `"$${name}"` };
  }
}
