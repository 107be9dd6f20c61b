/** `--filter KEY=VALUE`, as docker has it: one key's values are alternatives, keys must all match. */

import { FlagError, UsageError } from "./arguments.ts";

/** Whether a row matches a value of the filter; throws UsageError when the value makes no sense. */
export type FilterTest<Row> = (row: Row, value: string) => boolean;

/** By key, in the order in which an error names them. */
export type FilterTests<Row> = Readonly<Record<string, FilterTest<Row>>>;

/** Of these every value must match, as with docker. */
const together = new Set(["label", "label!"]);

/** @throws UsageError for a word without `=`, or a key that is not known; it names the known ones */
export function readFilterPairs(
  given: readonly string[],
  keys: readonly string[],
): readonly (readonly [string, string])[] {
  return given.map((word) => {
    const equals = word.indexOf("=");
    const key = (equals < 0 ? word : word.slice(0, equals)).trim();
    if (equals < 1) {
      throw new FlagError(
        `--filter takes KEY=VALUE, received ${JSON.stringify(word)}; keys are: ${keys.join(", ")}`,
      );
    }
    if (!keys.includes(key)) {
      throw new UsageError(`invalid filter ${JSON.stringify(key)}; keys are: ${keys.join(", ")}`);
    }
    return [key, word.slice(equals + 1)] as const;
  });
}

/**
 * @param given the values of `--filter`: `given.flags.get("filter") ?? []`
 * @returns whether a row passes them all
 * @throws UsageError as `readFilterPairs`
 */
export function readFilters<Row>(
  given: readonly string[],
  tests: FilterTests<Row>,
): (row: Row) => boolean {
  const byKey = new Map<string, string[]>();
  for (const [key, value] of readFilterPairs(given, Object.keys(tests))) {
    byKey.set(key, [...(byKey.get(key) ?? []), value]);
  }
  return (row) =>
    [...byKey].every(([key, values]) => {
      const passes = (value: string) => tests[key]?.(row, value) === true;
      return together.has(key) ? values.every(passes) : values.some(passes);
    });
}

/** `label=NAME` or `label=NAME=VALUE`. */
export function hasLabel(
  labels: Readonly<Record<string, string>> | null | undefined,
  wanted: string,
): boolean {
  const equals = wanted.indexOf("=");
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!labels || !Object.hasOwn(labels, name)) return false;
  return equals < 0 || labels[name] === wanted.slice(equals + 1);
}

/** The value of a filter that is a yes or a no: `dangling=true`. */
export function readTruth(key: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UsageError(`--filter ${key} takes true or false, received ${JSON.stringify(value)}`);
}
