/** Writes the values that a plan is made of, as `native/wire.h` describes them. */

import { Buffer } from "node:buffer";
import { capabilities } from "../plan/constants.ts";
import type { Place } from "../plan/op.ts";

export const slotHost = 0xffffffff;
export const slotNone = 0xfffffffe;
/** PV_SLOTS of wire.h. */
const mostSlots = 1024;

type Numbers = Readonly<Record<string, number>>;

/** The number of a name; plans come from outside too, so a wrong one gets a word. */
function numberOf(numbers: Numbers, name: string): number {
  const number = numbers[name];
  if (number !== undefined) return number;
  throw new RangeError(`${name} is none of ${Object.keys(numbers).join(", ")}`);
}

/**
 * A buffer that grows. All but a few of its bytes are texts, which Buffer writes natively. Room is reserved
 * in a statement of its own: `this.bytes` to the left of it would still be the buffer before.
 */
export class WireWriter {
  readonly #slots = new Map<string, number>();
  bytes = Buffer.allocUnsafe(32768);
  length = 0;

  #reserve(count: number): number {
    const start = this.length;
    if (start + count > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, start + count));
      this.bytes.copy(grown, 0, 0, start);
      this.bytes = grown;
    }
    this.length = start + count;
    return start;
  }

  u8(value: number): void {
    const start = this.#reserve(1);
    this.bytes[start] = value;
  }

  u16(value: number): void {
    const start = this.#reserve(2);
    this.bytes.writeUInt16LE(value, start);
  }

  u32(value: number): void {
    if (!(value >= 0 && value <= 0xffffffff) || !Number.isInteger(value)) {
      throw new RangeError(`expected a whole number below 2^32, received ${value}`);
    }
    this.patch32(this.#reserve(4), value);
  }

  u64(value: bigint): void {
    const start = this.#reserve(8);
    this.bytes.writeBigUInt64LE(value, start);
  }

  bool(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  bytesOf(value: Uint8Array): void {
    this.u32(value.length);
    const start = this.#reserve(value.length);
    this.bytes.set(value, start);
  }

  ascii(value: string): void {
    const start = this.#reserve(value.length);
    this.bytes.write(value, start, "latin1");
  }

  texts(values: readonly string[]): void {
    this.u32(values.length);
    for (const value of values) this.text(value);
  }

  /** Each name gets a number, in the order in which they are met. */
  #slotNumber(name: string): number {
    let number = this.#slots.get(name);
    if (number === undefined) {
      number = this.#slots.size;
      if (number >= mostSlots) {
        throw new RangeError(
          `the plan would keep more than ${mostSlots} descriptors: leave some of its mounts out`,
        );
      }
      this.#slots.set(name, number);
    }
    return number;
  }

  slot(name: string | null): void {
    this.u32(name === null ? slotNone : this.#slotNumber(name));
  }

  place(place: Place | null): void {
    if (place === null) {
      this.u32(slotNone);
      this.text("");
      return;
    }
    this.u32(place.in === "host" ? slotHost : this.#slotNumber(place.in));
    this.text(place.path);
  }

  one(choice: Numbers, name: string): void {
    this.u32(numberOf(choice, name));
  }

  /** The union of the bits, none of which is above the 32nd. */
  flags(set: Numbers, names: readonly string[]): void {
    let bits = 0;
    for (const name of names) bits |= numberOf(set, name);
    this.u32(bits >>> 0);
    this.u32(0);
  }

  /** A mask of 64 bits in two halves: arithmetic on bigints costs a start more than the rest. */
  capabilities(names: readonly string[]): void {
    let low = 0;
    let high = 0;
    for (const name of names) {
      const number = numberOf(capabilities, name);
      if (number < 32) low |= 1 << number;
      else high |= 1 << (number - 32);
    }
    this.u32(low >>> 0);
    this.u32(high >>> 0);
  }

  text(value: string): void {
    // C would see the string end there: two readers of one plan must not see two paths.
    if (value.includes("\0")) {
      throw new RangeError(`a text of the plan contains a NUL: ${JSON.stringify(value)}`);
    }
    // Three bytes for a UTF-16 unit at most, and the NUL.
    const start = this.#reserve(4 + value.length * 3 + 1);
    const written = this.bytes.write(value, start + 4);
    this.patch32(start, written);
    this.bytes[start + 4 + written] = 0;
    this.length = start + 4 + written + 1;
  }

  /** By hand: a method call for each of the thousand numbers of a plan would cost more. */
  patch32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value & 0xff;
    bytes[at + 1] = (value >>> 8) & 0xff;
    bytes[at + 2] = (value >>> 16) & 0xff;
    bytes[at + 3] = value >>> 24;
  }
}
