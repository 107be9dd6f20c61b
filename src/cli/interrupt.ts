/** Lets a long command be interrupted: what it began is put away first. */

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

type StopSignal = keyof typeof exitCodes;

/** The command was told to stop, and has. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super("interrupted");
    this.exitCode = exitCodes[signal];
  }
}

/**
 * Runs `work`, whose signal fires when the command is interrupted. A second interruption ends it as
 * if nobody listened.
 *
 * @throws Interruption once work has ended; what work throws
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const names = Object.keys(exitCodes) as StopSignal[];
  const stop = () => {
    for (const name of names) process.removeListener(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals) => {
    controller.abort(new Interruption(name as StopSignal));
    stop();
  };
  for (const name of names) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Whatever went wrong after it is its doing.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    stop();
  }
}

/** The same bytes, until the signal fires. */
export async function* untilAborted(
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}
