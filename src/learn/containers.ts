/** The machine's running containers with their mount tables: pivot's own, and others' that can be told. */

import { readdirSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { type Container, listContainers } from "../engine/status.ts";
import { readIfThere } from "../host/first-process.ts";
import type { Live, LiveContainer } from "./live.ts";

/** A machine may have 100000 mounts; nobody looks at so many. */
const mostTableBytes = 2 * 1024 * 1024;
const mostContainers = 200;

/** null: it has ended, or may not be looked at. */
function readProc(pid: number, name: string): string | null {
  try {
    return readIfThere(`/proc/${pid}/${name}`);
  } catch {
    return null;
  }
}

/** Whole lines alone. */
export function boundedTable(text: string, most = mostTableBytes): string {
  return text.length <= most ? text : text.slice(0, text.lastIndexOf("\n", most) + 1);
}

const tableOf = (pid: number): string | null => {
  const text = readProc(pid, "mountinfo");
  return text === null || text === "" ? null : boundedTable(text);
};

/** Control characters are nothing to look at. */
const plain = (text: string): string =>
  text
    .replaceAll(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, 200);

function ownOne(
  { id, name, record, process }: Container,
  shownImage: (reference: string) => string,
): LiveContainer[] {
  const mountinfo = process === null ? null : tableOf(process.pid);
  if (process === null || mountinfo === null) return [];
  const command = plain(record.args.join(" "));
  return [{ id, name, image: shownImage(record.image), command, pid: process.pid, mountinfo }];
}

/**
 * Is it the first process of a pid namespace below ours? `NSpid` counts it in each namespace from
 * ours on; proc_pid_status(5).
 */
export const isFirstProcess = (status: string): boolean => /^NSpid:(?:\t\d+)+\t1$/m.test(status);

/** By what other engines call the cgroups of their containers; else by the program's name. */
export function foreignName(cgroup: string, comm: string): string {
  const id = /\b[0-9a-f]{64}\b/.exec(cgroup)?.[0];
  return id === undefined ? comm : id.slice(0, 12);
}

function foreignOne(pid: number): LiveContainer[] {
  const status = readProc(pid, "status");
  if (status === null || !isFirstProcess(status)) return [];
  const mountinfo = tableOf(pid);
  if (mountinfo === null) return [];
  // Not its command line: that is the process's own memory, which it can make wait for as long as it
  // likes (userfaultfd). What is read here is the kernel's.
  const command = plain(readProc(pid, "comm") ?? "?");
  const name = foreignName(readProc(pid, "cgroup") ?? "", command);
  return [{ id: `pid ${pid}`, name, image: null, command, pid, mountinfo }];
}

/**
 * Looks anew each time. What ends meanwhile is left out.
 *
 * @param shownImage how a reference is shown to people
 */
export async function liveContainers(
  roots: Roots,
  shownImage: (reference: string) => string = (reference) => reference,
): Promise<Live> {
  const own = (await listContainers(roots)).flatMap((each) => ownOne(each, shownImage));
  const known = new Set(own.map(({ pid }) => pid));
  const foreign = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !known.has(pid))
    .flatMap(foreignOne);
  return {
    host: boundedTable(readIfThere("/proc/self/mountinfo") ?? ""),
    containers: [...own, ...foreign].slice(0, mostContainers),
  };
}
