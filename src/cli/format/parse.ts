/** Reads a Go template (text/template) into a tree. */

import { failAt, lex, place, type Token } from "./lexer.ts";

/** What an operand is, with where it stands for errors: `LINE:COLUMN` and its own text. */
export type Operand = { readonly place: string; readonly text: string } & (
  | { readonly kind: "dot" }
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "field"; readonly names: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipe"; readonly pipe: Pipe; readonly names: readonly string[] }
);

export type Call = {
  readonly place: string;
  readonly text: string;
  readonly operands: readonly [Operand, ...Operand[]];
};

export type Pipe = {
  readonly declares: readonly string[];
  /** `=` rather than `:=`. */
  readonly assigns: boolean;
  readonly calls: readonly Call[];
};

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipe: Pipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | { readonly kind: "break" | "continue" };

const keywords = new Set(["if", "else", "end", "range", "with", "break", "continue"]);
const unsupported = new Set(["define", "template", "block"]);

type Ending = "end of template" | "end" | "else";

class Parser {
  readonly #tokens: readonly Token[];
  readonly #template: string;
  readonly #functions: ReadonlySet<string>;
  #at = 0;
  #loops = 0;
  #variables: string[] = ["$"];

  constructor(template: string, functions: ReadonlySet<string>) {
    this.#template = template;
    this.#tokens = lex(template);
    this.#functions = functions;
  }

  whole(): readonly TemplateNode[] {
    const { body, ending } = this.#list("template");
    if (ending === "end of template") return body;
    return this.#fail(`unexpected {{${ending}}}`);
  }

  #fail(problem: string): never {
    const last = this.#tokens.at(-1);
    return failAt(this.#template, this.#peek()?.at ?? last?.at ?? 0, problem);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #isMark(text: string): boolean {
    const token = this.#peek();
    return token?.kind === "mark" && token.text === text;
  }

