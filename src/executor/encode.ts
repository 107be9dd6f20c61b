/** Writes a plan as the executor reads it; the format is described in `native/wire.h`. */

import { catalogue, type Entry, type Kind } from "../plan/catalogue.ts";
import { capabilities, choices, flagSets } from "../plan/constants.ts";
import { wireVersion } from "../plan/header.ts";
import type { Actor, Op, Place, Plan } from "../plan/op.ts";

export const magic = "PVPLAN";
export const headerSize = 16;
export const recordHeaderSize = 8;
export const slotHost = 0xffffffff;
export const slotNone = 0xfffffffe;
export const undoFlag = 1;
export const onFailureFlag = 2;
export const actors: readonly Actor[] = ["parent", "init"];

/** A buffer that grows; texts are written in place, since most are short and plain ASCII. */
class Writer {
  bytes = new Uint8Array(16384);
  #view = new DataView(this.bytes.buffer);
  length = 0;
  readonly #utf8 = new TextEncoder();

  #reserve(count: number): number {
    const start = this.length;
    if (start + count > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, start + count));
      grown.set(this.bytes);
      this.bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.length = start + count;
    return start;
  }

  u8(value: number): void {
    this.bytes[this.#reserve(1)] = value;
  }

  u16(value: number): void {
    this.#view.setUint16(this.#reserve(2), value, true);
  }

  u32(value: number): void {
    if (!(value >= 0 && value <= 0xffffffff) || !Number.isInteger(value)) {
      throw new RangeError(`expected a whole number below 2^32, received ${value}`);
    }
    this.#view.setUint32(this.#reserve(4), value, true);
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#reserve(8), value, true);
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.#reserve(value.length));
  }

  text(value: string): void {
    // Three bytes for a UTF-16 unit at most, and the NUL.
    const start = this.#reserve(4 + value.length * 3 + 1);
    const { written } = this.#utf8.encodeInto(value, this.bytes.subarray(start + 4));
    const end = start + 4 + written;
    // C would see the string end here: two readers of one plan must not see two paths.
    if (this.bytes.subarray(start + 4, end).includes(0)) {
      throw new RangeError(`a text of the plan contains a NUL: ${JSON.stringify(value)}`);
    }
    this.#view.setUint32(start, written, true);
    this.bytes[end] = 0;
    this.length = end + 1;
  }

  patch32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
}

/** Gives each slot's name a number, in the order in which they are met. */
class Slots {
  readonly #numbers = new Map<string, number>();

  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      if (number >= 128) throw new RangeError(`the plan keeps more than 128 descriptors: ${name}`);
      this.#numbers.set(name, number);
    }
    return number;
  }
}

const bit = (set: Readonly<Record<string, number>>, name: string): number => {
  const value = set[name];
  if (value === undefined)
    throw new RangeError(`${name} is none of ${Object.keys(set).join(", ")}`);
  return value;
};

function writePlace(out: Writer, slots: Slots, place: Place | null): void {
  if (place === null) {
    out.u32(slotNone);
    out.text("");
    return;
  }
  out.u32(place.in === "host" ? slotHost : slots.number(place.in));
  out.text(place.path);
}

function writeField(out: Writer, slots: Slots, kind: Kind, value: unknown): void {
  switch (kind) {
    case "bool":
      return out.u32(value === true ? 1 : 0);
    case "u32":
      return out.u32(value as number);
    case "u64":
      return out.u64(value as bigint);
    case "text":
      return out.text(value as string);
    case "texts":
      out.u32((value as readonly string[]).length);
      for (const text of value as readonly string[]) out.text(text);
      return;
    case "bytes":
      out.u32((value as Uint8Array).length);
      return out.raw(value as Uint8Array);
    case "slot":
      return out.u32(value === null ? slotNone : slots.number(value as string));
    case "place":
      return writePlace(out, slots, value as Place | null);
    case "capabilities": {
      let mask = 0n;
      for (const name of value as readonly string[]) mask |= 1n << BigInt(bit(capabilities, name));
      return out.u64(mask);
    }
    default: {
      const [how, set] = kind.split(":") as ["flags" | "one", string];
      if (how === "one") return out.u32(bit(choices[set as keyof typeof choices], value as string));
      let flags = 0;
      for (const name of value as readonly string[]) {
        flags |= bit(flagSets[set as keyof typeof flagSets], name);
      }
      return out.u64(BigInt(flags >>> 0));
    }
  }
}

function writeRecord(out: Writer, slots: Slots, op: Op, by: Actor, flags: number, why: string) {
  const entry: Entry = catalogue[op.op];
  const start = out.length;
  out.u16(entry.code);
  out.u8(actors.indexOf(by));
  out.u8(flags);
  out.u32(0);
  for (const name in entry.fields) {
    const field = entry.fields[name];
    if (field === undefined) continue;
    try {
      writeField(out, slots, field[0], (op as unknown as Record<string, unknown>)[name]);
    } catch (cause) {
      throw new RangeError(`${op.op}.${name}: ${(cause as Error).message}`, { cause });
    }
  }
  out.text(why);
  out.patch32(start + 4, out.length - start);
}

/**
 * The plan's bytes.
 *
 * @throws RangeError naming the operation and field whose value the wire cannot hold.
 */
export function encodePlan(plan: Plan): Uint8Array {
  const out = new Writer();
  const slots = new Slots();
  let records = 0;
  for (const char of magic) out.u8(char.charCodeAt(0));
  out.u16(wireVersion);
  out.u32(0);
  out.u32(0);
  for (const { op, by, why, undo, keep } of plan.steps) {
    writeRecord(out, slots, op, by, 0, why);
    records++;
    if (undo !== undefined) {
      writeRecord(out, slots, undo, "parent", keep ? undoFlag | onFailureFlag : undoFlag, why);
      records++;
    }
  }
  out.patch32(8, out.length);
  out.patch32(12, records);
  return out.bytes.subarray(0, out.length);
}
