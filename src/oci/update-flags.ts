// The flags of `update`, each to the part of the resources that it changes; runc's names and units.

import { parseBytes } from "../options/bytes.ts";
import { type LinuxIntelRdt, type LinuxResources, parseResources, writeJson } from "../spec/mod.ts";
import { quote } from "../spec/problem.ts";

/** What a flag changes, or one line that says what is wrong with it. */
export type UpdateFlag =
  | { readonly ok: true; readonly resources: LinuxResources; readonly intelRdt?: LinuxIntelRdt }
  | { readonly ok: false; readonly problem: string };

type Place = readonly [section: "memory" | "cpu" | "pids" | "blockIO", field: string];

/** How a flag's text is read: a size such as `64m`, a whole number, or as it is. */
type Kind = "bytes" | "number" | "text";

const flags: ReadonlyMap<string, readonly [Kind, ...Place]> = new Map<
  string,
  readonly [Kind, ...Place]
>([
  ["memory", ["bytes", "memory", "limit"]],
  ["memory-swap", ["bytes", "memory", "swap"]],
  ["memory-reservation", ["bytes", "memory", "reservation"]],
  ["kernel-memory", ["bytes", "memory", "kernel"]],
  ["kernel-memory-tcp", ["bytes", "memory", "kernelTCP"]],
  ["cpu-period", ["number", "cpu", "period"]],
  ["cpu-quota", ["number", "cpu", "quota"]],
  ["cpu-burst", ["number", "cpu", "burst"]],
  ["cpu-share", ["number", "cpu", "shares"]],
  ["cpu-rt-period", ["number", "cpu", "realtimePeriod"]],
  ["cpu-rt-runtime", ["number", "cpu", "realtimeRuntime"]],
  ["cpu-idle", ["number", "cpu", "idle"]],
  ["cpuset-cpus", ["text", "cpu", "cpus"]],
  ["cpuset-mems", ["text", "cpu", "mems"]],
  ["pids-limit", ["number", "pids", "limit"]],
  ["blkio-weight", ["number", "blockIO", "weight"]],
]);

/** Intel's cache and memory bandwidth, which are no part of the resources. */
const schemas: ReadonlyMap<string, keyof LinuxIntelRdt> = new Map([
  ["l3-cache-schema", "l3CacheSchema"],
  ["mem-bw-schema", "memBwSchema"],
]);

/** The flags that `update` has, without their dashes. */
export const updateFlagNames: readonly string[] = [...flags.keys(), ...schemas.keys()];

/** Flags whose 0 means that they were not given, as it does in runc. */
const zeroIsAbsent: ReadonlySet<string> = new Set(["pids-limit", "blkio-weight"]);

const refuse = (name: string, expected: string, text: string): UpdateFlag => ({
  ok: false,
  problem: `--${name}: expected ${expected}, received ${quote(text)}`,
});

/**
 * Reads one flag, given by its name without dashes. A text that is empty changes nothing, as scripts
 * rely on that pass each of their variables. -1 is no limit.
 */
export function readUpdateFlag(name: string, text: string): UpdateFlag {
  if (text === "") return { ok: true, resources: {} };
  const schema = schemas.get(name);
  if (schema !== undefined) return { ok: true, resources: {}, intelRdt: { [schema]: text } };
  const flag = flags.get(name);
  if (flag === undefined) {
    return { ok: false, problem: `--${name}: update has no such flag` };
  }
  const [kind, section, field] = flag;
  if (kind === "text") return check(name, text, { [section]: { [field]: text } });
  const value = kind === "bytes" ? readBytes(name, text) : readNumber(text);
  if (value === undefined) {
    return kind === "bytes"
      ? refuse(name, "a size such as 512m or 1.5g, or -1 for no limit", text)
      : refuse(name, "a whole number", text);
  }
  if (value === 0n && zeroIsAbsent.has(name)) return { ok: true, resources: {} };
  return check(name, text, { [section]: { [field]: value } });
}

function readBytes(name: string, text: string): bigint | undefined {
  const bytes = parseBytes(text, `--${name}`, true);
  return bytes.ok ? bytes.value : undefined;
}

const readNumber = (text: string): bigint | undefined =>
  /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;

/** The rules of the configuration hold for flags too: its own reader looks at what they come to. */
function check(name: string, text: string, value: object): UpdateFlag {
  const parsed = parseResources(writeJson(value));
  if (parsed.ok) return { ok: true, resources: parsed.resources };
  return refuse(name, parsed.problems[0]?.expected ?? "another value", text);
}

/** All that several flags change, the later ones over the earlier. */
export function joinResources(all: readonly LinuxResources[]): LinuxResources {
  let joined: LinuxResources = {};
  for (const { memory, cpu, pids, blockIO } of all) {
    joined = {
      ...joined,
      ...(memory && { memory: { ...joined.memory, ...memory } }),
      ...(cpu && { cpu: { ...joined.cpu, ...cpu } }),
      ...(pids && { pids: { ...joined.pids, ...pids } }),
      ...(blockIO && { blockIO: { ...joined.blockIO, ...blockIO } }),
    };
  }
  return joined;
}
