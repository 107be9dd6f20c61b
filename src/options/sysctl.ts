// Kernel settings below /proc/sys that belong to a namespace, and so to one container.

import { namespaceOf } from "../spec/mod.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "--sysctl";

/** What is wrong with a setting and its value; null if nothing. */
export function sysctlProblem(name: string, value: string): string | null {
  // The name becomes a path: nothing in it may lead elsewhere, or stand for more than one setting.
  if (!/^[\w-]+(?:\.[\w-]+)+$/.test(name)) {
    return "a name is made of letters, digits, _ and -, with single dots between: net.ipv4.ip_forward";
  }
  if (/[\r\n\0]/.test(value)) return "the value is a single line";
  if (name === "kernel.hostname") return "kernel.hostname has an option of its own: --hostname";
  return namespaceOf(name) === undefined
    ? `sysctl ${name} is not allowed: it is not in a separate kernel namespace, and holds for the whole machine`
    : null;
}

/** Parses `--sysctl`: `NAME=value`. */
export function parseSysctl(given: string): Result<readonly [name: string, value: string]> {
  const end = given.indexOf("=");
  if (end < 1)
    return refuse(OPTION, given, "it looks like NAME=value, such as net.ipv4.ip_forward=1");
  const [name, value] = [given.slice(0, end), given.slice(end + 1)];
  const problem = sysctlProblem(name, value);
  return problem === null ? accept([name, value]) : refuse(OPTION, given, problem);
}
