/** Making and removing volumes: plans, carried out by the executor. */

import type { Roots } from "../container/roots.ts";
import { eventsFile, volumeLine } from "../engine/events.ts";
import { describeFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import { describeErrno } from "../plan/errno.ts";
import type { Plan, Step } from "../plan/op.ts";
import { byParent, mkdir, onHost } from "../planner/step.ts";
import { goneUsers, type VolumesInUse, type VolumeUser } from "./in-use.ts";
import { recordText, type VolumeChoices, volumeDirectory, volumesDirectory } from "./store.ts";

const EBUSY = 16;

/** What went wrong, or null. */
async function carryOut(steps: readonly Step[], busy: string): Promise<string | null> {
  const { failure } = await executePlan({ version: 1, steps }).outcome;
  if (failure === null) return null;
  if (failure.errno === EBUSY) return `${busy} (${describeErrno(EBUSY)})`;
  return describeFailure({ version: 1, steps }, failure);
}

const noteSteps = ({ runRoot }: Roots, text: string): Step[] => [
  byParent(mkdir(onHost(runRoot), 0o700, true), "where events are noted"),
  byParent(
    { op: "append", at: onHost(eventsFile({ runRoot })), text, mode: 0o600, code: false },
    "`events` reads it",
  ),
];

/**
 * Makes a volume; one that is there already stays as it is.
 *
 * @throws Error in one line
 */
export async function makeVolume(roots: Roots, name: string, choices: VolumeChoices) {
  const at = onHost(volumeDirectory(roots, name));
  const record = recordText(choices);
  const problem = await carryOut(
    [
      byParent(mkdir(onHost(volumesDirectory(roots)), 0o700, true), "the directory of all volumes"),
      byParent({ op: "volume", at, record, user: "", into: null }, "volume create"),
      ...noteSteps(roots, volumeLine("create", name)),
    ],
    "",
  );
  if (problem !== null) throw new Error(problem);
}

/**
 * Makes the volumes of a container that is not started yet: its plan does, and fills them, at the start.
 *
 * @throws Error in one line
 */
export async function makeVolumesOf({ steps }: Plan, roots: Roots): Promise<void> {
  const making = steps.flatMap(({ op, why }) =>
    op.op === "volume" ? [byParent({ ...op, into: null }, why)] : [],
  );
  if (making.length === 0) return;
  const directory = mkdir(onHost(volumesDirectory(roots)), 0o700, true);
  const problem = await carryOut(
    [byParent(directory, "the directory of all volumes"), ...making],
    "",
  );
  if (problem !== null) throw new Error(problem);
}

const inUse = (volume: string, users: readonly VolumeUser[]): string =>
  `volume ${volume} is in use by ${users.map(({ name: user }) => user).join(", ")}: remove ${users.length > 1 ? "them" : "it"} first`;

/**
 * Removes a volume with all that is in it.
 *
 * @returns what stands against it, in one line, or null
 */
export async function removeVolume(
  roots: Roots,
  name: string,
  used: VolumesInUse,
): Promise<string | null> {
  const users = used.get(name) ?? [];
  if (users.length > 0) return inUse(name, users);
  const at = onHost(volumeDirectory(roots, name));
  const gone = await goneUsers(roots, name);
  return carryOut(
    [
      byParent({ op: "leave_volume", at, user: "", gone, remove: true }, "volume rm"),
      ...noteSteps(roots, volumeLine("destroy", name)),
    ],
    `volume ${name} is in use by a container that has just been made`,
  );
}

/** Removes what a removal that was cut short has left. */
export async function removePaths(paths: readonly string[]): Promise<string | null> {
  const steps = paths.map((path) =>
    byParent({ op: "remove", at: onHost(path) }, "of a volume that was removed"),
  );
  return steps.length === 0 ? null : carryOut(steps, "");
}
