/** What the packer and the unpacker tell of themselves, line by line; see native/pack.h and unpack.h. */

import { constants } from "node:os";
import { WishError } from "../container/wish-error.ts";
import { quote } from "../image/error.ts";

/** Something that did not go as it should. */
export type Trouble = {
  /** The kernel's name for it: `ENOENT`. */
  readonly errno: string;
  /** What was being done. */
  readonly words: string;
  /** Of what; empty: of the path that was asked for. One character for each byte. */
  readonly path: string;
};

/** The kernel, or what is there, does not let it happen. `trouble` is absent when nothing was told. */
export class TransferError extends WishError {
  override name = "TransferError";
  readonly trouble: Trouble | undefined;

  constructor(message: string, trouble?: Trouble) {
    super([message]);
    this.trouble = trouble;
  }
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** `\xHH` stands for a byte that would disturb. */
export const unescapeBytes = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** A line of a kind, `fail INDEX ERRNO WORDS: PATH`; undefined when it is another. */
export function parseTrouble(kind: "fail" | "skip" | "at", line: string): Trouble | undefined {
  const parts = /^(\w+) \d+ (\d+) ([^:]*): (.*)$/.exec(line);
  if (parts === null || parts[1] !== kind) return undefined;
  const [, , errno = "", words = "", path = ""] = parts;
  return { errno: names.get(Number(errno)) ?? `errno ${errno}`, words, path: unescapeBytes(path) };
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "the disk or its inodes are full",
  EROFS: "the file system is read-only",
  EDQUOT: "the quota is used up",
  ELOOP: "a symbolic link stands in the way",
};

/** What the kernel's word for it comes to, where that is the whole story. */
const plainly: Readonly<Record<string, string>> = {
  "ENOENT cannot look at it": "there is no such file or directory",
  "ENOENT cannot open the directory": "there is no such directory",
  "ENOENT cannot open the directory above it": "the directory above it is not there",
  "ENOTDIR cannot open the directory": "it is no directory",
  "ENOTDIR cannot open the directory above it": "what is above it is no directory",
};

/** The errno in words that go on: `EROFS; the file system is read-only`. */
export const reasonOf = ({ errno }: Trouble): string =>
  Object.hasOwn(hints, errno) ? `${errno}; ${hints[errno]}` : errno;

/** @param subject what it is about when the trouble names no path */
export function describeTrouble(trouble: Trouble, subject: string): string {
  const { errno, words, path } = trouble;
  const about = path === "" || path === subject ? subject : `${subject}: ${quote(path)}`;
  const said = `${errno} ${words}`;
  // Which file it was at says nothing: `export | head` wants no more.
  if (said === "EPIPE cannot write the archive") {
    return `${subject}: nobody reads the archive to its end: it is written in part only`;
  }
  return `${about}: ${Object.hasOwn(plainly, said) ? plainly[said] : words} (${reasonOf(trouble)})`;
}

export type Report = {
  readonly entries: number;
  /** How many were left out, and the first of them. */
  readonly skipped: number;
  readonly skips: readonly Trouble[];
  /** Of the archive that was written. */
  readonly bytes: number;
};

/**
 * What a packer or an unpacker has told in the end.
 *
 * @returns a failure's trouble; undefined when it has told nothing that makes sense
 */
export function parseReport(text: string): Report | Trouble | undefined {
  const lines = text.split("\n").filter((line) => line !== "");
  const last = lines.at(-1) ?? "";
  const ok = /^ok (\d+) (\d+)(?: (\d+))?$/.exec(last);
  if (ok === null) return parseTrouble("fail", last);
  const skips = lines.flatMap((line) => parseTrouble("skip", line) ?? []);
  return { entries: Number(ok[1]), skipped: Number(ok[2]), skips, bytes: Number(ok[3] ?? 0) };
}

/** What arrived is not what the packer says it has written. */
export const cutShort = (subject: string): TransferError =>
  new TransferError(`${subject}: the archive was cut short on its way`);
