/** A plan of which one number is not known before it is carried out: the launcher puts it in. */

import type { Plan } from "../plan/op.ts";
import { encodePlan } from "./encode.ts";

/**
 * Where the parameter, a u32, stands in the plan, as a u32 itself; then the plan. See `native/kept.c`.
 *
 * @param planOf the same plan for each parameter
 */
export function encodeWithParameter(planOf: (parameter: number) => Plan): Uint8Array {
  const plan = encodePlan(planOf(0));
  const other = encodePlan(planOf(0xffffffff));
  const at = plan.findIndex((byte, i) => byte !== other[i]);
  const isOne =
    plan.length === other.length &&
    at >= 0 &&
    plan.every((byte, i) => (byte !== other[i]) === (i >= at && i < at + 4));
  if (!isOne) throw new Error("a plan with a parameter has it in one place");
  const bytes = Buffer.alloc(4 + plan.length);
  bytes.writeUInt32LE(at, 0);
  bytes.set(plan, 4);
  return bytes;
}
