// A copy of the sources that may be broken, and of what is built of them.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { Edit } from "./mutation.ts";

const source = new URL("../../", import.meta.url).pathname;
const folders = ["src", "native", "tools", "test", "docs", "web", "bench", "build"];
const files = [
  ...["package.json", "package-lock.json", "tsconfig.json", "pivot", "pivot-oci"],
  ...["README.md", "ARCHITECTURE.md"],
];
const built = ["pivot", "pivot-oci", "pivot-program", ".sources", ".built"];

/** The text with the edits; or why it cannot have them. */
export function edited(text: string, edits: readonly Edit[]): string | { readonly why: string } {
  let now = text;
  for (const { file, find, replace } of edits) {
    const times = now.split(find).length - 1;
    if (times !== 1) return { why: `${file} has ${times} times what it looks for: ${find.trim()}` };
    now = now.replace(find, () => replace);
  }
  return now;
}

/** Times are kept, so that only what is broken is built again. */
const copy = (from: string, to: string): void =>
  cpSync(from, to, {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
    filter: (path) => !/\/(node_modules|build\/(engine|bench)[^/]*)(\/|$)/.test(path),
  });

export class Tree {
  readonly path: string;
  readonly #whole: string;

  constructor() {
    const base = mkdtempSync(`${realpathSync(tmpdir())}/mutations-`);
    this.path = `${base}/tree`;
    this.#whole = `${base}/whole`;
    for (const name of [...folders, ...files]) copy(`${source}${name}`, `${this.path}/${name}`);
    symlinkSync(`${source}node_modules`, `${this.path}/node_modules`);
    const problem = this.build();
    if (problem !== null) throw new Error(`the copy cannot be built: ${problem}`);
    for (const name of built) copy(`${this.path}/build/${name}`, `${this.#whole}/${name}`);
  }

  /** Why it could not be built; null: it is. */
  build(): string | null {
    const { status, stderr } = spawnSync("tools/setup.sh", [], {
      cwd: this.path,
      encoding: "utf8",
    });
    return status === 0 ? null : stderr;
  }

  /**
   * Works while the sources are broken, and what is built of them too if that is wanted.
   *
   * @returns why they could not be, or what the work came to
   */
  whileBroken<T>(edits: readonly Edit[], builds: boolean, work: () => T): T | { why: string } {
    const texts = new Map<string, string>();
    const times = new Map<string, Date>();
    try {
      for (const file of new Set(edits.map((each) => each.file))) {
        const path = `${this.path}/${file}`;
        const text = readFileSync(path, "utf8");
        const broken = edited(
          text,
          edits.filter((each) => each.file === file),
        );
        if (typeof broken !== "string") return broken;
        texts.set(path, text);
        times.set(path, statSync(path).mtime);
        writeFileSync(path, broken);
      }
      const problem = builds ? this.build() : null;
      return problem === null ? work() : { why: `it cannot be built: ${problem}` };
    } finally {
      for (const [path, text] of texts) {
        writeFileSync(path, text);
        const time = times.get(path) ?? new Date();
        utimesSync(path, time, time);
      }
      if (builds) {
        for (const name of built) {
          rmSync(`${this.path}/build/${name}`, { force: true });
          copy(`${this.#whole}/${name}`, `${this.path}/build/${name}`);
        }
      }
    }
  }

  close(): void {
    rmSync(this.path.replace(/\/tree$/, ""), { recursive: true, force: true });
  }
}
