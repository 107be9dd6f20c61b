/** Writes a plan as the executor reads it; the format is described in `native/wire.h`. */

import { wireVersion } from "../plan/header.ts";
import type { Actor, Op, Plan } from "../plan/op.ts";
import { WireWriter } from "./wire-writer.ts";
import { operationCodes, writeFields } from "./write-fields.generated.ts";

export const magic = "PVPLAN";
export const headerSize = 16;
export const undoFlag = 1;
export const onFailureFlag = 2;
export const actors: readonly Actor[] = ["parent", "init"];

const totalOffset = 8;
const countOffset = 12;

function writeRecord(out: WireWriter, op: Op, by: Actor, flags: number): void {
  const start = out.length;
  out.u16(operationCodes[op.op]);
  out.u8(by === "parent" ? 0 : 1);
  out.u8(flags);
  out.u32(0);
  try {
    writeFields(out, op);
  } catch (cause) {
    throw new RangeError(`${op.op}: ${(cause as Error).message}`, { cause });
  }
  out.patch32(start + 4, out.length - start);
}

function writeHeader(out: WireWriter): void {
  out.ascii(magic);
  out.u16(wireVersion);
  out.u32(0);
  out.u32(0);
}

function finishHeader(out: WireWriter, records: number): Buffer {
  out.patch32(totalOffset, out.length);
  out.patch32(countOffset, records);
  return out.bytes.subarray(0, out.length);
}

/** A plan's bytes, and where in them each step begins. */
export type EncodedPlan = {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
  readonly records: number;
};

/** As `encodePlan`, for who wants to take the bytes apart. */
export function encodeSteps({ steps }: Plan): EncodedPlan {
  const out = new WireWriter();
  const starts: number[] = [];
  let records = 0;
  writeHeader(out);
  for (const { op, by, undo, keep } of steps) {
    starts.push(out.length);
    writeRecord(out, op, by, 0);
    records++;
    if (undo !== undefined) {
      writeRecord(out, undo, "parent", keep === true ? undoFlag | onFailureFlag : undoFlag);
      records++;
    }
  }
  return { bytes: finishHeader(out, records), starts, records };
}

/**
 * The plan's bytes. Not on the wire: where steps come from (`why`), and the names of slots.
 *
 * @throws RangeError naming the operation whose value the wire cannot hold.
 */
export const encodePlan = (plan: Plan): Buffer => encodeSteps(plan).bytes;

/** One step that uses no slot, encoded by itself: a character for each byte. */
export function encodeStepAlone(op: Op, by: Actor): string {
  const out = new WireWriter();
  writeRecord(out, op, by, 0);
  return out.bytes.toString("latin1", 0, out.length);
}

/** The bytes of a plan that was put together from encoded steps, a character for each byte. */
export function encodedHeader(bodyLength: number, records: number): string {
  const out = new WireWriter();
  writeHeader(out);
  out.patch32(totalOffset, headerSize + bodyLength);
  out.patch32(countOffset, records);
  return out.bytes.toString("latin1", 0, out.length);
}
