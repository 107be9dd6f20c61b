/** What the cgroups of a process limit: of each limit the lowest up to the root counts. */

import { existsSync } from "node:fs";
import { CgroupFiles, hostFiles, NO_LIMIT } from "../host/cgroup-files.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import type { DeviceRule, Limits } from "./seen.ts";

/** Of version 1 the largest multiple of a page below 2^63: no limit. */
const noLimitV1 = 2n ** 62n;

/** The directories of a process's cgroup and of those above it, the lowest first. */
function chain(mount: string, path: string): CgroupFiles[] {
  const found: CgroupFiles[] = [];
  if (path.startsWith("/..")) return found; // outside of what is mounted here
  for (let at = path.replace(/\/+$/, ""); ; at = at.slice(0, at.lastIndexOf("/"))) {
    if (existsSync(mount + at)) found.push(new CgroupFiles(mount + at, hostFiles));
    if (at === "") return found;
  }
}

const lowest = (values: readonly bigint[]): bigint | null =>
  values.reduce<bigint | null>(
    (least, each) => (least === null || each < least ? each : least),
    null,
  );

/** `/proc/PID/cgroup`: the path in the hierarchy of a controller; empty: of version 2. */
function pathOf(text: string, controller: string): string | null {
  for (const line of text.split("\n")) {
    const [, controllers = "", ...path] = line.split(":");
    const isIt =
      controller === "" ? controllers === "" : controllers.split(",").includes(controller);
    if (isIt && path.length > 0) return path.join(":").replace(/ \(deleted\)$/, "");
  }
  return null;
}

type Chains = (controller: string) => { readonly v1: boolean; readonly files: CgroupFiles[] };

function chainsOf(text: string, layout: CgroupLayout): Chains {
  return (controller) => {
    const v1 = layout.v1.find(({ controllers }) => controllers.includes(controller));
    const mount = v1?.mount ?? layout.v2?.mount;
    const path = pathOf(text, v1 === undefined ? "" : controller);
    const files = mount === undefined || path === null ? [] : chain(mount, path);
    return { v1: v1 !== undefined, files };
  };
}

const amounts = (files: readonly CgroupFiles[], name: string, none: bigint): bigint[] =>
  files.flatMap((each) => {
    const value = each.has(name) ? each.number(name) : none;
    return value < none ? [value] : [];
  });

function cpusOf({ v1, files }: ReturnType<Chains>): number | null {
  const all = files.flatMap((each) => {
    const [first = "max", second = "0"] = v1
      ? [each.text("cpu.cfs_quota_us") ?? "-1", each.text("cpu.cfs_period_us") ?? "0"]
      : (each.text("cpu.max") ?? "max 0").split(" ");
    const [quota, period] = [Number(first), Number(second)];
    return quota > 0 && period > 0 ? [quota / period] : [];
  });
  return all.length === 0 ? null : Math.min(...all);
}

/** A line of `devices.list`. */
export function parseDeviceRule(line: string): DeviceRule | null {
  const match = /^([abc]) (\*|\d+):(\*|\d+) ([rwm]+)$/.exec(line.trim());
  if (match === null) return null;
  const number = (text = "*") => (text === "*" ? "*" : Number(text));
  return {
    type: match[1] as DeviceRule["type"],
    major: number(match[2]),
    minor: number(match[3]),
    access: match[4] ?? "",
  };
}

/** Version 2 has a program in place of a list, and there is no asking what it allows. */
function devicesOf({ v1, files }: ReturnType<Chains>): DeviceRule[] | null {
  const text = v1 ? files[0]?.text("devices.list") : undefined;
  return text === undefined
    ? null
    : text.split("\n").flatMap((line) => parseDeviceRule(line) ?? []);
}

/** @param text of /proc/PID/cgroup */
export function readCgroupsOf(text: string): {
  readonly limits: Limits;
  readonly devices: readonly DeviceRule[] | null;
} {
  const chains = chainsOf(text, readCgroupLayout());
  const memory = chains("memory");
  const pids = chains("pids");
  const none = memory.v1 ? noLimitV1 : NO_LIMIT;
  return {
    limits: {
      memory: lowest(
        amounts(memory.files, memory.v1 ? "memory.limit_in_bytes" : "memory.max", none),
      ),
      pids: lowest(amounts(pids.files, "pids.max", NO_LIMIT)),
      cpus: cpusOf(chains("cpu")),
    },
    devices: devicesOf(chains("devices")),
  };
}
