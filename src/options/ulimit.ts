// Resource limits of a process: --ulimit nofile=1024:2048.

import type { POSIXRlimit } from "../spec/mod.ts";
import type { Count } from "./mount-option.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "--ulimit";

/** A limit of getrlimit(2); -1 is no limit. */
export interface Ulimit {
  readonly name: UlimitName;
  readonly soft: Count;
  readonly hard: Count;
}

const NAMES = {
  as: "RLIMIT_AS",
  core: "RLIMIT_CORE",
  cpu: "RLIMIT_CPU",
  data: "RLIMIT_DATA",
  fsize: "RLIMIT_FSIZE",
  locks: "RLIMIT_LOCKS",
  memlock: "RLIMIT_MEMLOCK",
  msgqueue: "RLIMIT_MSGQUEUE",
  nice: "RLIMIT_NICE",
  nofile: "RLIMIT_NOFILE",
  nproc: "RLIMIT_NPROC",
  rss: "RLIMIT_RSS",
  rtprio: "RLIMIT_RTPRIO",
  rttime: "RLIMIT_RTTIME",
  sigpending: "RLIMIT_SIGPENDING",
  stack: "RLIMIT_STACK",
} as const satisfies Readonly<Record<string, POSIXRlimit["type"]>>;

/** The name of a limit as the shell has it. */
export type UlimitName = keyof typeof NAMES;

function isUlimitName(name: string): name is UlimitName {
  return Object.hasOwn(NAMES, name);
}

const RLIM_INFINITY = 2n ** 64n - 1n;

/** Parses `--ulimit`: `NAME=SOFT[:HARD]`, with `-1` or `infinity` for no limit. */
export function parseUlimit(given: string): Result<Ulimit> {
  const found = /^([^=]*)=([^:]*)(?::([^:]*))?$/.exec(given);
  if (found === null)
    return refuse(OPTION, given, "it looks like NAME=SOFT:HARD, such as nofile=1024:2048");
  const [, name = "", softText = "", hardText = softText] = found;
  if (!isUlimitName(name)) return refuse(OPTION, given, unknownName(name));
  const [soft, hard] = [readLimit(softText), readLimit(hardText)];
  if (soft === undefined || hard === undefined) {
    return refuse(OPTION, given, "a limit is a whole number, or -1 or infinity for none");
  }
  const problem = orderProblem(soft, hard);
  return problem === null ? accept({ name, soft, hard }) : refuse(OPTION, given, problem);
}

function readLimit(text: string): bigint | undefined {
  if (text === "-1" || text === "infinity" || text === "unlimited") return -1n;
  return /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

function unknownName(name: string): string {
  return `invalid ulimit type: ${name} (one of ${Object.keys(NAMES).join(", ")})`;
}

function orderProblem(soft: bigint, hard: bigint): string | null {
  if (hard === -1n || (soft !== -1n && soft <= hard)) return null;
  const shown = soft === -1n ? "unlimited" : soft;
  return `the soft limit must be less than or equal to the hard limit: ${shown} > ${hard}`;
}

/** The limit as an OCI configuration has it. */
export function rlimitOf({ name, soft, hard }: Ulimit): Result<POSIXRlimit> {
  const given = `${name}=${soft}:${hard}`;
  if (!isUlimitName(name)) return refuse(OPTION, given, unknownName(name));
  const values: bigint[] = [];
  for (const limit of [soft, hard]) {
    const whole = typeof limit === "bigint" || Number.isSafeInteger(limit);
    if (!whole || limit < -1 || limit > RLIM_INFINITY) {
      return refuse(OPTION, given, "a limit is a whole number, or -1 for none");
    }
    values.push(BigInt(limit));
  }
  const [from = -1n, to = -1n] = values;
  const problem = orderProblem(from, to);
  if (problem !== null) return refuse(OPTION, given, problem);
  return accept({ type: NAMES[name], soft: rawLimit(from), hard: rawLimit(to) });
}

function rawLimit(limit: bigint): bigint {
  return limit === -1n ? RLIM_INFINITY : limit;
}
