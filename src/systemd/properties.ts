/**
 * Limits as properties of a unit. systemd writes a unit's limits to its cgroup whenever it looks at it
 * anew (`daemon-reload`), so it has to know them: what is only written to the files would be gone then.
 *
 * What systemd has no property for is left out here, and is in the files alone, which it does not
 * touch then.
 *
 * Sources: systemd.resource-control(5), org.freedesktop.systemd1(5).
 */

import type { DeviceRule } from "../cgroup/device-rules.ts";
import { isSweeping, MKNOD, READ, WRITE } from "../cgroup/device-rules.ts";
import type { FileWrite } from "../cgroup/limits.ts";
import { array, struct, text, u64, type Value, variant } from "./message.ts";

export type Property = { readonly name: string; readonly value: Value };

/** CGROUP_LIMIT_MAX and USEC_INFINITY. */
const INFINITY = 2n ** 64n - 1n;

/** Microseconds. */
const SECOND = 1_000_000n;
const DEFAULT_PERIOD = 100_000n;
/** systemd keeps a quota in percent of a CPU: rounded up, it never lies below the cgroup's own. */
const PERCENT = SECOND / 100n;

/** The value of a file as a number; undefined for what is none. */
function numberOf(word: string | undefined): bigint | undefined {
  if (word === undefined) return undefined;
  if (word === "max" || word === "-1") return INFINITY;
  return /^\d+$/.test(word) ? BigInt(word) : undefined;
}

/** Files that hold one number, and the property of the same number. */
const numbers: Readonly<Record<string, string>> = {
  "memory.max": "MemoryMax",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "memory.limit_in_bytes": "MemoryLimit",
  "pids.max": "TasksMax",
  "cpu.weight": "CPUWeight",
  "cpu.shares": "CPUShares",
  "blkio.weight": "BlockIOWeight",
  "blkio.bfq.weight": "BlockIOWeight",
};

const rates: Readonly<Record<string, string>> = {
  rbps: "IOReadBandwidthMax",
  wbps: "IOWriteBandwidthMax",
  riops: "IOReadIOPSMax",
  wiops: "IOWriteIOPSMax",
  "blkio.throttle.read_bps_device": "BlockIOReadBandwidth",
  "blkio.throttle.write_bps_device": "BlockIOWriteBandwidth",
};

const sets: Readonly<Record<string, string>> = {
  "cpuset.cpus": "AllowedCPUs",
  "cpuset.mems": "AllowedMemoryNodes",
};

/** The most that a set of CPUs or nodes may name: a mask of a kilobyte. */
const MOST_BITS = 8192;

/** A list such as `0-2,7` as a mask, the lowest eight in the first byte; undefined for no list. */
export function maskOf(list: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const range of list.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    const first = Number(match?.[1] ?? Number.NaN);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first || last >= MOST_BITS) return undefined;
    for (let bit = first; bit <= last; bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return Uint8Array.from(bytes);
}

function quotaOf(quota: bigint, period: bigint): bigint {
  if (quota === INFINITY || period === 0n) return INFINITY;
  const perSecond = (quota * SECOND) / period;
  return ((perSecond + PERCENT - 1n) / PERCENT) * PERCENT;
}

/** udev's link to the device, which systemd also reads where nobody has made it. */
const deviceFile = (kind: "block" | "char", number: string): string => `/dev/${kind}/${number}`;

const ofDevice = (number: string, value: bigint): Value =>
  struct(text(deviceFile("block", number)), u64(value));

/** Properties that are lists of devices: several writes become one property. */
class Collected {
  readonly #single = new Map<string, Value>();
  readonly #lists = new Map<string, Value[]>();

  set(name: string, value: Value): void {
    this.#single.set(name, value);
  }

  add(name: string, value: Value): void {
    const values = this.#lists.get(name);
    if (values === undefined) this.#lists.set(name, [value]);
    else values.push(value);
  }

  properties(): Property[] {
    const lists = [...this.#lists].map(([name, values]) => ({
      name,
      value: array("(st)", values),
    }));
    return [...[...this.#single].map(([name, value]) => ({ name, value })), ...lists];
  }
}

const readWeight = (line: string, name: string, ofOne: string, into: Collected): void => {
  const [first = "", second] = line.split(" ");
  const weight = numberOf(second ?? first);
  if (weight === undefined) return;
  if (second === undefined || first === "default") into.set(name, u64(weight));
  else into.add(ofOne, ofDevice(first, weight));
};

