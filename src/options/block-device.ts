// Limits and weights of block devices: --device-read-bps /dev/sda:1mb.

import { parseBytes } from "./bytes.ts";
import type { Count } from "./mount-option.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** The limit of a block device: bytes, or operations, per second. */
export interface Throttle {
  /** On the host, such as `/dev/sda`. */
  readonly path: string;
  readonly rate: Count;
}

/** The weight of a block device, relative to other containers: 10 to 1000, or 0 for none. */
export interface DeviceWeight {
  /** On the host, such as `/dev/sda`. */
  readonly path: string;
  readonly weight: number;
}

/** Whether a rate is in bytes or in operations. */
export type RateUnit = "bytes" | "operations";

/** Parses `--device-read-bps` and its three kin: `/dev/sda:1mb`, `/dev/sda:1000`. */
export function parseThrottle(given: string, option: string, unit: RateUnit): Result<Throttle> {
  const [path, text] = split(given);
  const looks = unit === "bytes" ? "/dev/sda:1mb" : "/dev/sda:1000";
  if (path === undefined) return refuse(option, given, `it looks like ${looks}`);
  if (unit === "bytes") {
    const rate = parseBytes(text, option);
    if (!rate.ok) return refuse(option, given, `invalid rate: it looks like ${looks}`);
    return accept({ path, rate: rate.value });
  }
  if (!/^\d{1,18}$/.test(text))
    return refuse(option, given, `invalid rate: it looks like ${looks}`);
  return accept({ path, rate: BigInt(text) });
}

/** Parses `--blkio-weight-device`: `/dev/sda:200`. */
export function parseDeviceWeight(given: string): Result<DeviceWeight> {
  const option = "--blkio-weight-device";
  const [path, text] = split(given);
  if (path === undefined) return refuse(option, given, "it looks like /dev/sda:200");
  const weight = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  const problem = weightProblem(weight);
  return problem === null ? accept({ path, weight }) : refuse(option, given, problem);
}

/** What is wrong with a weight; null if nothing. 0 is none. */
export function weightProblem(weight: number): string | null {
  const fits = weight === 0 || (Number.isInteger(weight) && weight >= 10 && weight <= 1000);
  return fits ? null : "a weight goes from 10 to 1000";
}

function split(given: string): readonly [path: string | undefined, text: string] {
  const end = given.lastIndexOf(":");
  const path = given.slice(0, Math.max(end, 0));
  return /^\/dev\/./.test(path) ? [path, given.slice(end + 1)] : [undefined, ""];
}
