/** What an entry of the catalogue says of an operation. */

import type { choices, flagSets } from "./constants.ts";

/** What a field holds, and so how it is written on the wire (see `executor/encode.ts`). */
export type Kind =
  | "bool"
  | "u32"
  | "u64"
  | "text"
  | "texts"
  | "bytes"
  /** A descriptor that an earlier step keeps under this name, or null. */
  | "slot"
  /** A path, and the descriptor below which it is resolved; or null. */
  | "place"
  | "capabilities"
  | `flags:${keyof typeof flagSets}`
  | `one:${keyof typeof choices}`;

export type Field = readonly [kind: Kind, gist: string];

export type Entry = {
  readonly code: number;
  /** The system calls, in order. */
  readonly calls: string;
  /** Where the calls are described. */
  readonly man: string;
  readonly gist: string;
  readonly fields: Readonly<Record<string, Field>>;
};

/** A place, said in a word. */
export const at = (gist: string): readonly ["place", string] => ["place", gist];
