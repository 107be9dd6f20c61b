// The exact JSON reader: keeps every digit, sees fields given twice, and knows line and column.

import {
  formatPath,
  JsonNumber,
  MAX_PROBLEMS,
  type Position,
  type Problem,
  quote,
} from "./problem.ts";

/** A JSON value; see `readJson` for what becomes of numbers. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | JsonNumber
  | string
  | readonly JsonValue[]
  | JsonObject;

/** A JSON object: its own properties are the fields. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** A field that was given before in the same object. */
export interface Duplicate {
  readonly path: string;
  readonly position: Position;
}

/** Deeper nesting is an error: a configuration needs 7 levels, and the reader's stack has an end. */
export const MAX_DEPTH = 500;

/** Reads a JSON text (RFC 8259); the result is that of `readJson`. */
export function readExactly(
  text: string,
):
  | { ok: true; value: JsonValue; duplicates: readonly Duplicate[] }
  | { ok: false; problem: Problem } {
  const reader = new Reader(text);
  try {
    const value = reader.document();
    return { ok: true, value, duplicates: placed(text, reader.duplicates) };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** Carries a Problem out of the recursion; never leaves this file. */
class SyntaxProblem {
  readonly problem: Problem;

  constructor(problem: Problem) {
    this.problem = problem;
  }
}

// The characters of the grammar, as UTF-16 code units.
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

class Reader {
  /** In the order of the text. */
  readonly duplicates: { readonly path: string; readonly at: number }[] = [];
  readonly #text: string;
  #at = 0;
  readonly #path: (string | number)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value();
    if (!Number.isNaN(this.#skipSpace())) this.#fail("the end of the text");
    return value;
  }

  /** Goes on to the next token and gives its first character; NaN at the end of the text. */
  #skipSpace(): number {
    for (;;) {
      const character = this.#text.charCodeAt(this.#at);
      if (
        character !== SPACE &&
        character !== NEWLINE &&
        character !== TAB &&
        character !== RETURN
      ) {
        return character;
      }
      this.#at++;
    }
  }

  #value(): JsonValue {
    switch (this.#skipSpace()) {
      case QUOTE:
        return this.#string();
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      default:
        return this.#word();
    }
  }

  #word(): JsonValue {
    const token = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    if (found === undefined) this.#fail("a JSON value");
    this.#at += found.length;
    if (found === "true") return true;
    if (found === "false") return false;
    return found === "null" ? null : readNumber(found);
  }

  #array(): readonly JsonValue[] {
    this.#enter();
    const elements: JsonValue[] = [];
    if (this.#skipSpace() !== CLOSE_BRACKET) {
      for (; ; this.#at++) {
        this.#path[this.#path.length - 1] = elements.length;
        elements.push(this.#value());
        if (this.#skipSpace() !== COMMA) break;
      }
    }
    this.#leave(CLOSE_BRACKET, '"," or "]"');
    return elements;
  }

  #object(): JsonObject {
    this.#enter();
    // Without a prototype, so that `__proto__` is set as a field and not as the prototype.
    const members: Record<string, JsonValue> = Object.create(null);
    if (this.#skipSpace() !== CLOSE_BRACE) {
      for (; ; this.#at++) {
        if (this.#skipSpace() !== QUOTE) this.#fail("a field name in double quotes");
        const start = this.#at;
        const name = this.#string();
        this.#path[this.#path.length - 1] = name;
        if (name in members && this.duplicates.length < MAX_PROBLEMS) {
          this.duplicates.push({ path: formatPath(this.#path), at: start });
        }
        if (this.#skipSpace() !== COLON) this.#fail('":" after the field name');
        this.#at++;
        members[name] = this.#value();
        if (this.#skipSpace() !== COMMA) break;
      }
    }
    this.#leave(CLOSE_BRACE, '"," or "}"');
    return members;
  }

  #enter(): void {
    if (this.#path.length === MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels of nesting`);
    this.#path.push("");
    this.#at++;
  }

  #leave(close: number, expected: string): void {
    if (this.#skipSpace() !== close) this.#fail(expected);
    this.#path.pop();
    this.#at++;
  }

  #string(): string {
    const start = this.#at;
    // Most strings have no escape: then the text up to the next quote is the string.
    const end = this.#text.indexOf('"', start + 1);
    const plain = this.#text.slice(start + 1, Math.max(end, start + 1));
    // oxlint-disable-next-line no-control-regex -- the control characters are what JSON forbids
    if (end !== -1 && !/[\\\u0000-\u001f]/.test(plain)) {
      this.#at = end + 1;
      return plain;
    }
    return this.#stringWithEscapes(start);
  }

  #stringWithEscapes(start: number): string {
    for (this.#at = start + 1; ; this.#at++) {
      const character = this.#text.charCodeAt(this.#at);
      if (character === QUOTE) break;
      if (Number.isNaN(character)) this.#fail("a closing double quote");
      if (character < 0x20) this.#fail("an escape in place of the control character");
      if (character !== BACKSLASH) continue;
      const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
      escape.lastIndex = this.#at;
      const found = escape.exec(this.#text)?.[0];
      if (found === undefined) this.#fail('an escape such as "\\n" or "\\u00e9"');
      this.#at += found.length - 1;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  #fail(expected: string): never {
    const character = this.#text.codePointAt(this.#at);
    const { line, column } = advance(START, this.#text, this.#at);
    throw new SyntaxProblem({
      path: "",
      expected,
      received:
        character === undefined
          ? "the end of the text"
          : `the character ${quote(String.fromCodePoint(character))}`,
      position: { line, column },
    });
  }
}

function readNumber(token: string): number | bigint | JsonNumber {
  // 20 digits and a sign hold every 64-bit integer; to convert more is slow, and nothing takes them.
  if (!/^-?\d{1,20}$/.test(token)) return new JsonNumber(token);
  const number = Number(token);
  return Number.isSafeInteger(number) ? number : BigInt(token);
}

/** The duplicates with their positions, found in one pass: to count lines anew for each is quadratic. */
function placed(
  text: string,
  duplicates: readonly { readonly path: string; readonly at: number }[],
): readonly Duplicate[] {
  let place = START;
  return duplicates.map(({ path, at }) => {
    place = advance(place, text, at);
    return { path, position: { line: place.line, column: place.column } };
  });
}

/** A position together with its offset in the text. */
interface Place extends Position {
  readonly at: number;
}

const START: Place = { line: 1, column: 1, at: 0 };

function advance(from: Place, text: string, to: number): Place {
  let { line, column } = from;
  for (const character of text.slice(from.at, to)) {
    column++;
    if (character === "\n") {
      line++;
      column = 1;
    }
  }
  return { line, column, at: to };
}
