/**
 * Reads a plan's bytes back: for the report of a failure, where the process that made the plan is
 * gone. Slots have lost their names on the way and come back as `#0`, `#1`, …
 */

import { catalogue, type Entry, type Kind, type OpName } from "../plan/catalogue.ts";
import { capabilities, choices, flagSets } from "../plan/constants.ts";
import type { Op, Place, Plan, Step } from "../plan/op.ts";
import { actors, headerSize, magic, onFailureFlag, undoFlag } from "./encode.ts";
import { slotHost, slotNone } from "./wire-writer.ts";

class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #utf8 = new TextDecoder();
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(count: number): number {
    const at = this.at;
    this.at += count;
    return at;
  }

  u8 = (): number => this.#view.getUint8(this.#take(1));
  u16 = (): number => this.#view.getUint16(this.#take(2), true);
  u32 = (): number => this.#view.getUint32(this.#take(4), true);
  u64 = (): bigint => this.#view.getBigUint64(this.#take(8), true);

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    // A copy: the slice of a Buffer would be a window on it.
    return new Uint8Array(this.#bytes.subarray(at, at + count));
  }

  text(): string {
    const text = this.#utf8.decode(this.bytes(this.u32()));
    this.at += 1;
    return text;
  }
}

const slotName = (number: number): string | null => (number === slotNone ? null : `#${number}`);

const namesOf = (set: Readonly<Record<string, number>>, value: number): string[] =>
  Object.keys(set).filter((name) => set[name] !== 0 && (value & (set[name] ?? 0)) !== 0);

const nameOf = (set: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(set).find((name) => set[name] === value) ?? String(value);

function readPlace(from: Reader): Place | null {
  const slot = from.u32();
  const path = from.text();
  if (slot === slotNone) return null;
  return { in: slot === slotHost ? "host" : `#${slot}`, path };
}

function readField(from: Reader, kind: Kind): unknown {
  switch (kind) {
    case "bool":
      return from.u32() !== 0;
    case "u32":
      return from.u32();
    case "u64":
      return from.u64();
    case "text":
      return from.text();
    case "texts":
      return Array.from({ length: from.u32() }, () => from.text());
    case "bytes":
      return from.bytes(from.u32());
    case "slot":
      return slotName(from.u32());
    case "place":
      return readPlace(from);
    case "capabilities": {
      const mask = from.u64();
      return Object.entries(capabilities)
        .filter(([, number]) => ((mask >> BigInt(number)) & 1n) === 1n)
        .map(([name]) => name);
    }
    default: {
      const [how, set] = kind.split(":") as ["flags" | "one", string];
      if (how === "one") return nameOf(choices[set as keyof typeof choices], from.u32());
      return namesOf(flagSets[set as keyof typeof flagSets], Number(from.u64()));
    }
  }
}

let names: ReadonlyMap<number, OpName> | undefined;

function opName(code: number): OpName {
  names ??= new Map(Object.entries(catalogue).map(([name, entry]) => [entry.code, name as OpName]));
  const name = names.get(code);
  if (name === undefined) throw new RangeError(`the plan holds an unknown operation: ${code}`);
  return name;
}

/** The plan, and for each record of the wire the step it belongs to: failures name records. */
export function decodePlan(bytes: Uint8Array): { plan: Plan; stepOfRecord: readonly number[] } {
  const from = new Reader(bytes);
  const found = String.fromCharCode(...from.bytes(magic.length));
  if (found !== magic) throw new RangeError(`not a plan: it begins with ${JSON.stringify(found)}`);
  from.at = headerSize - 4;
  const records = from.u32();
  const steps: Step[] = [];
  const stepOfRecord: number[] = [];
  for (let i = 0; i < records; i++) {
    const start = from.at;
    const name = opName(from.u16());
    const by = actors[from.u8()] ?? "parent";
    const flags = from.u8();
    const keep = (flags & onFailureFlag) !== 0;
    const end = start + from.u32();
    const fields = Object.entries((catalogue[name] as Entry).fields);
    const op = Object.fromEntries([
      ["op", name],
      ...fields.map(([field, [kind]]) => [field, readField(from, kind)]),
    ]) as Op;
    from.at = end;
    const last = steps.at(-1);
    if ((flags & undoFlag) !== 0 && last !== undefined) {
      steps[steps.length - 1] = { ...last, undo: op, ...(keep ? { keep } : {}) };
    } else steps.push({ by, op, why: "" });
    stepOfRecord.push(steps.length - 1);
  }
  return { plan: { version: 1, steps }, stepOfRecord };
}
