// Users and groups as they are asked for: names and numbers are told apart only inside the root.

import { accept, type Result, refuse } from "./problem.ts";

/** A user, and a group if one is asked for; each a name or a number. */
export interface UserChoice {
  readonly user: string;
  /** null: the user's own. */
  readonly group: string | null;
}

/** As far as docker goes; whatever wraps around at 2^31 or 2^32 would end up as root. */
const MAX_ID = 2 ** 31 - 1;

/** Parses `-u, --user`: `NAME|UID[:GROUP|GID]`. */
export function parseUser(given: string, option = "-u, --user"): Result<UserChoice> {
  const [user = "", group, ...rest] = given.split(":");
  if (user === "" || rest.length > 0) {
    return refuse(option, given, "it looks like NAME, UID, NAME:GROUP or UID:GID");
  }
  for (const part of [user, group]) {
    const problem = part ? idProblem(part) : null;
    if (problem !== null) return refuse(option, given, problem);
  }
  return accept({ user, group: group || null });
}

/** Parses `--group-add`: a name or a number. */
export function parseGroup(given: string): Result<string> {
  const problem =
    given === "" || given.includes(":") ? "it is a name or a number" : idProblem(given);
  return problem === null ? accept(given) : refuse("--group-add", given, problem);
}

function idProblem(id: string): string | null {
  if (/^[+-]?\d+$/.test(id)) {
    return /^\d{1,10}$/.test(id) && Number(id) <= MAX_ID
      ? null
      : `uids and gids go from 0 to ${MAX_ID}`;
  }
  // oxlint-disable-next-line no-control-regex -- they are what no name has
  return /[\u0000-\u001f\u007f]/.test(id) ? "a name has no control characters" : null;
}
