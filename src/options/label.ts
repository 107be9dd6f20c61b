// Labels and annotations: NAME=value.

import { accept, type Result, refuse } from "./problem.ts";

/**
 * Parses `-l, --label` and `--annotation`: `NAME=value`; NAME alone has the empty value.
 *
 * @returns name and value
 */
export function parseLabel(
  given: string,
  option = "-l, --label",
): Result<readonly [name: string, value: string]> {
  const end = given.indexOf("=");
  const name = (end < 0 ? given : given.slice(0, end)).replace(/^[ \t]+/, "");
  if (name === "") return refuse(option, given, "empty name: it looks like NAME=value");
  if (/\s/.test(name)) return refuse(option, given, "the name contains white space");
  return accept([name, end < 0 ? "" : given.slice(end + 1)]);
}
