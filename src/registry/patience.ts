/** How long is waited, and how often something is tried again. */

import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  /** Attempts without any progress between them. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, at most; doubled before each that follows. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** Milliseconds for a connection and the head of an answer. */
  readonly answer: number;
  /** Milliseconds in which some byte of a body has to come. */
  readonly stall: number;
}

export const defaultPatience: Patience = {
  attempts: 5,
  firstDelay: 1_000,
  longestDelay: 20_000,
  answer: 30_000,
  stall: 30_000,
};

/** A server that wants to be left alone for longer is told of instead. */
const longestWaitAsked = 60_000;

/** Something that may go well next time. Its message is fit for a person. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  /** Milliseconds that the server asks to wait. */
  readonly wait: number | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly wait?: number | undefined }) {
    super(message, options);
    this.wait = options?.wait;
  }
}

/** `Retry-After`: seconds or a date, as milliseconds from now. */
export function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Full jitter: any number of clients that failed at once do not come back at once. */
function delayBefore(attempt: number, patience: Patience): number {
  const most = Math.min(patience.longestDelay, patience.firstDelay * 2 ** (attempt - 1));
  return most * (0.5 + Math.random() / 2);
}

/** Counts failures and waits between them; whoever makes progress starts counting again. */
export class Retries {
  #failures = 0;
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  readonly #tell: ((why: string, delay: number) => void) | undefined;

  constructor(
    patience: Patience,
    signal: AbortSignal | undefined,
    tell?: (why: string, delay: number) => void,
  ) {
    this.#patience = patience;
    this.#signal = signal;
    this.#tell = tell;
  }

  madeProgress(): void {
    this.#failures = 0;
  }

  /** Waits until it is time to try again. Throws the error if it never will be. */
  async after(error: unknown): Promise<void> {
    if (!(error instanceof TransientError)) throw error;
    this.#signal?.throwIfAborted();
    this.#failures += 1;
    if (this.#failures >= this.#patience.attempts) throw error;
    if ((error.wait ?? 0) > longestWaitAsked) throw error;
    const delay = error.wait ?? delayBefore(this.#failures, this.#patience);
    this.#tell?.(error.message, delay);
    await sleep(delay, undefined, this.#signal && { signal: this.#signal });
  }
}
