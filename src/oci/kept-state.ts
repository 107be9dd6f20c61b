/** What `state` will say, but for what has to be looked at then: the launcher does that by itself. */

import type { Setting } from "../planner/setting.ts";
import { type ContainerRecord, stateDocument } from "./record.ts";

const status = '"status": "created"';

/**
 * The file `state.text`: the document up to the status, what follows the process, and the directories of
 * the cgroups, each with a NUL at its end. See `native/kept-state.c`.
 */
export function keptState(record: ContainerRecord): Setting["keptPlans"][number] {
  const container = {
    id: record.id,
    directory: "",
    record,
    status: "created",
    process: null,
  } as const;
  const text = `${JSON.stringify(stateDocument(container), null, 2)}\n`;
  // Only the version and the id stand before it, and a quote within them has a backslash.
  const at = text.indexOf(status);
  const head = text.slice(0, at + status.length - 'created"'.length);
  const behind = text.slice(at + status.length + ",".length);
  const parts = [head, behind, ...record.cgroups].map((part) => `${part}\0`);
  return { name: "state.text", bytes: new TextEncoder().encode(parts.join("")) };
}
