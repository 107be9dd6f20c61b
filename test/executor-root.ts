/** A small root directory, and the steps that make it the container's: for tests of the executor. */

import { copyFileSync, mkdirSync } from "node:fs";
import type { Place, Step } from "../src/plan/op.ts";
import {
  byInit,
  clone,
  closeFds,
  execute,
  freshDirectory,
  onHost,
  privately,
  supervise,
} from "./executor-harness.ts";

export const inRoot = (path: string): Place => ({ in: "root", path });

/** A root directory with nothing but busybox in it, and what `fill` adds. */
export function makeRoot(fill: (root: string) => void = () => undefined): string {
  const root = freshDirectory("root");
  for (const name of ["bin", "dev", "etc", "proc"]) mkdirSync(`${root}/${name}`);
  copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  fill(root);
  return root;
}

/** The steps that make a directory `root`, with a procfs. */
const enterRoot = (root: string): Step[] => [
  byInit({
    op: "bind",
    from: onHost(root),
    recursive: false,
    attributes: [],
    clear: [],
    deep_attributes: [],
    deep_clear: [],
    propagation: "private",
    deep_propagation: false,
    at: onHost(root),
    create: "existing",
    into: "root",
  }),
  byInit({
    op: "mount",
    type: "proc",
    source: "proc",
    options: [],
    attributes: [],
    at: inRoot("/proc"),
    create: "strict",
    into: "proc",
  }),
];

const pivot: readonly Step[] = [
  byInit({ op: "chdir", at: inRoot(""), again: false }),
  byInit({ op: "pivot_root", new_root: ".", put_old: "." }),
  byInit({ op: "umount", target: ".", flags: ["detach"] }),
  byInit({ op: "chdir", at: onHost("/"), again: false }),
];

/** A whole container: `inside` before the change of root, `early` after it, `last` with nothing open. */
export const container = (
  root: string,
  script: string,
  {
    inside = [] as readonly Step[],
    early = [] as readonly Step[],
    last = [] as readonly Step[],
  } = {},
): Step[] => [
  clone(),
  privately,
  ...enterRoot(root),
  ...inside,
  ...pivot,
  ...early,
  closeFds,
  ...last,
  execute(["/bin/busybox", "sh", "-c", script], ["PATH=/bin"]),
  supervise(),
];
