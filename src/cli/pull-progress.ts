/** Tells how a pull goes: bars on a terminal, docker's lines elsewhere. */

import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import type { PullProgress } from "../registry/pull.ts";

/** What is shown of a digest. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

/** A pull as somebody watches it. */
export interface PullDisplay {
  onProgress(progress: PullProgress): void;
  onRetry(why: string, delay: number): void;
  /** Leaves the terminal in order. */
  end(): void;
}

export const noDisplay: PullDisplay = { onProgress() {}, onRetry() {}, end() {} };

/** Each layer's way, a line for each station. */
class PlainDisplay implements PullDisplay {
  readonly #fd: number;
  readonly #downloaded = new Set<string>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  #line(text: string): void {
    writeAll(this.#fd, `${text}\n`);
  }

  onProgress(progress: PullProgress): void {
    if (progress.kind === "layers") {
      for (const { digest } of progress.missing) {
        this.#line(`${shortDigest(digest)}: Pulling fs layer`);
      }
      return;
    }
    const id = shortDigest(progress.digest);
    if (progress.kind === "waiting") this.#line(`${id}: Waiting for another pull`);
    if (progress.kind === "downloaded") {
      this.#downloaded.add(progress.digest);
      this.#line(`${id}: Download complete`);
    }
    if (progress.kind === "layer") {
      const isOld = progress.outcome.state === "present" && !this.#downloaded.has(progress.digest);
      this.#line(`${id}: ${isOld ? "Already exists" : "Pull complete"}`);
    }
  }

  onRetry(why: string, delay: number): void {
    this.#line(`Retrying in ${Math.ceil(delay / 1000)} s: ${why}`);
  }

  end(): void {}
}

/** @param fd where it goes; bars if that is a terminal */
export async function pullDisplay(fd: 1 | 2): Promise<PullDisplay> {
  if (!isatty(fd)) return new PlainDisplay(fd);
  const { BarDisplay } = await import("./pull-bars.ts");
  return new BarDisplay(fd);
}
