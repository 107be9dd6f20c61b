/**
 * Cuts a Go template (text/template) into text and the tokens of its actions.
 *
 * Written here because no package does it well: go-text-template, the one of npm with types, knows
 * neither variables nor `range` over maps, and has three downloads a week.
 */

import { TemplateError } from "./error.ts";

export type Token = {
  readonly kind: "text" | "open" | "close" | "word" | "field" | "variable" | "literal" | "mark";
  /** As it stands in the template; of text: what is left of it by `{{-` and `-}}`. */
  readonly text: string;
  /** Offset in the template. */
  readonly at: number;
  /** Whether white space stands before it: `.A .B` are two operands, `.A.B` is one. */
  readonly apart: boolean;
  /** Of a literal. */
  readonly value?: string | number;
};

/** `LINE:COLUMN` as text/template counts: lines from 1, columns from 0. */
export function place(template: string, at: number): string {
  const before = template.slice(0, at);
  const line = before.split("\n").length;
  const start = before.lastIndexOf("\n");
  return `${line}:${at - start - 1}`;
}

/** @throws TemplateError always */
export function failAt(template: string, at: number, problem: string): never {
  const line = template.slice(0, at).split("\n").length;
  throw new TemplateError(`template: :${line}: ${problem}`);
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** What a quoted Go string or character means; null when an escape of it is none. */
function unquote(quoted: string): string | null {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("`")) return inner;
  let good = true;
  const text = inner.replace(
    /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.|$)/g,
    (_, escape: string) => {
      const plain = escapes[escape];
      if (plain !== undefined) return plain;
      const code = /^[xuU]./.test(escape)
        ? Number.parseInt(escape.slice(1), 16)
        : Number.parseInt(escape, 8);
      if (escape.length < 3 || !(code <= 0x10ffff)) good = false;
      return good ? String.fromCodePoint(code) : "";
    },
  );
  return good ? text : null;
}

const patterns: readonly (readonly [RegExp, Token["kind"] | "string"])[] = [
  [/"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'/y, "string"],
  [/[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+)(?![\w.])/y, "literal"],
  [/[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y, "literal"],
  [/\.[\p{L}_][\p{L}\p{Nd}_]*/uy, "field"],
  [/\.(?![\p{L}\p{Nd}_])/uy, "field"],
  [/\$[\p{L}\p{Nd}_]*/uy, "variable"],
  [/[\p{L}_][\p{L}\p{Nd}_]*/uy, "word"],
  [/:=|[|(),=]/y, "mark"],
];

/** The tokens of one action, from `at` on; what follows `}}` begins at the last one's end. */
function lexAction(template: string, start: number, opened: number, tokens: Token[]): number {
  let at = start;
  for (;;) {
    const space = /\s*/y;
    space.lastIndex = at;
    const blank = space.exec(template)?.[0] ?? "";
    at += blank.length;
    const apart = blank !== "";
    if (apart && template.startsWith("-}}", at)) {
      tokens.push({ kind: "close", text: "-}}", at, apart });
      return at + 3;
    }
    if (template.startsWith("}}", at)) {
      tokens.push({ kind: "close", text: "}}", at, apart });
      return at + 2;
    }
    if (at >= template.length) failAt(template, opened, "unclosed action");
    let found: Token | null = null;
    for (const [pattern, kind] of patterns) {
      pattern.lastIndex = at;
      const text = pattern.exec(template)?.[0];
      if (text === undefined) continue;
      if (kind === "string") {
        const value = unquote(text);
        if (value === null) failAt(template, at, `invalid syntax: ${text}`);
        const isCharacter = text.startsWith("'");
        if (isCharacter && [...value].length !== 1) {
          failAt(template, at, `malformed character constant: ${text}`);
        }
        const meant = isCharacter ? (value.codePointAt(0) ?? 0) : value;
        found = { kind: "literal", text, at, apart, value: meant };
      } else if (kind === "literal") {
        const sign = text.startsWith("-") ? -1 : 1;
        const value = sign * Number(text.replace(/^[+-]/, "").replaceAll("_", ""));
        found = { kind, text, at, apart, value };
      } else {
        found = { kind, text, at, apart };
      }
      break;
    }
    if (found === null) {
      const rest = template.slice(at);
      if (/^["`]/.test(rest)) {
        failAt(
          template,
          at,
          rest[0] === '"' ? "unterminated quoted string" : "unterminated raw quoted string",
        );
      }
      if (rest.startsWith("'")) failAt(template, at, "unterminated character constant");
      if (/^[+-]?[.\d]/.test(rest)) {
        failAt(
          template,
          at,
          `bad number syntax: ${JSON.stringify(/^[+-]?[\w.]+/.exec(rest)?.[0])}`,
        );
      }
      const odd = String.fromCodePoint(template.codePointAt(at) ?? 0);
      const code = (template.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      failAt(template, at, `unrecognized character in action: U+${code} '${odd}'`);
    }
    tokens.push(found);
    at += found.text.length;
  }
}

/** @throws TemplateError where an action is not closed or holds what is no token. */
export function lex(template: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  const putText = (from: number, to: number, trimEnd: boolean): void => {
    let text = template.slice(from, to);
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimEnd) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") tokens.push({ kind: "text", text, at: from, apart: false });
  };
  for (;;) {
    const open = template.indexOf("{{", at);
    if (open < 0) {
      putText(at, template.length, false);
      return tokens;
    }
    const trims = /^\{\{-\s/.test(template.slice(open, open + 4));
    putText(at, open, trims);
    let inside = open + (trims ? 3 : 2);
    const comment = /^\s*\/\*/.exec(template.slice(inside));
    if (comment !== null) {
      const end = template.indexOf("*/", inside + comment[0].length);
      if (end < 0) failAt(template, inside, "unclosed comment");
      const close = /^(\s-)?\}\}/.exec(template.slice(end + 2));
      if (close === null) failAt(template, inside, "comment ends before closing delimiter");
      at = end + 2 + close[0].length;
      trimNext = close[1] !== undefined;
      continue;
    }
    tokens.push({ kind: "open", text: "{{", at: open, apart: false });
    inside = lexAction(template, inside, open, tokens);
    trimNext = tokens.at(-1)?.text === "-}}";
    at = inside;
  }
}
