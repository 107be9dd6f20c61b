// A root of busybox alone, for tests that let another runtime run something.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from "node:fs";

const programs = ["sh", "cat", "echo", "grep", "hostname", "id", "sleep", "tail", "true"];

/** Fills a directory that is there and empty. */
export function makeBusyboxRoot(root: string): void {
  for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"]) mkdirSync(`${root}/${name}`);
  copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  chmodSync(`${root}/bin/busybox`, 0o755);
  for (const program of programs) symlinkSync("busybox", `${root}/bin/${program}`);
}
