/** What a lesson is: plain data, carried out by the simulator and told by the page. */

import type { Errno } from "../../../src/simulator/mod.ts";

/** Something that is so after a step; the tests hold the simulator to it. */
export type Claim =
  /** What a process finds mounted on a path: a type of file system; null: nothing is. */
  | { readonly who: string; readonly at: string; readonly is: string | null }
  /** Where a process's root or working directory is, from the root of its mount namespace. */
  | { readonly who: string; readonly root: string }
  | { readonly who: string; readonly cwd: string }
  /** Whether a process's working directory lies on a mount that is gone. */
  | { readonly who: string; readonly adrift: boolean }
  /** What `ps` lists. */
  | { readonly who: string; readonly ps: "host" | "own" | "nothing" };

/** A line of util-linux's, which the simulator carries out; or one of the mounts' neighbours, told. */
export type Line = string | { readonly told: string };

/** What comes of the lesson when a step is left out. */
export type Omission = {
  /** The first step that fails then, counted from 1; absent: none does. */
  readonly fails?: { readonly step: number; readonly errno: Errno };
  /** What is so at the end. */
  readonly claims?: readonly Claim[];
  /** What to look at. */
  readonly shows: string;
};

export type Step = {
  readonly title: string;
  /** The process that takes it. */
  readonly by: string;
  readonly lines: readonly Line[];
  /** What comes with it and is not worth a line: the directories in an image. */
  readonly brings?: readonly string[];
  /** Its children are counted anew: pid_namespaces(7). */
  readonly newPids?: true;
  /** It has a network of its own from then on, and so a sysfs: network_namespaces(7). */
  readonly newNetwork?: true;
  readonly what: string;
  readonly why: string;
  /** What goes wrong without it. */
  readonly without: string;
  readonly claims?: readonly Claim[];
  readonly leaveOut?: Omission;
};

export type Answer = {
  readonly text: string;
  readonly right: boolean;
  /** Why it is right or wrong. */
  readonly because: string;
};

export type Question = { readonly ask: string; readonly answers: readonly Answer[] };

export type Lesson = {
  /** In addresses: `#pivot-root/3`. */
  readonly id: string;
  readonly title: string;
  /** Its title in lists. */
  readonly short: string;
  /** A line below the title. */
  readonly summary: string;
  /** What there is before the first step. */
  readonly before: string;
  /** Carried out before the first step: `PROCESS: LINE`. */
  readonly setup: readonly string[];
  /** What `ps` lists is part of the lesson. */
  readonly showsProcesses?: true;
  readonly steps: readonly Step[];
  readonly quiz: readonly Question[];
};
