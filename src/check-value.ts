/** Whether a value is of a kind, and in words what else it is: for callers whose types are not checked. */

import { suggest } from "./cli/suggest.ts";

/** What a value has to be; what of it makes sense is found out where it is used. */
export type Kind =
  | "text"
  | "texts"
  /** Of some null takes a value away. */
  | "textsByName"
  | "flag"
  | "number"
  | "count"
  | "list"
  | "object"
  | "function"
  /** Looked at elsewhere. */
  | "any"
  | Words
  | Fields;

/** One of these words; or else an object, of which an example is given. */
type Words = { readonly words: readonly string[]; readonly or?: string };

/** An object with nothing but these, or a list of such objects, which may differ by their `type`. */
type Fields = { readonly fields: Kinds } | { readonly each: Readonly<Record<string, Kinds>> };

export type Kinds = Readonly<Record<string, Kind>>;

export const isText = (value: unknown): value is string => typeof value === "string";

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const simple: Readonly<
  Record<Extract<Kind, string>, readonly [words: string, is: (value: unknown) => boolean]>
> = {
  text: ["a string", isText],
  texts: ["an array of strings", (value) => Array.isArray(value) && value.every(isText)],
  textsByName: [
    "an object of strings",
    (value) =>
      isObject(value) && Object.values(value).every((each) => each === null || isText(each)),
  ],
  flag: ["true or false", (value) => typeof value === "boolean"],
  number: ["a number", (value) => typeof value === "number"],
  count: [
    "a number or a bigint",
    (value) => typeof value === "number" || typeof value === "bigint",
  ],
  list: ["an array of objects", (value) => Array.isArray(value) && value.every(isObject)],
  object: ["an object", isObject],
  function: ["a function", (value) => typeof value === "function"],
  any: ["anything", () => true],
};

/** A value in words, and never all of one: a stdin may be megabytes, a variable a secret. */
export function received(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value === null || typeof value === "number" || typeof value === "boolean") return `${value}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Of an array or an object: the part that is to blame. */
function blame(value: unknown): string {
  if (typeof value !== "object" || value === null) return received(value);
  const odd = Object.entries(value).find(([, each]) => !isText(each) && each !== null);
  return odd === undefined
    ? received(value)
    : `${received(value)} with ${received(odd[1])} at ${odd[0]}`;
}

function mismatches(name: string, kind: Kind, value: unknown): string[] {
  if (typeof kind === "string") {
    const [words, is] = simple[kind];
    return is(value) ? [] : [`${name}: it is ${words}, and not ${blame(value)}`];
  }
  if ("words" in kind) {
    const isFine =
      (isText(value) && kind.words.includes(value)) || (kind.or !== undefined && isObject(value));
    const all = [
      ...kind.words.map((word) => `"${word}"`),
      ...(kind.or === undefined ? [] : [kind.or]),
    ];
    return isFine ? [] : [`${name}: it is ${all.join(", ")}, and not ${received(value)}`];
  }
  if ("fields" in kind) return fieldProblems(value, kind.fields, name);
  if (!Array.isArray(value))
    return [`${name}: it is an array of objects, and not ${received(value)}`];
  return value.flatMap((each: unknown, i) => {
    const type = isObject(each) && isText(each["type"]) ? each["type"] : "";
    // Where there is no such type, that is said by who reads it.
    const fields = Object.hasOwn(kind.each, type) ? kind.each[type] : undefined;
    if (fields !== undefined) return fieldProblems(each, fields, `${name}[${i}]`);
    return isObject(each) ? [] : [`${name}[${i}]: it is an object, and not ${received(each)}`];
  });
}

/**
 * All that is wrong with an object's fields, a line each: names that there are not, values of another
 * kind. Undefined is as if it were not there.
 *
 * @param within where the object stands, or ""
 */
export function fieldProblems(value: unknown, kinds: Kinds, within = ""): string[] {
  if (!isObject(value)) return [`${within}: it is an object, and not ${received(value)}`];
  return Object.entries(value).flatMap(([field, each]) => {
    const name = within === "" ? field : `${within}.${field}`;
    const kind = Object.hasOwn(kinds, field) ? kinds[field] : undefined;
    if (kind !== undefined) return each === undefined ? [] : mismatches(name, kind, each);
    const meant = suggest(field, Object.keys(kinds));
    return [`${name}: there is no such option${meant === null ? "" : `; is it ${meant}?`}`];
  });
}
