// From a document to a checked value, or to all that is wrong with it.

import { type Spec, specShape } from "./config.ts";
import { readJson } from "./json.ts";
import type { Problem } from "./problem.ts";
import { type Process, processShape } from "./process.ts";
import { type LinuxResources, resourcesShape } from "./resources.ts";
import { Report, type Shape } from "./shape.ts";

/**
 * A document that was read, or all that is wrong with it.
 *
 * `warnings` has what is odd but no reason to refuse the document: capabilities that no kernel knows,
 * fields that differ from a known one in upper and lower case only. They have been left out.
 */
export type Parsed<Name extends string, T> =
  | ({ readonly ok: true; readonly warnings: readonly Problem[] } & { readonly [name in Name]: T })
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads the text of a `config.json` (OCI runtime specification 1.3.0, Linux).
 *
 * Unknown fields are ignored, and so are the sections of other platforms. `null` is the same as an
 * absent field. A field that is given twice is a problem: readers differ in which of the two they
 * take, so that a document which was checked by one could mean something else to the next. Field
 * names are case-sensitive. All problems are found, not only the first (and a thousand listed); text
 * that is no JSON has one, with line and column. Nothing is thrown, whatever the text.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatProblem, parseSpec } from "./mod.ts";
 *
 * const parsed = parseSpec(`{
 *   "ociVersion": "1.3.0",
 *   "root": { "path": "rootfs" },
 *   "linux": { "resources": { "memory": { "limit": "512m" } } }
 * }`);
 * assert(!parsed.ok);
 * assert.deepEqual(parsed.problems.map(formatProblem), [
 *   'linux.resources.memory.limit: expected a whole number of bytes, received the string "512m"',
 * ]);
 * ```
 */
export function parseSpec(text: string): Parsed<"spec", Spec> {
  return parseText("spec", specShape, text);
}

/**
 * Checks a configuration that is a value already; as `parseSpec` else.
 *
 * Integers may be numbers or bigints. A number beyond 2^53 is a problem, since it may have been
 * rounded: give a bigint, or the text to `parseSpec`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSpecValue } from "./mod.ts";
 *
 * const parsed = parseSpecValue({
 *   ociVersion: "1.3.0",
 *   root: { path: "rootfs" },
 *   process: { args: ["sh"], cwd: "/" },
 * });
 * assert(parsed.ok);
 * assert.deepEqual(parsed.spec.process?.user, { uid: 0, gid: 0 });
 * ```
 */
export function parseSpecValue(value: unknown): Parsed<"spec", Spec> {
  return parseValue("spec", specShape, value, []);
}

/** Reads a process that stands alone, as `exec --process` takes it; as `parseSpec` else. */
export function parseProcess(text: string): Parsed<"process", Process> {
  return parseText("process", processShape, text);
}

/** Reads limits that stand alone, as `update --resources` takes them; as `parseSpec` else. */
export function parseResources(text: string): Parsed<"resources", LinuxResources> {
  return parseText("resources", resourcesShape, text);
}

function parseText<Name extends string, T>(
  name: Name,
  shape: Shape<T>,
  text: string,
): Parsed<Name, T> {
  const reading = readJson(text);
  if (!reading.ok) return { ok: false, problems: [reading.problem] };
  const twice = reading.duplicates.map(({ path, position }) => {
    return { path, position, expected: "the field only once", received: "it again" };
  });
  return parseValue(name, shape, reading.value, twice);
}

function parseValue<Name extends string, T>(
  name: Name,
  shape: Shape<T>,
  value: unknown,
  found: readonly Problem[],
): Parsed<Name, T> {
  const report = new Report();
  const read = shape(value, report);
  const problems = [...found, ...report.problems];
  const unlisted = report.found - report.problems.length;
  if (unlisted > 0) {
    problems.push({ path: "", expected: "no more problems", received: `${unlisted} more` });
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, warnings: report.warnings, [name]: read } as Parsed<Name, T>;
}
