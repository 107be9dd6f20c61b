/** What a view has changed: asked of the C program (native/view.h), and judged here. */

import { spawnSync } from "node:child_process";
import { executorPath } from "../executor/locate.ts";
import type { Try } from "./store.ts";

/** What differs: the bits of native/view.h. */
export const differs = {
  content: 1,
  mode: 2,
  owner: 4,
  xattr: 8,
  times: 16,
  privileged: 32,
  copied: 64,
} as const;

/** As find(1) has it: regular file, directory, link, FIFO, socket, character or block device. */
export type FileType = "f" | "d" | "l" | "p" | "s" | "c" | "b" | "-";

/** One side of a change. */
export type Side = {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly inode: string;
  /** In nanoseconds. */
  readonly ctime: bigint;
  /** What a symbolic link says. */
  readonly link: string;
};

export type Change = {
  /** Made, changed, gone, of another type; `=`: the same, but with several names; `!`: a problem. */
  readonly letter: "A" | "M" | "D" | "T" | "=" | "!";
  /** Absolute, on the host. Here as everywhere a string has a character for each byte. */
  readonly path: string;
  /** Index into the try's parts, and the path from there. */
  readonly part: number;
  readonly below: string;
  /** Bits of `differs`; the errno of a problem. */
  readonly flags: number;
  readonly new: Side;
  readonly old: Side;
  /** How many names the new file has in the view. */
  readonly links: number;
  /** Why it would undo what happened on the host since the try began, or null. */
  readonly conflict: string | null;
};

const fieldsOfRecord = 4;

type Raw = Omit<Change, "path" | "part" | "conflict">;

/** The strings of `view list`. @throws Error when they end too early. */
export function readRecords(output: string): Raw[] {
  const strings = output.split("\0");
  if (strings.at(-2) !== "end") throw new Error("the comparison of the view was cut short");
  const records: Raw[] = [];
  for (let i = 0; i + fieldsOfRecord <= strings.length - 2; i += fieldsOfRecord) {
    const [head = "", below = "", link = "", oldLink = ""] = strings.slice(i, i + fieldsOfRecord);
    const f = head.split(" ");
    const at = (n: number): number => Number(f[n]);
    const octal = (n: number): number => Number.parseInt(f[n] ?? "0", 8);
    records.push({
      letter: f[0] as Change["letter"],
      below,
      flags: at(3),
      new: {
        type: f[1] as FileType,
        mode: octal(4),
        uid: at(6),
        gid: at(7),
        size: at(10),
        inode: f[13] ?? "",
        ctime: BigInt(f[14] ?? 0),
        link,
      },
      old: {
        type: f[2] as FileType,
        mode: octal(5),
        uid: at(8),
        gid: at(9),
        size: at(11),
        inode: f[15] ?? "",
        ctime: BigInt(f[16] ?? 0),
        link: oldLink,
      },
      links: at(12),
    });
  }
  return records;
}

/** What `applied` of a try says of a file of the host. */
export const appliedMark = (inode: string, ctime: bigint | string): string => `${inode} ${ctime}`;

/** @param applied what the host had there when this try wrote it, or undefined */
export function conflictOf(raw: Raw, began: bigint, applied: string | undefined): string | null {
  const { letter, flags, old } = raw;
  if (letter === "=" || letter === "!" || old.ctime <= began) return null;
  if (letter === "A") {
    return (flags & differs.copied) === 0
      ? null
      : "it is gone from the host, or its directory changed";
  }
  return applied === appliedMark(old.inode, old.ctime)
    ? null
    : "it changed on the host after the try began";
}

export const joined = (directory: string, below: string): string =>
  below === "" ? directory : directory === "/" ? `/${below}` : `${directory}/${below}`;

export const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

/**
 * Every difference between a try and the host, by path. A program that still runs in it may be
 * changing more meanwhile.
 */
export function findChanges(of: Try): Change[] {
  return of.parts
    .flatMap(({ path, directory }, part) => {
      const args = ["view", "list", `${of.at}/${directory}/upper`, path];
      const { stdout, stderr, status, error } = spawnSync(executorPath(), args, {
        argv0: "pivot-executor",
        env: {},
        stdio: ["ignore", "pipe", "pipe"],
        maxBuffer: 2 ** 31 - 1,
      });
      if (error !== undefined || status !== 0) {
        throw new Error(`the view of ${path} cannot be compared: ${error?.message ?? stderr}`);
      }
      // An ordinary user's copy of another's directory is not that other's.
      const isOwn = (raw: Raw): boolean => of.uid === 0 || raw.below !== "" || raw.letter === "!";
      return readRecords(stdout.toString("latin1"))
        .filter(isOwn)
        .map((raw): Change => {
          const whole = joined(bytesOf(path), raw.below);
          const conflict = conflictOf(raw, of.began, of.applied[whole]);
          return { ...raw, path: whole, part, conflict };
        });
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);

/** Where programs leave what is of no use afterwards. */
const temporary: readonly string[] = ["/tmp", "/var/tmp"];

export type Selection = {
  readonly chosen: readonly Change[];
  /** How many are left out, since nobody named them: of temporary directories, and sockets. */
  readonly leftOut: number;
};

/**
 * The changes that are meant: those at and below the paths; without any all but those of temporary
 * directories, unless the try was started in one.
 */
export function selectChanges(
  changes: readonly Change[],
  paths: readonly string[],
  cwd: string,
): Selection {
  const named = paths.map(bytesOf);
  const without = temporary.filter((each) => !isAtOrBelow(bytesOf(cwd), each));
  const isMeant = ({ path }: Change): boolean =>
    named.length > 0
      ? named.some((each) => isAtOrBelow(path, each))
      : !without.some((each) => isAtOrBelow(path, each));
  const real = changes.filter(({ letter }) => letter !== "=");
  const chosen = real.filter((each) => isMeant(each) && each.new.type !== "s");
  const leftOut = named.length > 0 ? 0 : real.length - chosen.length;
  return { chosen, leftOut };
}
