/** The fenced blocks of the documentation, and the commands that are in them. */

import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../", import.meta.url).pathname;

/** Pages by their paths in the repository. */
export function documents(): string[] {
  const below = readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" });
  const pages = below.filter((name) => /\.mdx?$/.test(name)).map((name) => `docs/${name}`);
  return ["README.md", "web/README.md", ...pages].sort();
}

export type Block = {
  readonly path: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: `runnable`. */
  readonly words: readonly string[];
  readonly lines: readonly string[];
};

export function blocksOf(path: string): Block[] {
  const lines = readFileSync(root + path, "utf8").split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(\s*)```(\S*)\s*(.*)$/.exec(lines[i] ?? "");
    if (fence === null) continue;
    const [, indent = "", language = "", rest = ""] = fence;
    const end = lines.findIndex((line, at) => at > i && line.trim() === "```");
    if (end < 0) throw new Error(`${path}:${i + 1}: the block has no end`);
    blocks.push({
      path,
      line: i + 2,
      language,
      words: rest.split(/\s+/).filter((word) => word !== ""),
      lines: lines.slice(i + 1, end).map((line) => line.slice(indent.length)),
    });
    i = end;
  }
  return blocks;
}

export const allBlocks = (): Block[] => documents().flatMap(blocksOf);

/** A prompt of root's, or of another user's. */
export const promptOf = /^[#$] /;

/** The lines of a block that a shell is given; those that go on behind a backslash are one. */
export function shellLines({ language, lines }: Block): string[] {
  const isSession = language === "console";
  if (!isSession && language !== "sh" && language !== "bash") return [];
  const found: string[] = [];
  let open = false;
  for (const line of lines) {
    if (open) found.push(`${(found.pop() ?? "").slice(0, -1)} ${line.trim()}`);
    else if (!isSession) found.push(line);
    else if (promptOf.test(line)) found.push(line.slice(2));
    else continue;
    open = found.at(-1)?.endsWith("\\") === true;
  }
  return found;
}

/**
 * The simple commands of a line of shell, as words: enough of its grammar for what documentation has.
 * Quotes go, variables stay as they are.
 */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | null = null;
  let isFile = false;
  const endWord = (): void => {
    if (word !== null && !isFile) commands.at(-1)?.push(word);
    if (word !== null) isFile = false;
    word = null;
  };
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? "";
    if (c === "'" || c === '"') {
      const end = line.indexOf(c, i + 1);
      word = (word ?? "") + line.slice(i + 1, end < 0 ? undefined : end);
      i = end < 0 ? line.length : end;
    } else if (c === "\\") {
      word = (word ?? "") + (line[++i] ?? "");
    } else if (c === "#" && word === null) {
      break;
    } else if (/\s/.test(c)) {
      endWord();
    } else if (c === "<" || c === ">") {
      // A number before it is a descriptor's.
      if (word !== null && /^\d$/.test(word)) word = null;
      endWord();
      while (line[i + 1] === ">" || line[i + 1] === "&") i++;
      if (line[i + 1] === "(") continue;
      isFile = true;
    } else if (/[|&;()]/.test(c) || (c === "$" && line[i + 1] === "(")) {
      if (c === "(" && word !== null && !word.endsWith("=")) word += c;
      else {
        endWord();
        commands.push([]);
      }
    } else {
      word = (word ?? "") + c;
    }
  }
  endWord();
  return commands.filter((words) => words.length > 0);
}