function readRates(line: string, into: Collected): void {
  const [device = "", ...pairs] = line.split(" ");
  for (const pair of pairs) {
    const [key = "", value] = pair.split("=");
    const name = rates[key];
    const rate = numberOf(value);
    if (name !== undefined && rate !== undefined) into.add(name, ofDevice(device, rate));
  }
}

function readLine({ file, text: line }: FileWrite, into: Collected): void {
  const [first = "", second = ""] = line.trim().split(/\s+/);
  const single = numbers[file];
  const number = numberOf(first);
  if (single !== undefined) {
    if (number !== undefined) into.set(single, u64(number));
  } else if (sets[file] !== undefined) {
    const mask = maskOf(line);
    const bytes = [...(mask ?? [])].map((value): Value => ({ type: "y", value }));
    if (mask !== undefined) into.set(sets[file], array("y", bytes));
  } else if (file === "cpu.max") {
    const period = numberOf(second) ?? DEFAULT_PERIOD;
    if (number === undefined) return;
    into.set("CPUQuotaPeriodUSec", u64(period));
    into.set("CPUQuotaPerSecUSec", u64(quotaOf(number, period)));
  } else if (file === "io.weight") {
    readWeight(line.trim(), "IOWeight", "IODeviceWeight", into);
  } else if (file === "io.max") {
    readRates(line.trim(), into);
  } else {
    const name = rates[file];
    const rate = numberOf(second);
    if (name !== undefined && rate !== undefined) into.add(name, ofDevice(first, rate));
  }
}

/** Version 1 keeps quota and period in two files, and systemd wants to know both. */
function readBandwidth(writes: readonly FileWrite[], into: Collected): void {
  const of = (name: string) => writes.findLast(({ file }) => file === name)?.text;
  const quota = numberOf(of("cpu.cfs_quota_us"));
  const period = numberOf(of("cpu.cfs_period_us"));
  if (quota === undefined && period === undefined) return;
  if (period !== undefined) into.set("CPUQuotaPeriodUSec", u64(period));
  if (quota !== undefined) {
    into.set("CPUQuotaPerSecUSec", u64(quotaOf(quota, period ?? DEFAULT_PERIOD)));
  }
}

/** The properties for what is written to a cgroup's files, of either version. */
export function propertiesOfWrites(writes: readonly FileWrite[]): Property[] {
  const into = new Collected();
  for (const write of writes) readLine(write, into);
  readBandwidth(writes, into);
  return into.properties();
}

const lettersOf = (access: number): string =>
  (access & READ ? "r" : "") + (access & WRITE ? "w" : "") + (access & MKNOD ? "m" : "");

/** `/dev/char/1:3`, `char-136`, `block-*`: as systemd names devices. */
function namesOf({ type, major, minor }: DeviceRule): string[] {
  const kinds =
    type === null ? (["char", "block"] as const) : ([type === "c" ? "char" : "block"] as const);
  return kinds.map((kind) =>
    major === null
      ? `${kind}-*`
      : minor === null
        ? `${kind}-${major}`
        : deviceFile(kind, `${major}:${minor}`),
  );
}

/**
 * The device rules, as far as systemd can say them: it allows, and never denies one of many. So what it
 * keeps is at least as wide as the rules, and their own program or list makes it narrow.
 */
export function propertiesOfDevices(rules: readonly DeviceRule[]): Property[] {
  const isOpen = rules.some((rule) => isSweeping(rule) && rule.allow);
  // What a later rule takes back of one of these stays allowed here.
  const allowed = isOpen ? [] : rules.filter(({ allow }) => allow);
  const entry = (name: string, access: number): Value =>
    struct(text(name), text(lettersOf(access)));
  const entries = allowed.flatMap((rule) => namesOf(rule).map((name) => entry(name, rule.access)));
  return [
    { name: "DevicePolicy", value: text(isOpen ? "auto" : "strict") },
    // An empty list first takes back what was there: systemd adds to it.
    { name: "DeviceAllow", value: array("(ss)", []) },
    ...(entries.length === 0 ? [] : [{ name: "DeviceAllow", value: array("(ss)", entries) }]),
  ];
}

/** `a(sv)`, as units are described. */
export const propertyList = (properties: readonly Property[]): Value =>
  array(
    "(sv)",
    properties.map(({ name, value }) => struct(text(name), variant(value))),
  );
