/**
 * What a program of the library's writes: gathered into a text, or handed on as a stream that keeps
 * what nobody has read yet.
 */

import { constants } from "node:buffer";
import { PassThrough, type Readable } from "node:stream";

/** A program wrote more than `run` keeps; it was ended. */
export class OutputError extends Error {
  override name = "OutputError";
  readonly stream: "stdout" | "stderr";
  /** Bytes that it may write. */
  readonly limit: number;

  constructor(stream: "stdout" | "stderr", limit: number) {
    super(
      `the program was ended: it wrote more than ${limit} bytes to ${stream}; raise maxOutput, or use start and read its ${stream}`,
    );
    this.stream = stream;
    this.limit = limit;
  }
}

/** As much as a text can have, in bytes of ASCII: what `run` keeps unless told otherwise. */
export const mostOutput: number = constants.MAX_STRING_LENGTH;

/**
 * All that comes, as UTF-8; what is none becomes U+FFFD.
 *
 * @throws OutputError when it is more than `limit` bytes
 */
export function collect(
  from: Readable | null,
  stream: "stdout" | "stderr",
  limit: number,
): Promise<string> {
  if (from === null) return Promise.resolve("");
  return new Promise((settle, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    from.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        // Read on, into nothing: nobody waits for us, and the memory is not the program's to take.
        chunks = [];
        reject(new OutputError(stream, limit));
      }
    });
    from.on("error", reject);
    from.on("end", () => {
      try {
        settle(Buffer.concat(chunks).toString("utf8"));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A stream of the caller's, and how to have the rest of it come whether or not it is read. */
export type KeptOutput = { readonly stream: Readable | null; readonly flush: () => void };

/**
 * Hands a child's output on. Node throws away what nobody has read of a child that has ended, so that
 * who reads a moment later reads nothing; this keeps it. Who reads slowly still holds the program up.
 */
export function keepOutput(from: Readable | null): KeptOutput {
  if (from === null) return { stream: null, flush: () => {} };
  const stream = new PassThrough();
  let isFlushing = false;
  from.on("data", (chunk: Buffer) => {
    if (!stream.write(chunk) && !isFlushing) from.pause();
  });
  stream.on("drain", () => from.resume());
  from.on("end", () => stream.end());
  from.on("error", (error) => stream.destroy(error));
  // Nobody is left to read: the program is to notice (EPIPE).
  stream.on("close", () => from.destroy());
  const flush = (): void => {
    isFlushing = true;
    from.resume();
  };
  return { stream, flush };
}
