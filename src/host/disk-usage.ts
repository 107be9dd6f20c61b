/**
 * How much a tree takes, measured: its regular files, each inode once. Containers may be at work in it, so
 * it is walked by descriptors: a name is looked up in the directory that is open, and never by a path.
 */

import { closeSync, constants, lstatSync, openSync, readdirSync } from "node:fs";

/** Gone meanwhile, or something else by now; or deeper than is walked, which a container can make at any time. */
const cannotCount = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "ENAMETOOLONG";
};

/** Directories that are open at once, each below the last. */
const deepest = 256;

/** Measures trees: a file that has names in several of them counts in the first. */
export class DiskUsage {
  readonly #seen = new Set<string>();
  readonly #onFiles: ((files: number) => void) | undefined;
  #files = 0;

  /** @param onFiles told now and then how many files were looked at so far */
  constructor(onFiles?: (files: number) => void) {
    this.#onFiles = onFiles;
  }

  /**
   * Bytes below a path of the engine's own. No link is followed, and what is gone meanwhile, or too deep,
   * counts for nothing.
   *
   * @throws Error where it may not be read
   */
  below(path: string): number {
    return this.#visit(Buffer.from(path), deepest);
  }

  /** @param path a name in a directory that is open, or the top: names need not be UTF-8, so they stay bytes */
  #visit(path: Buffer, levels: number): number {
    try {
      const stat = lstatSync(path);
      if (stat.isFile()) return this.#file(stat);
      return stat.isDirectory() && levels > 0 ? this.#directory(path, levels) : 0;
    } catch (error) {
      if (cannotCount(error)) return 0;
      throw error;
    }
  }

  #directory(path: Buffer, levels: number): number {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const open = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      const within = `/proc/self/fd/${open}`;
      const slash = Buffer.from(`${within}/`);
      let sum = 0;
      for (const name of readdirSync(within, { encoding: "buffer" })) {
        sum += this.#visit(Buffer.concat([slash, name]), levels - 1);
      }
      return sum;
    } finally {
      closeSync(open);
    }
  }

  #file(stat: {
    readonly dev: number;
    readonly ino: number;
    readonly nlink: number;
    readonly size: number;
  }): number {
    if (++this.#files % 1000 === 0) this.#onFiles?.(this.#files);
    if (stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      if (this.#seen.has(key)) return 0;
      this.#seen.add(key);
    }
    return stat.size;
  }
}
