/** What ends a program of the library's early: its time, and the caller's signal. */

import type { StreamRequest } from "./run.ts";

/** Why the program was ended; null: it was not, or by somebody else. */
export type Cause = "timeout" | "abort" | null;

export type Watch = {
  readonly cause: () => Cause;
  /** Nothing is waited for any more. */
  readonly stop: () => void;
};

/** The longest time that a timer takes; beyond, it fires at once. */
const longest = 2 ** 31 - 1;

/**
 * Ends the program at the time-out or when the caller's signal fires, whichever is first.
 *
 * @param timeout milliseconds; infinite or undefined: no time-out
 */
export function watch(
  { signal, timeout }: Pick<StreamRequest, "signal" | "timeout">,
  end: () => void,
): Watch {
  let cause: Cause = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const endBy = (why: Cause): void => {
    cause ??= why;
    end();
  };
  const wait = (left: number): void => {
    const next = left > longest ? () => wait(left - longest) : () => endBy("timeout");
    timer = setTimeout(next, Math.min(left, longest));
  };
  if (timeout !== undefined && timeout !== Number.POSITIVE_INFINITY) wait(timeout);
  const abort = (): void => endBy("abort");
  signal?.addEventListener("abort", abort, { once: true });
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
  return { cause: () => cause, stop };
}
