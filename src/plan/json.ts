/** A plan as JSON and back: for `pivot plan --format json`, and for tools that read one. */

import type { Plan } from "./op.ts";

/** Bytes become `{"hex": "…"}`, 64-bit numbers `{"u64": "…"}`: JSON has neither. */
export function planToJson(plan: Plan): string {
  return JSON.stringify(
    plan,
    (_key, value: unknown) => {
      if (typeof value === "bigint") return { u64: value.toString() };
      if (value instanceof Uint8Array) {
        return { hex: Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") };
      }
      return value;
    },
    2,
  );
}

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );

/** The reverse of `planToJson`. */
export function planFromJson(text: string): Plan {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if ("u64" in value && typeof value.u64 === "string") return BigInt(value.u64);
    if ("hex" in value && typeof value.hex === "string") return bytesOf(value.hex);
    return value;
  }) as Plan;
}
