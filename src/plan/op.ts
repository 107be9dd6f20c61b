/** The plan itself: plain data, the one noun that planner, executor, printers and simulator share. */

import type { Catalogue, Kind, OpName } from "./catalogue.ts";
import type { Capability, choices, flagSets } from "./constants.ts";

/** The name of a descriptor that a step keeps for later steps. */
export type Slot = string;

/**
 * A path, and where its look-up starts. In `host` it is looked up as the host does; in a slot it
 * is looked up below that descriptor as if that were `/` (openat2's RESOLVE_IN_ROOT): `..` and
 * absolute links do not lead out. The empty path is the descriptor itself.
 */
export type Place = { readonly in: "host" | Slot; readonly path: string };

type FieldValue<K extends Kind> = K extends "bool"
  ? boolean
  : K extends "u32"
    ? number
    : K extends "u64"
      ? bigint
      : K extends "text"
        ? string
        : K extends "texts"
          ? readonly string[]
          : K extends "bytes"
            ? Uint8Array
            : K extends "slot"
              ? Slot | null
              : K extends "place"
                ? Place | null
                : K extends "capabilities"
                  ? readonly Capability[]
                  : K extends `flags:${infer S extends keyof typeof flagSets}`
                    ? readonly (keyof (typeof flagSets)[S])[]
                    : K extends `one:${infer S extends keyof typeof choices}`
                      ? keyof (typeof choices)[S]
                      : never;

/** One kernel operation with its arguments. The fields are described in the catalogue. */
export type OpOf<N extends OpName> = { readonly op: N } & {
  readonly [F in keyof Catalogue[N]["fields"]]: Catalogue[N]["fields"][F] extends readonly [
    infer K extends Kind,
    string,
  ]
    ? FieldValue<K>
    : never;
};

export type Op = { readonly [N in OpName]: OpOf<N> }[OpName];

/**
 * Who carries a step out: `parent` is the executor on the host, which stays; `init` is the
 * container's first process, which `clone` makes. They work in turns, never at the same time, so
 * the order of the list is the order of events.
 */
export type Actor = "parent" | "init";

export type Step = {
  readonly by: Actor;
  readonly op: Op;
  /** Where it comes from: a field of the configuration, an option, or the default that it keeps. */
  readonly why: string;
  /**
   * What takes the result away again. Carried out by the parent, last first, when the container
   * has ended or could not be made; only for steps that were done.
   */
  readonly undo?: Op;
  /** The result stays when the container has run: `undo` is for a start that failed. */
  readonly keep?: boolean;
};

/** An ordered list of kernel operations: carried out from first to last, it is a container. */
export type Plan = {
  readonly version: 1;
  readonly steps: readonly Step[];
};

/** Marks the end of an exhaustive switch: a case that is missing does not compile. */
export function unreachable(value: never): never {
  throw new Error(`not one of the known cases: ${JSON.stringify(value)}`);
}
