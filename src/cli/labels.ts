/** `--label` of what is made: networks and volumes. */

import { parseLabel } from "../options/label.ts";
import { formatOptionProblem } from "../options/problem.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";

/** @throws UsageError */
export function readLabels(given: ParsedArguments): Readonly<Record<string, string>> {
  const labels = (given.flags.get("label") ?? []).map((word) => {
    const parsed = parseLabel(word, "--label");
    if (!parsed.ok) throw new UsageError(formatOptionProblem(parsed.problem));
    return parsed.value;
  });
  return Object.fromEntries(labels);
}
