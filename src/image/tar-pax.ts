/**
 * PAX extended headers: `LENGTH KEY=VALUE\n` records that overrule fields of the
 * header after them.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 */
import { quote } from "./error.ts";
import { malformed, showBytes } from "./tar-header.ts";
import type { SparseSegment } from "./tar-sparse.ts";

/** What records say that this program heeds. Strings have one character per byte. */
export interface PaxFields {
  path?: string;
  link?: string;
  size?: number;
  uid?: number;
  gid?: number;
  mtimeSeconds?: number;
  mtimeNanoseconds?: number;
  readonly xattrs: Map<string, string>;
  /** The keys of GNU's sparse formats, without `GNU.sparse.`. */
  readonly sparse: Map<string, string>;
  /** The map of GNU's sparse format 0.0, whose keys repeat. */
  readonly sparseSegments: SparseSegment[];
}

function decimal(value: string, key: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw malformed(`the PAX record ${key} is ${showBytes(value)}, not a number below 2^53`);
}

function setTime(fields: PaxFields, value: string): void {
  const parts = /^(-?)(\d{1,16})(?:\.(\d*))?$/.exec(value);
  const whole = Number(parts?.[2] ?? Number.NaN);
  if (parts === null || !Number.isSafeInteger(whole)) {
    throw malformed(`the PAX record mtime is ${showBytes(value)}, not a time`);
  }
  const nanoseconds = Number((parts[3] ?? "").slice(0, 9).padEnd(9, "0"));
  const isNegative = parts[1] === "-";
  // -1.25 is 1.25 s before 1970: the second before, and 750 ms of it.
  const borrow = isNegative && nanoseconds > 0 ? 1 : 0;
  fields.mtimeSeconds = isNegative ? 0 - whole - borrow : whole;
  fields.mtimeNanoseconds = borrow ? 1_000_000_000 - nanoseconds : nanoseconds;
}

function setName(value: string, key: string): string {
  if (value.includes("\0")) throw malformed(`the PAX record ${key} holds a NUL byte`);
  return value;
}

function setSparse(fields: PaxFields, key: string, value: string): void {
  const segments = fields.sparseSegments;
  const last = segments.at(-1);
  if (key === "offset") {
    segments.push({ offset: decimal(value, `GNU.sparse.${key}`), length: -1 });
  } else if (key === "numbytes") {
    if (last === undefined || last.length !== -1) {
      throw malformed("a PAX record GNU.sparse.numbytes follows no GNU.sparse.offset");
    }
    segments[segments.length - 1] = {
      offset: last.offset,
      length: decimal(value, `GNU.sparse.${key}`),
    };
  } else {
    fields.sparse.set(key, value);
  }
}

function setField(fields: PaxFields, key: string, value: string): void {
  if (key === "path") fields.path = setName(value, key);
  else if (key === "linkpath") fields.link = setName(value, key);
  else if (key === "size") fields.size = decimal(value, key);
  else if (key === "uid") fields.uid = decimal(value, key);
  else if (key === "gid") fields.gid = decimal(value, key);
  else if (key === "mtime") setTime(fields, value);
  else if (key.startsWith("SCHILY.xattr.")) {
    fields.xattrs.set(key.slice("SCHILY.xattr.".length), value);
  } else if (key.startsWith("GNU.sparse.")) {
    setSparse(fields, key.slice("GNU.sparse.".length), value);
  }
}

export function emptyPaxFields(): PaxFields {
  return { xattrs: new Map(), sparse: new Map(), sparseSegments: [] };
}

/**
 * Adds the records of an extended header to the fields. An empty value takes
 * the record before it back, except an attribute's, which may be empty.
 */
export function parsePax(bytes: Buffer, fields: PaxFields): void {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 ? "" : bytes.toString("latin1", at, space);
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw malformed("a PAX record has a wrong length");
    }
    const equals = bytes.indexOf(0x3d, space);
    if (equals <= space + 1 || equals >= end) throw malformed("a PAX record has no key");
    const key = bytes.toString("latin1", space + 1, equals);
    if (key.includes("\0")) throw malformed(`the PAX key ${quote(key)} holds a NUL byte`);
    const value = bytes.toString("latin1", equals + 1, end - 1);
    if (value !== "" || key.startsWith("SCHILY.xattr.")) setField(fields, key, value);
    else forget(fields, key);
    at = end;
  }
}

function forget(fields: PaxFields, key: string): void {
  if (key === "path") delete fields.path;
  else if (key === "linkpath") delete fields.link;
  else if (key === "size") delete fields.size;
  else if (key === "uid") delete fields.uid;
  else if (key === "gid") delete fields.gid;
  else if (key === "mtime") {
    delete fields.mtimeSeconds;
    delete fields.mtimeNanoseconds;
  }
}
