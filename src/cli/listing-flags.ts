/** The flags that listings, inspections and prunes share, and what was given of them. */

import { type Flag, isOn, lastValue, type ParsedArguments } from "./arguments.ts";
import type { Listing } from "./output.ts";

const template = "table, 'table TEMPLATE', json, or a Go template: '{{.ID}}'";

/** `--format` of a listing. */
export const formatFlag: Flag = { name: "format", value: "FORMAT", help: template };

/** `-f`, `--format` of an inspection. */
export const inspectFormatFlag: Flag = {
  name: "format",
  short: "f",
  value: "FORMAT",
  help: "json, or a Go template: '{{.State.Status}}'",
};

export const quietFlag: Flag = { name: "quiet", short: "q", help: "print the ids or names alone" };

export const noTruncFlag: Flag = { name: "no-trunc", help: "print everything in full length" };

/** `-f`, `--filter` of a listing; the keys are named in its help. */
export const filterFlag = (keys: readonly string[]): Flag => ({
  name: "filter",
  short: "f",
  value: "KEY=VALUE",
  help: `only what matches: ${keys.join(", ")}; may be given several times`,
});

/** `--filter` of a prune, whose `-f` is `--force`. */
export const pruneFilterFlag = (keys: readonly string[]): Flag => {
  const { name, value, help } = filterFlag(keys);
  return { name, ...(value === undefined ? {} : { value }), help };
};

export const forceFlag: Flag = { name: "force", short: "f", help: "do not ask first" };

/** What `printRows` takes, of the flags above. */
export const readListing = (given: ParsedArguments): Listing => ({
  format: lastValue(given, "format"),
  quiet: isOn(given, "quiet"),
  noTrunc: isOn(given, "no-trunc"),
});
