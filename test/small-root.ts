// A root of a test's own: busybox, a few directories, and the files that the test says.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Ground } from "./pivot.ts";

/** Programs that the tests' scripts call: each a link to busybox. */
const programs = ["sh", "cat", "echo", "grep", "id", "ls", "pwd", "sleep", "tr", "true"];

/**
 * Makes a root directory below the ground's.
 *
 * @param files paths from the root, without the first `/`, and what is in them
 */
export function makeSmallRoot(
  ground: Ground,
  name: string,
  files: Readonly<Record<string, string>> = {},
): string {
  const root = `${ground.directory}/${name}`;
  for (const directory of ["bin", "dev", "etc", "proc", "sys", "tmp"]) {
    mkdirSync(`${root}/${directory}`, { recursive: true });
  }
  copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  chmodSync(`${root}/bin/busybox`, 0o755);
  for (const program of programs) symlinkSync("busybox", `${root}/bin/${program}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(`${root}/${path}`, text);
  }
  return root;
}
