/** Carries a parsed Go template out on a value. */

import { TemplateError } from "./error.ts";
import {
  isTrue,
  shortCircuits,
  type TemplateFunction,
  takes,
  templateFunctions,
} from "./functions.ts";
import { type Call, type Operand, type Pipe, parseTemplate, type TemplateNode } from "./parse.ts";
import { isRecord, printValue, sortedEntries, typeName } from "./print.ts";

type Where = { readonly place: string; readonly text: string };

type Flow = "on" | "break" | "continue";

const known = new Set([...Object.keys(templateFunctions), ...shortCircuits]);

const missing = Symbol("no value is piped in");

class Execution {
  #text = "";
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #variables: { name: string; value: unknown }[];

  constructor(data: unknown, functions: Readonly<Record<string, TemplateFunction>>) {
    this.#functions = functions;
    this.#variables = [{ name: "$", value: data }];
  }

  run(nodes: readonly TemplateNode[], data: unknown): string {
    this.#walk(nodes, data);
    return this.#text;
  }

  #fail({ place, text }: Where, problem: string): never {
    throw new TemplateError(`template: :${place}: executing "" at <${text}>: ${problem}`);
  }

  #walk(nodes: readonly TemplateNode[], dot: unknown): Flow {
    for (const node of nodes) {
      switch (node.kind) {
        case "text":
          this.#text += node.text;
          break;
        case "action": {
          const value = this.#pipe(node.pipe, dot);
          if (node.pipe.declares.length > 0) break;
          this.#text += value === null || value === undefined ? "<no value>" : printValue(value);
          break;
        }
        case "break":
        case "continue":
          return node.kind;
        default: {
          const flow = this.#control(node, dot);
          if (flow !== "on") return flow;
        }
      }
    }
    return "on";
  }

  /** What is declared inside ends with it. */
  #scope<T>(inside: () => T): T {
    const mark = this.#variables.length;
    const result = inside();
    this.#variables.length = mark;
    return result;
  }

  #control(node: Extract<TemplateNode, { kind: "if" | "with" | "range" }>, dot: unknown): Flow {
    return this.#scope(() => {
      if (node.kind === "range") return this.#range(node, dot);
      const value = this.#pipe(node.pipe, dot);
      if (isTrue(value)) return this.#walk(node.body, node.kind === "with" ? value : dot);
      return this.#walk(node.otherwise, dot);
    });
  }

  #range(node: Extract<TemplateNode, { kind: "if" | "with" | "range" }>, dot: unknown): Flow {
    const { declares, assigns, calls } = node.pipe;
    const value = this.#pipe({ declares: [], assigns: false, calls }, dot);
    let entries: readonly (readonly [unknown, unknown])[];
    if (Array.isArray(value)) entries = value.map((each, i) => [i, each] as const);
    else if (typeof value === "number" && Number.isInteger(value)) {
      entries = Array.from({ length: Math.max(0, value) }, (_, i) => [i, i] as const);
    } else if (value === null || value === undefined) entries = [];
    else if (typeof value === "object") entries = sortedEntries(value);
    else {
      const [first] = calls;
      return this.#fail(
        first ?? { place: "1:0", text: "" },
        `range can't iterate over ${printValue(value)}`,
      );
    }
    if (entries.length === 0) return this.#walk(node.otherwise, dot);
    for (const [key, each] of entries) {
      const flow = this.#scope(() => {
        const values = declares.length > 1 ? [key, each] : [each];
        for (const [i, name] of declares.entries()) this.#set(name, values[i], assigns);
        return this.#walk(node.body, each);
      });
      if (flow === "break") break;
    }
    return "on";
  }

  #set(name: string, value: unknown, assigns: boolean): void {
    const there = this.#variables.findLast((each) => each.name === name);
    if (assigns && there !== undefined) there.value = value;
    else this.#variables.push({ name, value });
  }

  #pipe({ declares, assigns, calls }: Pipe, dot: unknown): unknown {
    let value: unknown = missing;
    for (const call of calls) value = this.#call(call, dot, value);
    for (const name of declares) this.#set(name, value, assigns);
    return value;
  }

  #call(call: Call, dot: unknown, piped: unknown): unknown {
    const [first, ...rest] = call.operands;
    if (first.kind === "function") return this.#function(first.name, call, rest, dot, piped);
    const hasArguments = rest.length > 0 || piped !== missing;
    if (first.kind === "field" || first.kind === "variable" || first.kind === "pipe") {
      const values = () => this.#values(rest, dot, piped);
      return this.#operand(first, dot, hasArguments ? values : null);
    }
    if (first.kind === "literal" && first.value === null) {
      this.#fail(first, "nil is not a command");
    }
    if (hasArguments) this.#fail(first, `can't give argument to non-function ${first.text}`);
    return this.#operand(first, dot, null);
  }

  #values(operands: readonly Operand[], dot: unknown, piped: unknown): unknown[] {
    const values = operands.map((each) => this.#operand(each, dot, null));
    return piped === missing ? values : [...values, piped];
  }

  #function(
    name: string,
    call: Where,
    operands: readonly Operand[],
    dot: unknown,
    piped: unknown,
  ): unknown {
    const count = operands.length + (piped === missing ? 0 : 1);
    if (shortCircuits.has(name)) {
      if (count === 0) this.#fail(call, `wrong number of args for ${name}: want at least 1 got 0`);
      let value: unknown = null;
      for (const each of operands) {
        value = this.#operand(each, dot, null);
        if (isTrue(value) === (name === "or")) return value;
      }
      return piped === missing ? value : piped;
    }
    const [least, most] = takes[name] ?? [0, Number.POSITIVE_INFINITY];
    if (count < least || count > most) {
      const want = most === least ? least : `at least ${least}`;
      this.#fail(call, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const values = this.#values(operands, dot, piped);
    try {
      return this.#functions[name]?.(...values);
    } catch (error) {
      return this.#fail(call, `error calling ${name}: ${(error as Error).message}`);
    }
  }

  /** @param values the arguments for a method, when there are any */
  #operand(operand: Operand, dot: unknown, values: (() => unknown[]) | null): unknown {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "dot":
        return dot;
      case "function":
        return this.#function(operand.name, operand, [], dot, missing);
      case "field":
        return this.#fields(operand, dot, operand.names, values);
      case "variable": {
        const value = this.#variables.findLast(({ name }) => name === operand.name)?.value;
        return this.#fields(operand, value, operand.names, values);
      }
      case "pipe":
        return this.#fields(operand, this.#pipe(operand.pipe, dot), operand.names, values);
    }
  }

  #fields(
    where: Where,
    start: unknown,
    names: readonly string[],
    values: (() => unknown[]) | null,
  ): unknown {
    let value = start;
    for (const [i, name] of names.entries()) {
      value = this.#field(where, value, name, i === names.length - 1 ? values : null);
    }
    if (names.length === 0 && values !== null) {
      this.#fail(where, `can't give argument to non-function ${where.text}`);
    }
    return value;
  }

  #field(where: Where, of: unknown, name: string, values: (() => unknown[]) | null): unknown {
    if (of === null || of === undefined) {
      return this.#fail(where, `nil pointer evaluating interface {}.${name}`);
    }
    if (of instanceof Map) {
      if (values !== null) this.#fail(where, `${name} is not a method but has arguments`);
      return of.get(name) ?? null;
    }
    if (!isRecord(of)) {
      return this.#fail(where, `can't evaluate field ${name} in type ${typeName(of)}`);
    }
    if (!Object.hasOwn(of, name)) {
      this.#fail(where, `map has no entry for key ${JSON.stringify(name)}`);
    }
    const value = of[name];
    if (typeof value === "function") {
      return (value as TemplateFunction)(...(values === null ? [] : values()));
    }
    if (values !== null) this.#fail(where, `${name} is not a method but has arguments`);
    return value;
  }
}

/** A template that is ready to be carried out on any number of values. */
export type Template = (
  data: unknown,
  functions?: Readonly<Record<string, TemplateFunction>>,
) => string;

/**
 * Reads a template as docker does: Go's text/template with docker's functions. On execution an
 * object's missing field is an error; that of a Map has no value. A function in the data is a
 * method: `{{.Label "x"}}`.
 *
 * @throws TemplateError, on execution too
 */
export function compileTemplate(template: string): Template {
  const nodes = parseTemplate(template, known);
  return (data, functions = templateFunctions) => new Execution(data, functions).run(nodes, data);
}
