/** The user namespace that this process is in. */

import { readFileSync } from "node:fs";
import type { IdMapping, UserNamespaceFacts } from "../planner/facts.ts";

/** The lines of /proc/PID/uid_map. */
const parseMap = (text: string): IdMapping[] =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([containerID = 0, hostID = 0, size = 0]) => ({ containerID, hostID, size }));

const readMap = (name: "uid_map" | "gid_map"): IdMapping[] =>
  parseMap(readFileSync(`/proc/self/${name}`, "latin1"));

/** Every id is itself: user_namespaces(7), "the initial user namespace". */
const isWhole = ([first, ...others]: readonly IdMapping[]): boolean =>
  others.length === 0 && first?.containerID === 0 && first.size === 4294967295;

/** Null in the machine's own, and in one that has all of its ids. */
export function readUserNamespace(): UserNamespaceFacts | null {
  const uid = readMap("uid_map");
  if (isWhole(uid)) return null;
  const setgroups = readFileSync("/proc/self/setgroups", "latin1").trim() === "allow";
  return { uid, gid: readMap("gid_map"), setgroups };
}
