// A copy of the sources that may be broken, and of what is built of them.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
const singles = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "pivot",
  "pivot-oci",
  "README.md",
  "ARCHITECTURE.md",
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

const compiler = `$(if command -v musl-gcc >/dev/null; then echo musl-gcc -idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch); else echo cc; fi) -std=c11 -Os -Wall -Wextra -Werror -ffunction-sections -fdata-sections`;

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
  readonly #objects: string;

  constructor() {
    const base = mkdtempSync(`${realpathSync(tmpdir())}/mutations-`);
    this.path = `${base}/tree`;
    this.#whole = `${base}/whole`;
    this.#objects = `${base}/objects`;
    for (const name of [...folders, ...singles]) copy(`${source}${name}`, `${this.path}/${name}`);
    symlinkSync(`${source}node_modules`, `${this.path}/node_modules`);
    mkdirSync(this.#objects);
    const sources = readdirSync(`${this.path}/native`).filter((name) => name.endsWith(".c"));
    const problem = this.#setUp() ?? this.#compile(sources);
    if (problem !== null) throw new Error(`the copy cannot be built: ${problem}`);
    for (const name of built) copy(`${this.path}/build/${name}`, `${this.#whole}/${name}`);
  }

  /** A shell's script in the copy; what it says when it fails. */
  #run(script: string, ...words: readonly string[]): string | null {
    const all = ["-euc", script, "sh", ...words];
    const { status, stderr } = spawnSync("sh", all, { cwd: this.path, encoding: "utf8" });
    return status === 0 ? null : stderr;
  }

  #setUp = (): string | null => this.#run("tools/setup.sh");

  /** Objects of these, with the compiler and the flags of tools/setup.sh. */
  #compile(names: readonly string[]): string | null {
    const objects = names.map((name) => `native/${name}`);
    return this.#run(
      `${compiler} -c "$@"; mv -- *.o "$0"`.replace("$0", this.#objects),
      ...objects,
    );
  }

  /**
   * All that these sources are part of. The C program is linked of objects: to compile all of it takes
   * as long as everything else.
   *
   * @returns why it could not be built; null: it is
   */
  #build(files: readonly string[]): string | null {
    const ofC = files.filter((file) => /^native\/[^/]+\.c$/.test(file));
    const names = ofC.map((file) => file.replace("native/", ""));
    const link = `${compiler} -static -Wl,--gc-sections -s -o build/pivot.new "$@"; mv build/pivot.new build/pivot; touch build/.built`;
    const objects = readdirSync(this.#objects).map((name) => `${this.#objects}/${name}`);
    const problem = ofC.length === 0 ? null : (this.#compile(names) ?? this.#run(link, ...objects));
    return problem ?? (ofC.length === files.length ? null : this.#setUp());
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
      const problem = builds ? this.#build([...new Set(edits.map((each) => each.file))]) : null;
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
        const ofC = edits.flatMap(({ file }) => /^native\/([^/]+\.c)$/.exec(file)?.[1] ?? []);
        if (ofC.length > 0) this.#compile([...new Set(ofC)]);
      }
    }
  }

  close(): void {
    rmSync(this.path.replace(/\/tree$/, ""), { recursive: true, force: true });
  }
}
