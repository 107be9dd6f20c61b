/** How much a tree takes, measured: its regular files, each inode once. */

import { lstatSync, readdirSync } from "node:fs";

/** Gone meanwhile; or deeper than a path can say, which a container can make at any time. */
const cannotCount = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
};

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
   * Bytes below a path. No link is followed, and what is gone meanwhile, or too deep, counts for nothing.
   *
   * @throws Error where it may not be read
   */
  below(path: string): number {
    return this.#visit(Buffer.from(path));
  }

  /** Names need not be UTF-8, so they stay bytes. */
  #visit(path: Buffer): number {
    try {
      const stat = lstatSync(path);
      if (stat.isFile()) return this.#file(stat);
      if (!stat.isDirectory()) return 0;
      let sum = 0;
      for (const name of readdirSync(path, { encoding: "buffer" })) {
        sum += this.#visit(Buffer.concat([path, slash, name]));
      }
      return sum;
    } catch (error) {
      if (cannotCount(error)) return 0;
      throw error;
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

const slash = Buffer.from("/");
