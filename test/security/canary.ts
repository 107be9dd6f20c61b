// What lies outside of every container's root, and must neither change nor be read.

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";

/** The words in every file of a canary: whoever prints them has read the host's. */
export const secret = "the host's secret";

/** All below a directory, and the directory: kind, mode, owner, time of change, content. */
function look(directory: string): string[] {
  const describe = (path: string): string => {
    const { mode, uid, gid, ctimeMs, nlink } = lstatSync(path);
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${ctimeMs} ${nlink}`;
  };
  const below = readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return look(path);
    if (entry.isSymbolicLink()) return [`${describe(path)} -> ${readlinkSync(path)}`];
    return [entry.isFile() ? `${describe(path)} ${readFileSync(path, "utf8")}` : describe(path)];
  });
  return [describe(directory), ...below.sort()];
}

/** A directory outside, with a file and a directory in it. */
export class Canary {
  readonly path: string;
  readonly #before: readonly string[];

  constructor(path: string) {
    this.path = path;
    mkdirSync(`${path}/deep`, { recursive: true });
    for (const name of ["file", "deep/file"]) writeFileSync(`${path}/${name}`, secret);
    this.#before = look(path);
  }

  /** What has changed since it was made; empty: nothing. */
  changes(): string[] {
    const now = look(this.path);
    const path = (line: string): string => line.slice(0, line.indexOf(" "));
    const [then, after] = [this.#before, now].map((lines) => new Set(lines.map(path)));
    const name = (line: string): string => `outside${path(line).slice(this.path.length)}`;
    return [
      ...now
        .filter((line) => then?.has(path(line)) !== true)
        .map((line) => `made outside the root: ${name(line)}`),
      ...this.#before
        .filter((line) => after?.has(path(line)) !== true)
        .map((line) => `gone outside the root: ${name(line)}`),
      ...now
        .filter((line) => !this.#before.includes(line))
        .map((line) => `changed outside the root: ${name(line)}`),
    ];
  }
}
