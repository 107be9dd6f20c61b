/** What a container of pivot's own was to be: planned once more from its record. */

import { prepareContainer } from "../container/prepare.ts";
import type { Described } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { inhabitantsFor } from "../host/inhabitants.ts";
import type { Plan } from "../plan/op.ts";
import { fromMountinfo } from "../simulator/from-mountinfo.ts";
import { type MountinfoRow, mountTable } from "../simulator/mountinfo.ts";
import { parseMountinfo } from "../simulator/parse-mountinfo.ts";
import { planProcesses, simulatePlan } from "../simulator/plan.ts";
import type { State } from "../simulator/state.ts";
import { madeByPlan } from "./compare-tables.ts";
import { readBounded } from "./process-handle.ts";
import type { Promised } from "./promise.ts";

/** Where pivot puts files of its own. */
const files = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/init"];

const mountBytesMax = 16 << 20;

/** The mounts among which the container was made: its executor's, which is the parent of its first process. */
function executorsTable(pid: number): string {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readBounded(`/proc/${pid}/status`, 1 << 16))?.[1];
    if (parent !== undefined && Number(parent) > 1) {
      const text = readBounded(`/proc/${parent}/mountinfo`, mountBytesMax);
      if (text !== "") return text;
    }
  } catch {} // it has just ended, or is nobody's that we may look at
  return readBounded("/proc/self/mountinfo", mountBytesMax);
}

/** Of a file system that the plan itself makes, the simulator's number is no device of this machine's. */
function deviceOf({ id, device }: MountinfoRow, state: State, start: State): string {
  const superblock = state.mounts[id]?.superblock;
  if (superblock === undefined || start.superblocks[superblock] !== undefined) return device;
  return `${madeByPlan}${superblock}`;
}

/** Its mounts when its program begins, as the simulator predicts them; null: it does not come so far. */
function predict(plan: Plan, planned: string, id: string, pid: number): Promised["tables"] {
  const text = executorsTable(pid);
  const host = parseMountinfo(text);
  const start = fromMountinfo(text);
  const done = simulatePlan(plan, start, { inhabitants: inhabitantsFor(plan, host) });
  const last = done.at(-1);
  if (last === undefined || last.failure !== null) return null;
  const predicted = mountTable(last.state, planProcesses.init).map((row) => ({
    ...row,
    device: deviceOf(row, last.state, start),
    // With the id that this container has, in place of the one that it was planned with this time.
    root: row.root.replaceAll(planned, id),
  }));
  return { host, predicted };
}

/**
 * @param pid its first process
 * @throws WishError, ImageError when what it was made of is gone
 */
export async function promisedOf(record: Described, roots: Roots, pid: number): Promise<Promised> {
  const { id, spec, plan, release } = await prepareContainer({
    source: record.source,
    command: record.command ?? record.args,
    options: record.options,
    roots: { ...roots, dataRoot: record.dataRoot },
    cwd: "/", // all paths are absolute by now
    streams: ["pipe", "pipe", "pipe"],
    endWithCaller: false,
    pull: "never",
    // It has its addresses and ports, and nobody takes others.
    isOnlyMade: true,
    idMappings: record.idMappings ?? null,
  });
  release();
  const isFiltered = plan.steps.some(({ op }) => op.op === "seccomp");
  return { spec, isFiltered, files, tables: predict(plan, id, record.id, pid) };
}
