/**
 * What happened, for `pivot events`: a line each in a file of the run root, which every program
 * appends to, the executor too (native/files.c, `append`).
 *
 *     NANOSECONDS TYPE ACTION ID ATTRIBUTES [EXIT-CODE]
 *
 * An action has no spaces: `exec_start: ls` is written by encodeURI.
 */

import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import type { Roots } from "../container/roots.ts";

/** When the file is larger than so many bytes, it is put aside, and the one before it goes. */
const mostBytes = 4 << 20;

export type EventSubject = {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
};

export const eventsFile = ({ runRoot }: Pick<Roots, "runRoot">): string => `${runRoot}/events`;

/** A line of the file without its time. */
export const eventLine = (
  action: string,
  id: string,
  { name, image, labels }: EventSubject,
): string =>
  `container ${encodeURI(action.toWellFormed())} ${id} ${JSON.stringify({ ...labels, image, name })}`;

/** The same of a volume. */
export const volumeLine = (action: string, name: string): string =>
  `volume ${action} ${name} ${JSON.stringify({ driver: "local" })}`;

const now = (): bigint =>
  BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;

/** Before anything is added, by the executor too: that only appends. */
export function makeRoomForEvents(roots: Pick<Roots, "runRoot">): void {
  const file = eventsFile(roots);
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= mostBytes) return;
  try {
    renameSync(file, `${file}.1`);
  } catch {
    // Another was first, or the run root is read-only.
  }
}

/** Notes what was done to a container; that it cannot be noted is no failure of what was done. */
export function noteEvent(roots: Roots, action: string, id: string, subject: EventSubject): void {
  const file = eventsFile(roots);
  try {
    mkdirSync(roots.runRoot, { recursive: true, mode: 0o700 });
    makeRoomForEvents(roots);
    appendFileSync(file, `${now()} ${eventLine(action, id, subject)}\n`, { mode: 0o600 });
  } catch {
    // A full disk, or a run root that is read-only.
  }
}
