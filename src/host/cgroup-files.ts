// What stands in the files of a cgroup: numbers, tables of numbers, and the files that there are.

import { readdirSync, readFileSync } from "node:fs";

/** Access to files; tests give one of their own. */
export type Files = {
  /** Undefined when the file is not there, or cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** The names in a directory; none when it is not there. */
  readonly list: (path: string) => readonly string[];
};

export const hostFiles: Files = {
  read: (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  list: (path) => {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};

/** What version 2 writes for no limit, as the number that version 1 and engines know. */
export const NO_LIMIT = 2n ** 64n - 1n;

export const toNumber = (text: string): bigint => {
  const word = text.trim();
  if (word === "max") return NO_LIMIT;
  return /^-?\d+$/.test(word) ? BigInt(word) : 0n;
};

/** The files of one cgroup. What is missing is 0, or empty. */
export class CgroupFiles {
  readonly #directory: string | undefined;
  readonly #files: Files;

  /** @param directory undefined when the container has no cgroup of this kind */
  constructor(directory: string | undefined, files: Files) {
    this.#directory = directory;
    this.#files = files;
  }

  text(name: string): string | undefined {
    return this.#directory === undefined
      ? undefined
      : this.#files.read(`${this.#directory}/${name}`);
  }

  number(name: string): bigint {
    return toNumber(this.text(name) ?? "");
  }

  has(name: string): boolean {
    return this.text(name) !== undefined;
  }

  /** Lines with something in them, each as its words. */
  lines(name: string): string[][] {
    const lines = (this.text(name) ?? "").split("\n").filter((line) => line.trim() !== "");
    return lines.map((line) => line.trim().split(/\s+/));
  }

  /** A file of lines `name number`. */
  table(name: string): Readonly<Record<string, bigint>> {
    return Object.fromEntries(
      this.lines(name).map(([key = "", value = ""]) => [key, toNumber(value)]),
    );
  }

  /** The parts of the names between a beginning and an end: `2MB` of `hugetlb.2MB.current`. */
  between(before: string, after: string): string[] {
    if (this.#directory === undefined) return [];
    return this.#files
      .list(this.#directory)
      .filter((name) => name.startsWith(before) && name.endsWith(after))
      .map((name) => name.slice(before.length, name.length - after.length))
      .filter((part) => part !== "" && !part.includes("."));
  }
}
