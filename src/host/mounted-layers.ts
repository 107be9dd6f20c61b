/** Whose writable layers are mounted on this machine, whoever has mounted them. */

import { readlinkSync } from "node:fs";
import { readIfThere } from "./first-process.ts";
import { listIfThere } from "./list-if-there.ts";

const upper = /[ ,]upperdir=[^ ,]*\/containers\/([0-9a-f]{64})\/upper/g;

/** Of a process that has ended, or is somebody else's: null. */
function mountNamespace(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return null;
  }
}

/**
 * Ids of the containers whose writable layer is mounted: proc_pid_mountinfo(5) of each mount namespace that
 * has a process which we may look at.
 */
export function mountedLayers(): ReadonlySet<string> {
  const seen = new Set<string>();
  const ids = new Set<string>();
  for (const pid of listIfThere("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const namespace = mountNamespace(pid);
    if (namespace === null || seen.has(namespace)) continue;
    let mounts: string | null;
    try {
      mounts = readIfThere(`/proc/${pid}/mountinfo`);
    } catch {
      continue; // EINVAL: it is ending, and has no namespace any more
    }
    if (mounts === null) continue;
    seen.add(namespace);
    for (const [, id = ""] of mounts.matchAll(upper)) ids.add(id);
  }
  return ids;
}
