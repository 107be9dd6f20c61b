/**
 * Values of unit properties as text, in the annotations `org.systemd.property.NAME`: GVariant's text
 * format, in so far as systemd's properties need it. runc and crun take the same annotations.
 *
 * Source: https://docs.gtk.org/glib/gvariant-text-format.html
 */

import { array, bool, signatureOf, struct, text, type Value } from "./message.ts";

const integers = {
  byte: ["y", 0n, 255n],
  int16: ["n", -(2n ** 15n), 2n ** 15n - 1n],
  uint16: ["q", 0n, 2n ** 16n - 1n],
  int32: ["i", -(2n ** 31n), 2n ** 31n - 1n],
  uint32: ["u", 0n, 2n ** 32n - 1n],
  int64: ["x", -(2n ** 63n), 2n ** 63n - 1n],
  uint64: ["t", 0n, 2n ** 64n - 1n],
} as const;

const letters: Readonly<Record<string, string>> = {
  y: "byte",
  n: "int16",
  q: "uint16",
  i: "int32",
  u: "uint32",
  x: "int64",
  t: "uint64",
  d: "double",
  b: "boolean",
  s: "string",
};

const tokens =
  /\s*(?:([[\](),])|@([a-z()]+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(-?(?:0[xX][0-9a-fA-F]+|\d[\w.+-]*))|([a-z]\w*))/y;

type Token = { readonly kind: "mark" | "type" | "text" | "number" | "word"; readonly text: string };

function tokenize(source: string): Token[] | undefined {
  const found: Token[] = [];
  const rest = source.trimEnd();
  tokens.lastIndex = 0;
  while (tokens.lastIndex < rest.length) {
    const match = tokens.exec(rest);
    if (match === null) return undefined;
    const [, mark, type, quoted, number, word] = match;
    if (mark !== undefined) found.push({ kind: "mark", text: mark });
    else if (type !== undefined) found.push({ kind: "type", text: type });
    else if (quoted !== undefined) found.push({ kind: "text", text: unquote(quoted) });
    else if (number !== undefined) found.push({ kind: "number", text: number });
    else found.push({ kind: "word", text: word ?? "" });
  }
  return found;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

const unquote = (quoted: string): string =>
  quoted
    .slice(1, -1)
    .replaceAll(/\\(.)/gs, (_all, character: string) => escapes[character] ?? character);

/** Reads one value after the other; `undefined` for what is none. */
class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(found: readonly Token[]) {
    this.#tokens = found;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === "mark" && token.text === mark;
    if (isIt) this.#at++;
    return isIt;
  }

  /** @param type its signature where one was given, as `@as` and `uint64` do */
  read(type?: string): Value | undefined {
    const token = this.#tokens[this.#at++];
    if (token === undefined) return undefined;
    switch (token.kind) {
      case "text":
        return type === undefined || type === "s" ? text(token.text) : undefined;
      case "number":
        return readNumber(token.text, letters[type ?? ""] ?? (type === undefined ? null : ""));
      case "type":
        return this.read(token.text);
      case "word":
        return this.#readWord(token.text, type);
      case "mark":
        if (token.text === "[") return this.#readArray(type);
        return token.text === "(" ? this.#readStruct() : undefined;
    }
  }

  #readWord(word: string, type: string | undefined): Value | undefined {
    if (word === "true" || word === "false") {
      return type === undefined || type === "b" ? bool(word === "true") : undefined;
    }
    const letter = Object.entries(letters).find(([, name]) => name === word)?.[0];
    return letter === undefined || type !== undefined ? undefined : this.read(letter);
  }

  #readAll(end: string, read: () => Value | undefined): Value[] | undefined {
    const values: Value[] = [];
    while (!this.#takeMark(end)) {
      if (values.length > 0 && !this.#takeMark(",")) return undefined;
      if (values.length > 0 && this.#takeMark(end)) return values;
      const value = read();
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  }

  #readArray(type: string | undefined): Value | undefined {
    if (type !== undefined && !type.startsWith("a")) return undefined;
    const given = type?.slice(1);
    let of = given;
    const values = this.#readAll("]", () => {
      // A type that the first element names is that of the others too: [uint64 1, 2].
      const value = this.read(of !== undefined && of.length === 1 ? of : undefined);
      of ??= value === undefined ? undefined : signatureOf(value);
      return value;
    });
    if (values === undefined || of === undefined) return undefined;
    return values.every((value) => signatureOf(value) === of) ? array(of, values) : undefined;
  }

  #readStruct(): Value | undefined {
    const values = this.#readAll(")", () => this.read());
    return values === undefined || values.length === 0 ? undefined : struct(...values);
  }
}

/** @param type its name; null: it decides by itself */
function readNumber(word: string, type: string | null): Value | undefined {
  if (type === "double" || (type === null && /^-?\d*\.\d|^-?\d+[eE]/.test(word))) {
    const value = Number(word);
    return Number.isFinite(value) ? { type: "d", value } : undefined;
  }
  const kind = integers[(type ?? "int32") as keyof typeof integers];
  if (kind === undefined || !/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(word)) return undefined;
  const isNegative = word.startsWith("-");
  const size = BigInt(isNegative ? word.slice(1) : word);
  const value = isNegative ? -size : size;
  const [letter, least, most] = kind;
  if (value < least || value > most) return undefined;
  return letter === "x" || letter === "t"
    ? { type: letter, value }
    : { type: letter, value: Number(value) };
}

/** The value of a property, or undefined when the text is none. */
export function parsePropertyText(source: string): Value | undefined {
  const found = tokenize(source);
  if (found === undefined) return undefined;
  const reader = new Reader(found);
  const value = reader.read();
  return reader.isAtEnd ? value : undefined;
}
