/** What the kernel says of a file, in words: whoever reads it need not know errno(3). */

import { describeErrno, errnoNumber } from "../plan/errno.ts";

/** `ENOENT: No such file or directory`, of an error of node:fs; of any other, its message. */
export function whyOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const number = typeof code === "string" ? errnoNumber(code) : 0;
  if (number !== 0) return describeErrno(number);
  return error instanceof Error ? error.message : String(error);
}
