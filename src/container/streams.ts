/** Which way the container's standard streams go. */

import type { Stream } from "../plan/constants.ts";
import type { StreamFact } from "../planner/facts.ts";

/**
 * A pipe can be handed on: nothing can be done with it but reading or writing. A terminal, a file
 * or a device cannot: the container would get hold of it, beyond the bytes that it is to read or
 * write (TIOCSTI; reopening a file for writing through /proc/self/fd). And a socket would make
 * /dev/stdout useless, since open(2) refuses sockets.
 */
const handedOn: Readonly<Record<StreamFact, Stream>> = {
  pipe: "inherit",
  null: "null",
  closed: "null",
  terminal: "pipe",
  file: "pipe",
  device: "pipe",
  socket: "pipe",
};

export type StreamWish = {
  readonly interactive: boolean;
  readonly tty: boolean;
};

/** Standard input, output and error. */
export function chooseStreams(
  { interactive, tty }: StreamWish,
  [stdin, stdout, stderr]: readonly [StreamFact, StreamFact, StreamFact],
): [Stream, Stream, Stream] {
  if (tty) return ["terminal", "terminal", "terminal"];
  return [interactive ? handedOn[stdin] : "null", handedOn[stdout], handedOn[stderr]];
}

/**
 * Of one in a user namespace: a pipe of the caller's is the caller's, and nobody inside could open
 * /dev/stdout. One of our own can be given away.
 */
export const ownStreams = (
  streams: readonly [Stream, Stream, Stream],
): [Stream, Stream, Stream] => {
  const own = (stream: Stream): Stream => (stream === "inherit" ? "pipe" : stream);
  return [own(streams[0]), own(streams[1]), own(streams[2])];
};

/** Of a container whose output is kept, and to which people attach: the executor has the other ends. */
export function watchedStreams({ interactive, tty }: StreamWish): [Stream, Stream, Stream] {
  if (tty) return ["terminal", "terminal", "terminal"];
  return [interactive ? "pipe" : "null", "pipe", "pipe"];
}
