/** The namespaces of a process, as they are seen from outside. */

import { readlinkSync } from "node:fs";
import type { Namespace } from "../plan/constants.ts";

/** By their files in /proc/PID/ns. */
const files: Readonly<Record<Namespace, string>> = {
  user: "user",
  cgroup: "cgroup",
  ipc: "ipc",
  uts: "uts",
  network: "net",
  pid: "pid",
  time: "time",
  mount: "mnt",
};

function namespaceAt(pid: number | "self", file: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${file}`);
  } catch {
    return null; // the kernel knows no such namespace, or the process has ended
  }
}

/** The namespaces of a process that are not our own. */
export const foreignNamespaces = (pid: number): readonly Namespace[] =>
  (Object.keys(files) as Namespace[]).filter((type) => {
    const theirs = namespaceAt(pid, files[type]);
    return theirs !== null && theirs !== namespaceAt("self", files[type]);
  });