  #close(context: string): void {
    const token = this.#peek();
    if (token?.kind !== "close") this.#fail(`unexpected ${show(token)} in ${context}`);
    this.#at++;
  }

  /** Up to the `{{end}}` or `{{else` of it, which are read; after `else` its rest stands next. */
  #list(context: string): { body: TemplateNode[]; ending: Ending } {
    const body: TemplateNode[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined) {
        if (context !== "template") this.#fail("unexpected EOF");
        return { body, ending: "end of template" };
      }
      this.#at++;
      if (token.kind === "text") {
        body.push({ kind: "text", text: token.text });
        continue;
      }
      const first = this.#peek();
      if (first?.kind !== "word" || !(keywords.has(first.text) || unsupported.has(first.text))) {
        const pipe = this.#pipe("command", "close");
        this.#close("command");
        body.push({ kind: "action", pipe });
        continue;
      }
      this.#at++;
      if (unsupported.has(first.text)) this.#fail(`{{${first.text}}} is not supported`);
      if (first.text === "end") {
        this.#close("end");
        return { body, ending: "end" };
      }
      if (first.text === "else") return { body, ending: "else" };
      body.push(this.#control(first.text as "if" | "with" | "range" | "break" | "continue"));
    }
  }

  #control(kind: "if" | "with" | "range" | "break" | "continue"): TemplateNode {
    if (kind === "break" || kind === "continue") {
      if (this.#loops === 0) this.#fail(`{{${kind}}} outside {{range}}`);
      this.#close(kind);
      return { kind };
    }
    const known = this.#variables.length;
    const pipe = this.#pipe(kind, "close");
    this.#close(kind);
    if (kind === "range") this.#loops++;
    const { body, ending } = this.#list(kind);
    if (kind === "range") this.#loops--;
    let otherwise: readonly TemplateNode[] = [];
    if (ending === "else") otherwise = this.#otherwise(kind);
    this.#variables.length = known;
    return { kind, pipe, body, otherwise };
  }

  #otherwise(kind: "if" | "with" | "range"): readonly TemplateNode[] {
    const next = this.#peek();
    if (kind !== "range" && next?.kind === "word" && next.text === kind) {
      this.#at++;
      return [this.#control(kind)];
    }
    this.#close("else");
    const { body, ending } = this.#list(kind);
    if (ending === "else") this.#fail("expected end; found {{else}}");
    return body;
  }

  #declarations(context: string): { declares: string[]; assigns: boolean } {
    const from = this.#at;
    const declares: string[] = [];
    while (this.#peek()?.kind === "variable") {
      declares.push(this.#peek()?.text ?? "");
      this.#at++;
      if (this.#isMark(":=") || this.#isMark("=")) {
        const assigns = this.#isMark("=");
        this.#at++;
        if (declares.length > 1 && context !== "range") {
          this.#fail(`too many declarations in ${context}`);
        }
        return { declares, assigns };
      }
      if (!this.#isMark(",") || context !== "range" || declares.length > 1) break;
      this.#at++;
    }
    this.#at = from;
    return { declares: [], assigns: false };
  }

  #pipe(context: string, end: "close" | ")"): Pipe {
    const { declares, assigns } = this.#declarations(context);
    const calls: Call[] = [];
    for (;;) {
      const token = this.#peek();
      const ended = end === "close" ? token?.kind === "close" : this.#isMark(")");
      if (ended) break;
      if (end === ")" && token?.kind === "close") this.#fail("unclosed left paren");
      calls.push(this.#call(end));
      if (!this.#isMark("|")) continue;
      this.#at++;
      const after = this.#peek();
      if (after?.kind === "close" || this.#isMark(")")) this.#fail(`missing value for ${context}`);
    }
    if (calls.length === 0) this.#fail(`missing value for ${context}`);
    for (const [i, call] of calls.entries()) {
      const kind = call.operands[0].kind;
      if (i > 0 && (kind === "literal" || kind === "dot")) {
        this.#fail(`non executable command in pipeline stage ${i + 1}`);
      }
    }
    if (assigns) for (const name of declares) this.#known(name);
    else this.#variables.push(...declares);
    return { declares, assigns, calls };
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) this.#fail(`undefined variable ${JSON.stringify(name)}`);
  }

  #call(end: "close" | ")"): Call {
    const from = this.#peek()?.at ?? 0;
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined || token.kind === "close" || this.#isMark("|")) break;
      if (this.#isMark(")")) {
        if (end === "close") this.#fail('unexpected ")" in command');
        break;
      }
      if (operands.length > 0 && !token.apart) {
        this.#fail(`unexpected ${show(token)} in operand`);
      }
      operands.push(this.#operand(token));
    }
    const [first, ...rest] = operands;
    if (first === undefined) return this.#fail("missing value for command");
    const text = operands.map((each) => each.text).join(" ");
    return { place: place(this.#template, from), text, operands: [first, ...rest] };
  }

  /** `.A.B` right behind an operand. */
  #names(): string[] {
    const names: string[] = [];
    for (;;) {
      const token = this.#peek();
      if (token?.kind !== "field" || token.apart || token.text === ".") return names;
      names.push(token.text.slice(1));
      this.#at++;
    }
  }

  #operand(token: Token): Operand {
    this.#at++;
    // text/template gives the place of the second name, when there is one.
    const next = this.#peek();
    const chained = next?.kind === "field" && !next.apart && next.text !== ".";
    const where = place(this.#template, chained ? next.at : token.at);
    const found = (names: readonly string[], text = token.text) => ({
      place: where,
      text: [text, ...names].join("."),
    });
    if (token.kind === "literal") {
      if (chained) this.#fail(`unexpected . after term ${JSON.stringify(token.text)}`);
      return { kind: "literal", value: token.value ?? "", ...found([]) };
    }
    if (token.kind === "field") {
      if (token.text === ".") return { kind: "dot", ...found([]) };
      const names = this.#names();
      return { kind: "field", names: [token.text.slice(1), ...names], ...found(names) };
    }
    if (token.kind === "variable") {
      this.#known(token.text);
      const names = this.#names();
      return { kind: "variable", name: token.text, names, ...found(names) };
    }
    if (token.kind === "word") return this.#word(token, found([]), chained);
    if (token.kind === "mark" && token.text === "(") {
      const pipe = this.#pipe("parenthesized pipeline", ")");
      this.#at++;
      const names = this.#names();
      const text = `(${pipe.calls.map((each) => each.text).join(" | ")})`;
      return { kind: "pipe", pipe, names, ...found(names, text) };
    }
    this.#at--;
    return this.#fail(`unexpected ${show(token)} in operand`);
  }

  #word(token: Token, found: { place: string; text: string }, chained: boolean): Operand {
    const constants = { true: true, false: false, nil: null } as const;
    if (token.text in constants) {
      if (chained) this.#fail(`unexpected . after term ${JSON.stringify(token.text)}`);
      return {
        kind: "literal",
        value: constants[token.text as keyof typeof constants],
        ...found,
      };
    }
    if (keywords.has(token.text)) {
      this.#at--;
      this.#fail(`unexpected <${token.text}> in operand`);
    }
    if (!this.#functions.has(token.text)) {
      this.#at--;
      this.#fail(`function ${JSON.stringify(token.text)} not defined`);
    }
    return { kind: "function", name: token.text, ...found };
  }
}

function show(token: Token | undefined): string {
  if (token === undefined) return "EOF";
  return token.kind === "word" && keywords.has(token.text)
    ? `<${token.text}>`
    : JSON.stringify(token.text);
}

/**
 * @param functions the names that may be called
 * @throws TemplateError as text/template of Go words it
 */
export const parseTemplate = (
  template: string,
  functions: ReadonlySet<string>,
): readonly TemplateNode[] => new Parser(template, functions).whole();
