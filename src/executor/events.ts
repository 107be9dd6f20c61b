/** What the executor reports: struct pv_event of `native/executor.h`. */

export type ExecutorEvent =
  /** The program runs; `pid` is init's. */
  | { readonly kind: "started"; readonly pid: number }
  /** A step failed and what was done is undone. `record` counts undos too: see `decodePlan`. */
  | {
      readonly kind: "failed";
      readonly record: number;
      readonly errno: number;
      readonly text: string;
    }
  /** The container has ended; `code` is 128 + signal when a signal ended it. */
  | {
      readonly kind: "ended";
      readonly code: number;
      readonly signal: number;
      /** The kernel has killed a process of it for want of memory: `oom` of `supervise`. */
      readonly oomKilled: boolean;
    }
  /** An undo failed: something is left behind. */
  | {
      readonly kind: "left";
      readonly record: number;
      readonly errno: number;
      readonly text: string;
    }
  /** Waits at a `pause`; SIGCONT goes on. `init` is its pid, once there is one. */
  | { readonly kind: "paused"; readonly record: number; readonly init: number | null };

export const eventSize = 256;

const textStart = 16;

function readEvent(bytes: Uint8Array): ExecutorEvent | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const record = view.getUint32(4, true);
  const errno = view.getInt32(8, true);
  const value = view.getInt32(12, true);
  const end = bytes.indexOf(0, textStart);
  const text = () =>
    new TextDecoder().decode(bytes.subarray(textStart, end < 0 ? bytes.length : end));
  switch (view.getUint32(0, true)) {
    case 1:
      return { kind: "started", pid: value };
    case 2:
      return { kind: "failed", record, errno, text: text() };
    case 3:
      return { kind: "ended", code: value, signal: errno, oomKilled: text() === "oom" };
    case 4:
      return { kind: "left", record, errno, text: text() };
    case 5:
      return { kind: "paused", record, init: value === 0 ? null : value };
    default:
      return null;
  }
}

/** The whole events in these bytes, and how many bytes they took. */
export function readEvents(bytes: Uint8Array): { events: ExecutorEvent[]; taken: number } {
  const events: ExecutorEvent[] = [];
  let taken = 0;
  for (; taken + eventSize <= bytes.length; taken += eventSize) {
    const event = readEvent(bytes.subarray(taken, taken + eventSize));
    if (event !== null) events.push(event);
  }
  return { events, taken };
}
