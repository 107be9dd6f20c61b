/**
 * The words of a Dockerfile instruction: quotes, backslashes and `$NAME`, as a Dockerfile has them.
 *
 * @see https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
import { ImageError, quote } from "./error.ts";

/** What a variable is replaced by; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

const wrong = (text: string, what: string) =>
  new ImageError("unsupported", `--change ${quote(text)}: ${what}`);

/** The index behind the `}` that ends what begins at `from`, or -1. */
function endOfBraces(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{" && text[i - 1] === "$") depth++;
    else if (text[i] === "}" && --depth === 0) return i + 1;
  }
  return -1;
}

/** `${…}` without its braces: a name, and after `:-` or `:+` what takes its place. */
function replaceBraced(inner: string, lookup: Lookup, whole: string): string {
  const parts = /^(\w+)(?:(:?[-+])([^]*))?$/.exec(inner);
  if (parts === null) {
    throw wrong(whole, `\${${inner}} is none of \${NAME}, \${NAME:-word} and \${NAME:+word}`);
  }
  const [, name = "", operator, word = ""] = parts;
  const value = lookup(name);
  if (operator === undefined) return value ?? "";
  const isSet = operator.startsWith(":") ? (value ?? "") !== "" : value !== undefined;
  if (operator.endsWith("-")) return isSet ? (value ?? "") : expand(word, lookup, whole);
  return isSet ? expand(word, lookup, whole) : "";
}

/** What stands at a `$`, and where it ends. */
function replaceAt(text: string, at: number, lookup: Lookup, whole: string): [string, number] {
  if (text[at + 1] === "{") {
    const end = endOfBraces(text, at + 2);
    if (end < 0) throw wrong(whole, "a ${ is not closed");
    return [replaceBraced(text.slice(at + 2, end - 1), lookup, whole), end];
  }
  const name = /^(?:[A-Za-z_]\w*|\d)/.exec(text.slice(at + 1))?.[0];
  if (name === undefined) return ["$", at + 1];
  return [lookup(name) ?? "", at + 1 + name.length];
}

/**
 * A text without its quotes and backslashes, and with the variables' values in place of their
 * names; nothing is replaced within single quotes.
 *
 * @param whole the change that it is part of, for messages
 * @throws ImageError `unsupported` for a quote or brace that is not closed
 */
export function expand(text: string, lookup: Lookup, whole: string): string {
  let result = "";
  let quoted = "";
  for (let i = 0; i < text.length; ) {
    const c = text[i] ?? "";
    if (c === quoted || (quoted === "" && (c === '"' || c === "'"))) {
      quoted = quoted === "" ? c : "";
      i++;
    } else if (c === "$" && quoted !== "'") {
      const [value, end] = replaceAt(text, i, lookup, whole);
      result += value;
      i = end;
    } else if (c === "\\" && quoted !== "'" && i + 1 < text.length) {
      const next = text[i + 1] ?? "";
      // Within double quotes a backslash means itself but before what it can protect.
      result += quoted === '"' && !/["$\\]/.test(next) ? `\\${next}` : next;
      i += 2;
    } else {
      result += c;
      i++;
    }
  }
  if (quoted !== "") throw wrong(whole, `a ${quoted} is not closed`);
  return result;
}

/** The words as they are written, quotes and all, split at blanks outside of quotes. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let quoted = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (quoted === "" && /\s/.test(c)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += c;
    if (c === "\\" && quoted !== "'") word += text[++i] ?? "";
    else if (c === quoted) quoted = "";
    else if (quoted === "" && (c === '"' || c === "'")) quoted = c;
  }
  if (word !== "") words.push(word);
  return words;
}

/** A JSON list of strings, or undefined when the text is none: then it is for a shell. */
export function parseList(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The pairs of ENV and LABEL: `name=value name2="two words"`, or one `name all the rest`.
 *
 * @throws ImageError `unsupported`
 */
export function parsePairs(text: string, lookup: Lookup, whole: string): [string, string][] {
  const words = splitWords(text);
  if (!(words[0] ?? "").includes("=")) {
    const [, name = "", rest = ""] = /^(\S+)\s+([^]+)$/.exec(text) ?? [];
    if (name === "") throw wrong(whole, "it needs a name and a value, NAME=VALUE");
    return [[expand(name, lookup, whole), expand(rest, lookup, whole)]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) throw wrong(whole, `${quote(word)} is not NAME=VALUE`);
    return [
      expand(word.slice(0, equals), lookup, whole),
      expand(word.slice(equals + 1), lookup, whole),
    ];
  });
}
