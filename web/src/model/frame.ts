/** One moment that the page can stop at: what was done, what came of it, and the drawing. */

import { type Changes, changesBetween, noChanges } from "./changes.ts";
import type { World } from "./world.ts";

/** A line as it is shown, with the process that takes it. */
export type ShownLine = { readonly by: string; readonly text: string };

/** How the kernel refused, for people. */
export type ToldFailure = {
  readonly errno: string;
  /** The rule that was broken. */
  readonly rule: string;
  /** What to do about it; null: nobody knows. */
  readonly cure: string | null;
};

export type Frame = {
  readonly title: string;
  readonly lines: readonly ShownLine[];
  /** Did it happen? */
  readonly outcome: "done" | "failed" | "left out";
  /** Why it failed; null: it did not. */
  readonly failure: ToldFailure | null;
  /** Of `lines`, the one that failed. */
  readonly failedLine: number | null;
  readonly world: World;
  readonly changes: Changes;
  /** What `ps` lists for a process, where that is of interest. */
  readonly ps: readonly string[] | null;
};

/** The frame's drawing compared with that of the frame before. */
export const changesSince = (before: World | undefined, after: World): Changes =>
  before === undefined ? noChanges : changesBetween(before, after);
