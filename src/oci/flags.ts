/** The values of flags, as the commands want them. */

import { type ParsedArguments, UsageError } from "../cli/arguments.ts";

export const readLast = ({ flags }: ParsedArguments, name: string): string | null =>
  flags.get(name)?.at(-1) ?? null;

export const readSwitch = (given: ParsedArguments, name: string): boolean =>
  readLast(given, name) === "true";

export const readAll = ({ flags }: ParsedArguments, name: string): readonly string[] =>
  flags.get(name) ?? [];

/** @throws UsageError when it is no whole number */
export function readCount(given: ParsedArguments, name: string): number | null {
  const text = readLast(given, name);
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes a whole number, received ${JSON.stringify(text)}`);
}

/** The one container id of a command. */
export function onlyId({ words }: ParsedArguments, usage: string): string {
  const [id, ...rest] = words;
  if (id === undefined) throw new UsageError(`which container? ${usage}`);
  if (rest.length > 0) throw new UsageError(`unexpected ${rest.join(" ")}: ${usage}`);
  return id;
}
