// CPU time and CPU lists.

import { accept, type Result, refuse } from "./problem.ts";

/** Parses `--cpus`: how many CPUs' time there may be used, `1.5`; 0 is no limit. */
export function parseCpus(given: string): Result<number> {
  const option = "--cpus";
  const found = /^(\d{1,6})?(?:\.(\d+))?$/.exec(given);
  if (found === null || (found[1] ?? found[2]) === undefined) {
    return refuse(option, given, "it is a number of CPUs such as 1.5");
  }
  // docker counts in billionths of a CPU.
  if ((found[2]?.length ?? 0) > 9) return refuse(option, given, "value is too precise");
  return accept(Number(given));
}

/**
 * What is wrong with a list of CPUs or memory nodes such as `0-3,7` (cpuset(7), List format); null
 * if nothing.
 */
export function idListProblem(list: string): string | null {
  const wanted = "it is a list such as 0-3,7";
  if (!/^\d{1,5}(?:-\d{1,5})?(?:,\d{1,5}(?:-\d{1,5})?)*$/.test(list)) return wanted;
  for (const range of list.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    if (last < first) return `the range ${range} ends before it begins; ${wanted}`;
  }
  return null;
}

/** Parses `--cpuset-cpus` and `--cpuset-mems`. */
export function parseIdList(given: string, option: string): Result<string> {
  const problem = idListProblem(given);
  return problem === null ? accept(given) : refuse(option, given, problem);
}
