/** Tells on a terminal what an import is doing; elsewhere it keeps quiet. */

import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import type { ImportProgress } from "../image/import.ts";

const short = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** One line, written over by the next, and cleared when its layer is done. */
export function importProgress(
  format: "text" | "json",
): ((progress: ImportProgress) => void) | undefined {
  if (format === "json" || !isatty(2)) return undefined;
  return (progress) => {
    if (progress.kind === "layers") return;
    const { layer, layers, digest } = progress;
    const what = `layer ${layer} of ${layers} ${short(digest)}`;
    writeAll(
      2,
      progress.kind === "reading"
        ? `\r\u001b[Kpivot: unpacking ${what}: ${megabytes(progress.done)} of ${megabytes(progress.total)}`
        : "\r\u001b[K",
    );
  };
}

/**
 * What an import tells of, which ends it when the signal fires: what it began is removed then.
 *
 * @param tell as `importProgress` gives it
 */
export function stoppable(
  signal: AbortSignal,
  tell: ((progress: ImportProgress) => void) | undefined,
): (progress: ImportProgress) => void {
  return (progress) => {
    signal.throwIfAborted();
    tell?.(progress);
  };
}
