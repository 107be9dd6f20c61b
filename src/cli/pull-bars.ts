/**
 * A bar for each layer that is pulled or pushed, on a terminal. Loaded only for a terminal, since
 * the library that draws them is not needed elsewhere.
 */
import { MultiBar, type SingleBar } from "cli-progress";
import { writeAll } from "../host/write.ts";
import type { PullProgress } from "../registry/pull.ts";
import type { PushProgress } from "../registry/push.ts";
import { type PullDisplay, shortDigest } from "./pull-progress.ts";

/** Lines that are left for what stands above and below. */
const spareLines = 3;
const standardRows = 24;
/** Columns of everything but the bar. */
const textColumns = 54;
const barColumns = 30;
const stateColumns = 14;

/** In one unit for what is large, so that what comes and all of it can be compared; else in kilobytes. */
const sizeOf = (bytes: number, total: number): string =>
  total < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

type Payload = { readonly id: string; readonly state: string; readonly sizes: string };

type Row = { readonly bar: SingleBar; readonly total: number };

/** Lines with a bar, one for each layer. */
class LayerBars {
  readonly #bars: MultiBar;
  readonly #rows = new Map<string, Row>();
  readonly #mostRows: number;
  readonly #fd: 1 | 2;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
    const stream = fd === 1 ? process.stdout : process.stderr;
    this.#mostRows = Math.max(1, (stream.rows || standardRows) - spareLines);
    this.#bars = new MultiBar({
      stream,
      format: "{id}: {state} {bar} {sizes}",
      barsize: Math.max(5, Math.min(barColumns, (stream.columns || 80) - textColumns)),
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      linewrap: false,
      clearOnComplete: false,
      stopOnComplete: false,
      // Who interrupts is told by the command, when all is put away.
      gracefulExit: false,
      emptyOnZero: true,
      fps: 12,
    });
  }

  add(digest: string, total: number, state: string): void {
    // More than fit cannot be redrawn: those go without a bar.
    if (this.#rows.has(digest) || this.#rows.size >= this.#mostRows) return;
    const bar = this.#bars.create(
      Math.max(1, total),
      0,
      payload(digest, state, sizeOf(total, total)),
    );
    this.#rows.set(digest, { bar, total });
  }

  show(digest: string, state: string, done: number | "all"): void {
    const row = this.#rows.get(digest);
    if (row === undefined) return;
    const { bar, total } = row;
    const sizes = done === "all" ? "" : `${sizeOf(done, total)} of `;
    bar.update(
      done === "all" ? Math.max(1, total) : done,
      payload(digest, state, sizes + sizeOf(total, total)),
    );
  }

  onRetry(why: string, delay: number): void {
    const line = `Retrying in ${Math.ceil(delay / 1000)} s: ${why}\n`;
    // What is logged is drawn with the bars: without any it would be seen at the end alone.
    if (this.#rows.size === 0) writeAll(this.#fd, line);
    else this.#bars.log(line);
  }

  end(): void {
    // Where nothing was drawn it would leave an empty line.
    if (this.#rows.size > 0) this.#bars.stop();
  }
}

function payload(digest: string, state: string, sizes: string): Payload {
  return { id: shortDigest(digest), state: state.padEnd(stateColumns), sizes };
}

export class BarDisplay extends LayerBars implements PullDisplay {
  /** While a layer still comes, its way here is what is waited for, and shown. */
  readonly #coming = new Set<string>();

  onProgress(progress: PullProgress): void {
    switch (progress.kind) {
      case "layers":
        for (const { digest, size } of progress.descriptors) this.add(digest, size, "Waiting");
        return;
      case "downloading":
        this.#coming.add(progress.digest);
        this.show(progress.digest, "Downloading", progress.done);
        return;
      case "waiting":
        this.show(progress.digest, "Other pull", 0);
        return;
      case "downloaded":
        this.#coming.delete(progress.digest);
        this.show(progress.digest, "Downloaded", "all");
        return;
      case "reading":
        if (this.#coming.has(progress.digest)) return;
        this.show(progress.digest, "Unpacking", progress.done);
        return;
      case "layer": {
        const isOld = progress.outcome.state === "present";
        this.show(progress.digest, isOld ? "Already exists" : "Pull complete", "all");
      }
    }
  }
}

const pushed = { exists: "Already exists", mounted: "Mounted", pushed: "Pushed" } as const;

export class PushBars extends LayerBars {
  onProgress(progress: PushProgress): void {
    switch (progress.kind) {
      case "layers":
        for (const { digest, size } of progress.descriptors) this.add(digest, size, "Preparing");
        return;
      case "uploading":
        this.show(progress.digest, "Uploading", progress.done);
        return;
      case "layer":
        this.show(progress.digest, pushed[progress.outcome.state], "all");
    }
  }
}
