/** Standard input as a file, for what has to be read more than once. */

import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { isatty } from "node:tty";
import { prepareStore, writeChunk } from "../image/blob.ts";
import type { Store } from "../image/store.ts";
import { temporaryName } from "../image/temporary.ts";
import { UsageError } from "./arguments.ts";

/** The bytes of standard input; the signal ends the wait for more. */
export function standardInput(signal: AbortSignal): AsyncIterable<Buffer> {
  return createReadStream("", { fd: 0, autoClose: false, signal });
}

/**
 * Runs `use` with a file that holds all of standard input; it is gone afterwards.
 *
 * @param what the command, for the refusal of a terminal
 * @param instead what to do then
 */
export async function withStandardInput<T>(
  store: Store,
  what: string,
  instead: string,
  signal: AbortSignal,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (isatty(0))
    throw new UsageError(`${what} reads an archive, and standard input is a terminal: ${instead}`);
  await prepareStore(store);
  const path = `${store.root}/${temporaryName()}`;
  try {
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of standardInput(signal)) await writeChunk(file, chunk);
    } finally {
      await file.close();
    }
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}
