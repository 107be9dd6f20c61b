/**
 * Messages of D-Bus as bytes: what a method is called with, marshalled as the specification's
 * "Message Protocol" has it, little-endian.
 *
 * Source: https://dbus.freedesktop.org/doc/dbus-specification.html
 */

/**
 * A value with its type. `process` is a `u` that is not known yet: the process id of a container's
 * first process, which is put in when the message is sent.
 */
export type Value =
  | { readonly type: "y" | "q" | "u" | "n" | "i"; readonly value: number }
  | { readonly type: "t" | "x"; readonly value: bigint }
  | { readonly type: "d"; readonly value: number }
  | { readonly type: "b"; readonly value: boolean }
  | { readonly type: "s" | "o" | "g"; readonly value: string }
  | { readonly type: "process" }
  /** `of` is the signature of the elements: an array may be empty. */
  | { readonly type: "array"; readonly of: string; readonly values: readonly Value[] }
  | { readonly type: "struct"; readonly values: readonly Value[] }
  | { readonly type: "variant"; readonly value: Value };

export const text = (value: string): Value => ({ type: "s", value });
export const bool = (value: boolean): Value => ({ type: "b", value });
export const u64 = (value: bigint): Value => ({ type: "t", value });
export const array = (of: string, values: readonly Value[]): Value => ({
  type: "array",
  of,
  values,
});
export const struct = (...values: readonly Value[]): Value => ({ type: "struct", values });
export const variant = (value: Value): Value => ({ type: "variant", value });

/** The type in a word of the specification: `a(sv)`. */
export function signatureOf(value: Value): string {
  switch (value.type) {
    case "process":
      return "u";
    case "variant":
      return "v";
    case "array":
      return `a${value.of}`;
    case "struct":
      return `(${value.values.map(signatureOf).join("")})`;
    default:
      return value.type;
  }
}

const alignments: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  "(": 8,
  x: 8,
  t: 8,
  d: 8,
};

/** What a type's values begin at a multiple of; 4 for all that the table leaves out. */
const alignmentOf = (signature: string): number => alignments[signature[0] ?? ""] ?? 4;

const encodeUtf8 = (value: string): number[] => {
  const bytes: number[] = [];
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      bytes.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 63),
        0x80 | ((code >> 6) & 63),
        0x80 | (code & 63),
      );
    }
  }
  return bytes;
};

/** Writes values one after the other, each at the place that its type begins at. */
class Marshaller {
  readonly bytes: number[] = [];
  /** Where the process id goes, or null. */
  processAt: number | null = null;

  align(to: number): void {
    while (this.bytes.length % to !== 0) this.bytes.push(0);
  }

  #integer(value: bigint, size: number): void {
    this.align(size);
    const unsigned = BigInt.asUintN(size * 8, value);
    for (let i = 0; i < size; i++) this.bytes.push(Number((unsigned >> BigInt(8 * i)) & 0xffn));
  }

  u32(value: number): void {
    this.#integer(BigInt(value), 4);
  }

  #text(value: string, lengthSize: 1 | 4): void {
    const bytes = encodeUtf8(value);
    this.#integer(BigInt(bytes.length), lengthSize);
    this.bytes.push(...bytes, 0);
  }

  #array(of: string, values: readonly Value[]): void {
    this.u32(0);
    const lengthAt = this.bytes.length - 4;
    this.align(alignmentOf(of)); // which does not count as part of the array
    const start = this.bytes.length;
    for (const value of values) this.write(value);
    const length = this.bytes.length - start;
    for (let i = 0; i < 4; i++) this.bytes[lengthAt + i] = (length >>> (8 * i)) & 0xff;
  }

  write(value: Value): void {
    switch (value.type) {
      case "y":
        return this.#integer(BigInt(value.value), 1);
      case "n":
      case "q":
        return this.#integer(BigInt(value.value), 2);
      case "u":
      case "i":
        return this.#integer(BigInt(value.value), 4);
      case "t":
      case "x":
        return this.#integer(value.value, 8);
      case "b":
        return this.u32(value.value ? 1 : 0);
      case "d": {
        this.align(8);
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, value.value, true);
        this.bytes.push(...bytes);
        return;
      }
      case "s":
      case "o":
        return this.#text(value.value, 4);
      case "g":
        return this.#text(value.value, 1);
      case "process":
        this.align(4);
        this.processAt = this.bytes.length;
        return this.u32(0);
      case "array":
        return this.#array(value.of, value.values);
      case "struct":
        this.align(8);
        for (const each of value.values) this.write(each);
        return;
      case "variant":
        this.#text(signatureOf(value.value), 1);
        this.write(value.value);
    }
  }
}

export type Call = {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly Value[];
};

export type Message = {
  readonly bytes: Uint8Array;
  /** Where in them the process id goes, or null. */
  readonly processAt: number | null;
};

const METHOD_CALL = 1;
const PROTOCOL = 1;

/** The header's fields that are used, by their numbers. */
const PATH = 1;
const INTERFACE = 2;
const MEMBER = 3;
const DESTINATION = 6;
const SIGNATURE = 8;

const field = (code: number, value: Value): Value =>
  struct({ type: "y", value: code }, variant(value));

/**
 * A method call.
 *
 * @param serial tells its answer from others; not 0
 */
export function marshalCall(call: Call, serial: number): Message {
  const body = new Marshaller();
  for (const value of call.body) body.write(value);
  const signature = call.body.map(signatureOf).join("");
  const message = new Marshaller();
  message.bytes.push("l".charCodeAt(0), METHOD_CALL, 0, PROTOCOL);
  message.u32(body.bytes.length);
  message.u32(serial);
  message.write(
    array("(yv)", [
      field(PATH, { type: "o", value: call.path }),
      field(MEMBER, text(call.member)),
      field(INTERFACE, text(call.interface)),
      field(DESTINATION, text(call.destination)),
      ...(signature === "" ? [] : [field(SIGNATURE, { type: "g", value: signature })]),
    ]),
  );
  message.align(8);
  const start = message.bytes.length;
  return {
    bytes: Uint8Array.from([...message.bytes, ...body.bytes]),
    processAt: body.processAt === null ? null : start + body.processAt,
  };
}
