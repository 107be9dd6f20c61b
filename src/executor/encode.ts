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

/**
 * The plan's bytes. Not on the wire: where steps come from (`why`), and the names of slots.
 *
 * @throws RangeError naming the operation whose value the wire cannot hold.
 */
export function encodePlan({ steps }: Plan): Buffer {
  const out = new WireWriter();
  let records = 0;
  out.ascii(magic);
  out.u16(wireVersion);
  out.u32(0);
  out.u32(0);
  for (const { op, by, undo, keep } of steps) {
    writeRecord(out, op, by, 0);
    records++;
    if (undo !== undefined) {
      writeRecord(out, undo, "parent", keep === true ? undoFlag | onFailureFlag : undoFlag);
      records++;
    }
  }
  out.patch32(totalOffset, out.length);
  out.patch32(countOffset, records);
  return out.bytes.subarray(0, out.length);
}
