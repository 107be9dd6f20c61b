/** What a container's state directory says of it: for commands that come later. */

import { readdirSync } from "node:fs";
import { readIfThere } from "../host/first-process.ts";
import { containerNameProblem } from "../options/name.ts";
import { type ContainerRecord, decodeRecord, nameOf } from "./record.ts";
import { WishError } from "./wish-error.ts";

/** What is in one state directory; the parts may be missing when its start was cut short. */
export type FoundState = {
  readonly id: string;
  readonly directory: string;
  readonly state: ContainerRecord | null;
  /** Of the container's first process, once it was made. */
  readonly pid: number | null;
  /** Set when it has ended and was kept. */
  readonly exitCode: number | null;
};

const idPattern = /^[0-9a-f]{64}$/;

/** The first number of a file: of `pid` the process id, behind which stands when it began. */
function readNumber(path: string): number | null {
  const text = /^\d+/.exec(readIfThere(path) ?? "")?.[0];
  return text === undefined ? null : Number(text);
}

function parseState(text: string | null): ContainerRecord | null {
  if (text === null) return null;
  try {
    const state = decodeRecord(text) as ContainerRecord;
    if (state.version !== 2) return null;
    // It becomes part of a path that is removed.
    return state.name === null || containerNameProblem(state.name) === null ? state : null;
  } catch {
    return null; // cut short by the end of its writer
  }
}

export function readState(runRoot: string, id: string): FoundState {
  const directory = `${runRoot}/${id}`;
  return {
    id,
    directory,
    state: parseState(readIfThere(`${directory}/state.json`)),
    pid: readNumber(`${directory}/pid`),
    exitCode: readNumber(`${directory}/exit`),
  };
}

/** The ids below a run root. */
export function listStates(runRoot: string): string[] {
  try {
    return readdirSync(runRoot).filter((name) => idPattern.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * The container that is meant by a name, an id or the beginning of one.
 *
 * @throws WishError when there is none, or more than one.
 */
export function findContainer(runRoot: string, wanted: string): FoundState {
  const ids = listStates(runRoot);
  const found = ids.filter((id) => id === wanted || id.startsWith(wanted));
  if (found.length > 1) {
    throw new WishError([`${found.length} containers begin with ${wanted}: give more of the id`]);
  }
  if (found[0] !== undefined && wanted !== "") return readState(runRoot, found[0]);
  const named = ids
    .map((id) => readState(runRoot, id))
    .find(({ id, state }) => nameOf({ id, name: state?.name ?? null }) === wanted);
  if (named !== undefined) return named;
  throw new WishError([`no such container: ${wanted}; \`pivot ps -a\` lists them all`]);
}
