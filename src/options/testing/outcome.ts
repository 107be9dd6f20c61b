// The outcome of a parser for tests: its value, or the line that a user would read.

import { formatOptionProblem, type Result } from "../problem.ts";

export function outcome<T>(result: Result<T>): T | string {
  return result.ok ? result.value : formatOptionProblem(result.problem);
}
