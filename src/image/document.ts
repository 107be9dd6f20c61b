/**
 * Reads the fields of an image's JSON documents, which come from strangers.
 *
 * Each reader returns a value of the type it names or throws one clear line that
 * names the document and the field. `null` counts as absent, as Go's encoders
 * write it for empty lists.
 */
import { ImageError, quote } from "./error.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Where a value is: "manifest sha256:…" and "config.Env" for messages. */
export interface Place {
  readonly document: string;
  readonly field: string;
}

export function wrongField(place: Place, why: string): ImageError {
  const where = place.field === "" ? "it" : place.field;
  return new ImageError("invalid-image", `${place.document}: ${where} ${why}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? `the string ${quote(value)}` : `the ${typeof value} ${value}`;
}

function inside(place: Place, key: string): Place {
  return { document: place.document, field: place.field === "" ? key : `${place.field}.${key}` };
}

/** Parses a document's bytes, which must be an object in UTF-8. */
export function parseObject(bytes: Uint8Array, document: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ImageError("invalid-image", `${document}: it is not JSON in UTF-8`, { cause });
  }
  return asObject(value, { document, field: "" });
}

export function asObject(value: unknown, place: Place): JsonObject {
  if (isObject(value)) return value;
  throw wrongField(place, `must be an object and is ${nameOf(value)}`);
}

function field(object: JsonObject, key: string): unknown {
  // Not `object[key]` alone: a document has no say in what Object.prototype holds.
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  return value === null ? undefined : value;
}

export function readObject(object: JsonObject, key: string, place: Place): JsonObject | undefined {
  const value = field(object, key);
  return value === undefined ? undefined : asObject(value, inside(place, key));
}

export function readArray(
  object: JsonObject,
  key: string,
  place: Place,
): readonly unknown[] | undefined {
  const value = field(object, key);
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value;
  throw wrongField(inside(place, key), `must be a list and is ${nameOf(value)}`);
}

function asString(value: unknown, place: Place): string {
  if (typeof value !== "string") {
    throw wrongField(place, `must be a string and is ${nameOf(value)}`);
  }
  // None of these texts can hold NUL where it is used: in a path, an argument, a variable.
  if (value.includes("\0")) throw wrongField(place, "holds a NUL character");
  return value;
}

export function readString(object: JsonObject, key: string, place: Place): string | undefined {
  const value = field(object, key);
  return value === undefined ? undefined : asString(value, inside(place, key));
}

export function requireString(object: JsonObject, key: string, place: Place): string {
  const value = readString(object, key, place);
  if (value === undefined) throw wrongField(inside(place, key), "is missing");
  return value;
}

export function readStrings(
  object: JsonObject,
  key: string,
  place: Place,
): readonly string[] | undefined {
  return readArray(object, key, place)?.map((item, i) =>
    asString(item, inside(place, `${key}[${i}]`)),
  );
}

/** A whole number from 0 to 2^53 − 1. */
export function readCount(object: JsonObject, key: string, place: Place): number | undefined {
  const value = field(object, key);
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrongField(inside(place, key), `must be a whole number and is ${nameOf(value)}`);
}

export function readBoolean(object: JsonObject, key: string, place: Place): boolean | undefined {
  const value = field(object, key);
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongField(inside(place, key), `must be true or false and is ${nameOf(value)}`);
}

/** An object whose values are strings: labels, annotations. */
export function readStringMap(
  object: JsonObject,
  key: string,
  place: Place,
): Readonly<Record<string, string>> | undefined {
  const map = readObject(object, key, place);
  if (map === undefined) return undefined;
  for (const name of Object.keys(map)) {
    const value = map[name];
    // The place is put into words only when it is needed: this is on the way to every container.
    if (typeof value !== "string" || value.includes("\0")) {
      asString(value, inside(place, `${key}[${quote(name)}]`));
    }
  }
  return map as Readonly<Record<string, string>>;
}

/** The keys of an object that Go uses as a set: `{"/data": {}}`. */
export function readSet(
  object: JsonObject,
  key: string,
  place: Place,
): readonly string[] | undefined {
  const set = readObject(object, key, place);
  return set && Object.keys(set).map((k) => asString(k, inside(place, key)));
}
