/**
 * A bar for each layer, on a terminal: downloading, then unpacking. Loaded only for a terminal, since
 * the library that draws them is not needed elsewhere.
 */
import { MultiBar, type SingleBar } from "cli-progress";
import type { PullProgress } from "../registry/pull.ts";
import { type PullDisplay, shortDigest } from "./pull-progress.ts";

/** Lines that are left for what stands above and below. */
const spareLines = 3;
const standardRows = 24;
/** Columns of everything but the bar. */
const textColumns = 50;
const barColumns = 30;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

type Payload = { readonly id: string; readonly state: string; readonly sizes: string };

type Row = { readonly bar: SingleBar; readonly total: number };

export class BarDisplay implements PullDisplay {
  readonly #bars: MultiBar;
  readonly #rows = new Map<string, Row>();
  readonly #mostRows: number;
  /** While a layer still comes, its way here is what is waited for, and shown. */
  readonly #coming = new Set<string>();

  constructor(fd: 1 | 2) {
    const stream = fd === 1 ? process.stdout : process.stderr;
    this.#mostRows = Math.max(1, (stream.rows || standardRows) - spareLines);
    this.#bars = new MultiBar({
      stream,
      format: "{id}: {state} {bar} {sizes}",
      barsize: Math.max(5, Math.min(barColumns, (stream.columns || 80) - textColumns)),
      barCompleteChar: "█",
      barIncompleteChar: "░",
      autopadding: true,
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

  #add(digest: string, total: number): void {
    // More than fit cannot be redrawn: those go without a bar.
    if (this.#rows.has(digest) || this.#rows.size >= this.#mostRows) return;
    const bar = this.#bars.create(Math.max(1, total), 0, this.#payload(digest, "Waiting", ""));
    this.#rows.set(digest, { bar, total });
  }

  #payload(digest: string, state: string, sizes: string): Payload {
    return { id: shortDigest(digest), state: state.padEnd(13), sizes };
  }

  #show(digest: string, state: string, done: number | "all"): void {
    const row = this.#rows.get(digest);
    if (row === undefined) return;
    const whole = Math.max(1, row.total);
    const sizes =
      done === "all" ? megabytes(row.total) : `${megabytes(done)} of ${megabytes(row.total)}`;
    row.bar.update(done === "all" ? whole : done, this.#payload(digest, state, sizes));
  }

  onProgress(progress: PullProgress): void {
    switch (progress.kind) {
      case "layers":
        for (const { digest, size } of progress.descriptors) this.#add(digest, size);
        return;
      case "downloading":
        this.#coming.add(progress.digest);
        this.#show(progress.digest, "Downloading", progress.done);
        return;
      case "waiting":
        this.#show(progress.digest, "Other pull", 0);
        return;
      case "downloaded":
        this.#coming.delete(progress.digest);
        this.#show(progress.digest, "Downloaded", "all");
        return;
      case "reading":
        this.#showUnpacking(progress.digest, progress.done);
        return;
      case "layer": {
        const isOld = progress.outcome.state === "present";
        this.#show(progress.digest, isOld ? "Already there" : "Pull complete", "all");
      }
    }
  }

  #showUnpacking(digest: string, done: number): void {
    if (!this.#coming.has(digest)) this.#show(digest, "Unpacking", done);
  }

  onRetry(why: string, delay: number): void {
    this.#bars.log(`Retrying in ${Math.ceil(delay / 1000)} s: ${why}\n`);
  }

  end(): void {
    this.#bars.stop();
  }
}
