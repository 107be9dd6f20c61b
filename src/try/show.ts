/** How the changes of a try are shown: as a list, as JSON, as a patch, as figures. */

import { spawnSync } from "node:child_process";
import { executorPath } from "../executor/locate.ts";
import { describeErrno } from "../plan/errno.ts";
import { bytesOf, type Change, differs, type FileType } from "./changes.ts";
import type { Try } from "./store.ts";

/** The text of a string with a character for each byte. */
export const decode = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

/** As git has it: in quotes where a character could be mistaken, or a terminal would obey it. */
export function shownPath(bytes: string): string {
  const text = decode(bytes);
  const isText = Buffer.from(text).toString("latin1") === bytes;
  if (isText && !/[\p{Cc}"\\\p{Cf}]/u.test(text)) return text;
  const named: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };
  const quoted = [...(isText ? text : bytes)].map((letter) => {
    if (letter === '"' || letter === "\\") return `\\${letter}`;
    if (!/[\p{Cc}\p{Cf}]/u.test(letter) && (isText || letter < "\x7f")) return letter;
    const octal = [...Buffer.from(letter, isText ? "utf8" : "latin1")]
      .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`)
      .join("");
    return named[letter] ?? octal;
  });
  return `"${quoted.join("")}"`;
}

/** From the present directory on where it lies in that. */
export function relativePath(path: string, cwd: string): string {
  const here = Buffer.from(cwd).toString("latin1");
  return here !== "/" && path.startsWith(`${here}/`) ? path.slice(here.length + 1) : path;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

const typeNames: Readonly<Record<FileType, string>> = {
  f: "file",
  d: "directory",
  l: "symbolic link",
  p: "FIFO",
  s: "socket",
  c: "character device",
  b: "block device",
  "-": "nothing",
};

/** What is worth a word beside the letter. */
function notes({ letter, flags, new: made, old, conflict }: Change): string[] {
  const found: string[] = [];
  const has = (bit: number): boolean => (flags & bit) !== 0;
  if (letter === "!") return [`cannot be compared: ${describeErrno(flags)}`];
  if (letter === "T") found.push(`${typeNames[old.type]} -> ${typeNames[made.type]}`);
  if (letter === "M") {
    if (has(differs.mode)) found.push(`mode ${octal(old.mode)} -> ${octal(made.mode)}`);
    if (has(differs.owner)) found.push(`owner ${old.uid}:${old.gid} -> ${made.uid}:${made.gid}`);
    if (has(differs.xattr)) found.push("extended attributes");
    if (has(differs.times) && !has(differs.content) && found.length === 0) found.push("times");
  }
  if (letter !== "D" && made.type === "l") found.push(`-> ${shownPath(made.link)}`);
  if (letter !== "D" && has(differs.privileged)) {
    found.push(made.type === "f" ? "runs with others' rights" : typeNames[made.type]);
  }
  if (conflict !== null) found.push(`CONFLICT: ${conflict}`);
  return found;
}

/** Of a directory that is gone only itself is shown, unless something below it conflicts. */
function withoutGoneBelow(changes: readonly Change[]): Change[] {
  const isGone = ({ letter, old }: Change): boolean => letter === "D" && old.type === "d";
  const roots: string[] = [];
  return changes.filter((change) => {
    if (change.letter !== "D") return true;
    if (roots.some((root) => change.path.startsWith(root))) return change.conflict !== null;
    if (isGone(change)) roots.push(`${change.path}/`);
    return true;
  });
}

/** One line for each change, as `git diff --name-status` has it. */
export function listText(changes: readonly Change[], cwd: string): string {
  return withoutGoneBelow(changes)
    .map((change) => {
      const { letter, path, new: made, old } = change;
      const type = letter === "D" ? old.type : made.type;
      const slash = type === "d" && path !== "/" ? "/" : "";
      const said = notes(change);
      const note = said.length === 0 ? "" : `  (${said.join(", ")})`;
      return `${letter}\t${shownPath(relativePath(path, cwd) + slash)}${note}\n`;
    })
    .join("");
}

const sideJson = ({ type, mode, uid, gid, size, link }: Change["new"]) =>
  type === "-"
    ? null
    : {
        type: typeNames[type],
        mode: octal(mode),
        uid,
        gid,
        size,
        ...(type === "l" ? { link: decode(link) } : {}),
      };

/** One object for each change, a line each; `pathHex` where a path is no UTF-8. */
export function listJson(changes: readonly Change[]): string {
  return changes
    .map(({ letter, path, flags, new: made, old, conflict }) => {
      const text = decode(path);
      const isText = Buffer.from(text).toString("latin1") === path;
      const bits = Object.entries(differs).filter(([, bit]) => (flags & bit) !== 0);
      return `${JSON.stringify({
        change: letter,
        path: text,
        ...(isText ? {} : { pathHex: Buffer.from(path, "latin1").toString("hex") }),
        differs: letter === "!" ? [] : bits.map(([name]) => name),
        new: sideJson(made),
        old: sideJson(old),
        conflict,
      })}\n`;
    })
    .join("");
}

/** As git names types. */
const gitMode = ({ type, mode }: Change["new"]): string =>
  type === "l" ? "120000" : (mode & 0o111) !== 0 ? "100755" : "100644";

function contentPatch(of: Try, change: Change, labels: readonly [string, string]): string {
  const { part, below, letter } = change;
  const { path = "/", directory = "0" } = of.parts[part] ?? {};
  const upper = `${of.at}/${directory}/upper`;
  const ran = spawnSync(executorPath(), ["view", "patch", upper, path, letter, ...labels], {
    argv0: "pivot-executor",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" },
    // The path as bytes: an argument would have to be text.
    input: Buffer.from(below, "latin1"),
    maxBuffer: 2 ** 31 - 1,
  });
  if (ran.error !== undefined) throw ran.error;
  if (ran.status === 3) throw new Error("-p and --stat need the program diff: install diffutils");
  if (ran.status !== null && ran.status < 2) return ran.stdout.toString("latin1");
  const why = ran.stderr.toString().trim();
  return ran.status === 2 && /^Binary files/m.test(ran.stdout.toString("latin1"))
    ? ran.stdout.toString("latin1")
    : bytesOf(`# cannot be shown: ${why}\n`);
}

const linkPatch = (labels: readonly [string, string], old: string | null, made: string | null) => {
  const count = (text: string | null): string => (text === null ? "0,0" : "1");
  const line = (sign: string, text: string | null): string =>
    text === null ? "" : `${sign}${text}\n\\ No newline at end of file\n`;
  return `--- ${bytesOf(labels[0])}\n+++ ${bytesOf(labels[1])}\n@@ -${count(old)} +${count(made)} @@\n${line("-", old)}${line("+", made)}`;
};

/** A path in a patch: quoted as git does, since a line break would end the header. */
const patchPath = (prefix: string, path: string): string => {
  const shown = shownPath(path);
  return shown.startsWith('"') ? `"${prefix}${shown.slice(1)}` : prefix + shown;
};

/**
 * The patch of one change, as `git diff` writes it; `patch -p1 -d /` and `git apply` read it. A
 * character for each byte.
 */
export function patchOf(of: Try, change: Change): string {
  const { letter, path, new: made, old, flags } = change;
  const below = path.slice(1);
  const names = [patchPath("a/", below), patchPath("b/", below)] as const;
  const isFile = (type: FileType): boolean => type === "f" || type === "l";
  if (letter === "T") {
    const gone = { ...change, letter: "D" as const };
    const fresh = { ...change, letter: "A" as const };
    return patchOf(of, gone) + patchOf(of, fresh);
  }
  const type = letter === "D" ? old.type : made.type;
  if (!isFile(type))
    return type === "d" ? "" : bytesOf(`# ${typeNames[type]}: ${shownPath(path)}\n`);
  const lines = [bytesOf(`diff --git ${names[0]} ${names[1]}\n`)];
  if (letter === "A") lines.push(`new file mode ${gitMode(made)}\n`);
  if (letter === "D") lines.push(`deleted file mode ${gitMode(old)}\n`);
  if (letter === "M" && gitMode(old) !== gitMode(made)) {
    lines.push(`old mode ${gitMode(old)}\nnew mode ${gitMode(made)}\n`);
  }
  const labels = [
    letter === "A" ? "/dev/null" : names[0],
    letter === "D" ? "/dev/null" : names[1],
  ] as const;
  if (type === "l" && letter === "M" && old.link === made.link) return "";
  if (type === "l") {
    const oldLink = letter === "A" ? null : old.link;
    const newLink = letter === "D" ? null : made.link;
    return lines.join("") + linkPatch(labels, oldLink, newLink);
  }
  if (letter !== "M" || (flags & differs.content) !== 0)
    lines.push(contentPatch(of, change, labels));
  return lines.length > 1 ? lines.join("") : "";
}

type Figures = { readonly added: number; readonly removed: number; readonly isBinary: boolean };

function figuresOf(patch: string): Figures {
  const lines = patch.split("\n");
  const body = lines.slice(lines.findIndex((line) => line.startsWith("@@")));
  const begin = (sign: string): number => body.filter((line) => line.startsWith(sign)).length;
  const hasBody = lines.some((line) => line.startsWith("@@"));
  return {
    added: hasBody ? begin("+") : 0,
    removed: hasBody ? begin("-") : 0,
    isBinary: /^Binary files /m.test(patch),
  };
}

/** As `git diff --stat`. */
export function statText(of: Try, changes: readonly Change[], cwd: string): string {
  const rows = changes
    .filter(
      ({ new: made, old, letter }) => letter !== "!" && (made.type !== "d" || old.type === "f"),
    )
    .filter(({ letter, old }) => letter !== "D" || old.type !== "d")
    .map((change) => ({
      name: shownPath(relativePath(change.path, cwd)),
      ...figuresOf(patchOf(of, change)),
    }));
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const most = Math.max(1, ...rows.map(({ added, removed }) => added + removed));
  const scale = most > 40 ? 40 / most : 1;
  const bar = (sign: string, count: number): string =>
    sign.repeat(count === 0 ? 0 : Math.max(1, Math.round(count * scale)));
  const lines = rows.map(({ name, added, removed, isBinary }) =>
    isBinary
      ? ` ${name.padEnd(width)} | Bin\n`
      : ` ${name.padEnd(width)} | ${added + removed} ${bar("+", added)}${bar("-", removed)}`.trimEnd() +
        "\n",
  );
  const total = (key: "added" | "removed", noun: string): string => {
    const sum = rows.reduce((all, row) => all + row[key], 0);
    return `${sum} ${noun}${sum === 1 ? "" : "s"}`;
  };
  const files = `${rows.length} file${rows.length === 1 ? "" : "s"} changed`;
  return `${lines.join("")} ${files}, ${total("added", "insertion")}(+), ${total("removed", "deletion")}(-)\n`;
}
