/** `pivot logs`: what a container has written, and writes. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import { followLog, type LogEntry, LogReader } from "../engine/log-file.ts";
import { logFile } from "../engine/start.ts";
import { isAlive } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots, onlyWord } from "./each-container.ts";
import { readMoment } from "./moment.ts";

export const logsFlags: readonly Flag[] = [
  { name: "details", help: "leave room for what the log says besides" },
  { name: "follow", short: "f", help: "go on with what is still to come" },
  { name: "since", value: "TIME", help: "from then on: 10m, 2006-01-02T15:04:05, seconds" },
  { name: "tail", short: "n", value: "N", help: "only so many lines from the end; all" },
  { name: "timestamps", short: "t", help: "show when each line was written" },
  { name: "until", value: "TIME", help: "up to then" },
];

type Wish = {
  /** As the log has times; null: no bound. */
  readonly since: string | null;
  readonly until: string | null;
  /** null: all. */
  readonly tail: number | null;
  readonly showsTimes: boolean;
  readonly showsDetails: boolean;
};

/** Compared as texts: the log has nine digits behind the point. */
const timeText = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace("Z", "000000Z");

function readTail(text: string | null): number | null {
  if (text === null || text === "all") return null;
  if (!/^-?\d{1,15}$/.test(text)) {
    throw new UsageError(`--tail takes a number or all, received ${JSON.stringify(text)}`);
  }
  return text.startsWith("-") ? null : Number(text);
}

function readWish({ flags }: ParsedArguments): Wish {
  const last = (name: string): string | null => flags.get(name)?.at(-1) ?? null;
  const moment = (name: string): string | null => {
    const text = last(name);
    return text === null ? null : timeText(readMoment(`--${name}`, text));
  };
  return {
    since: moment("since"),
    until: moment("until"),
    tail: readTail(last("tail")),
    showsTimes: last("timestamps") === "true",
    showsDetails: last("details") === "true",
  };
}

const newline = Buffer.from("\n");

/** Writes entries out, each to the stream that it came from. */
class Printer {
  readonly #wish: Wish;
  /** Streams in the middle of a line: no time stands before what goes on. */
  readonly #open = new Set<LogEntry["stream"]>();

  constructor(wish: Wish) {
    this.#wish = wish;
  }

  #before({ time, stream }: LogEntry): Buffer[] {
    if (this.#open.has(stream)) return [];
    const { showsTimes, showsDetails } = this.#wish;
    const words = `${showsTimes ? `${time} ` : ""}${showsDetails ? " " : ""}`;
    return words === "" ? [] : [Buffer.from(words, "latin1")];
  }

  /** @returns whether more may come: not when the log is past `--until`. */
  print(entries: readonly LogEntry[]): boolean {
    const { since, until } = this.#wish;
    let parts: Buffer[] = [];
    let stream: LogEntry["stream"] = "stdout";
    const flush = (): void => {
      if (parts.length > 0) writeAll(stream === "stdout" ? 1 : 2, Buffer.concat(parts));
      parts = [];
    };
    for (const entry of entries) {
      if (since !== null && entry.time < since) continue;
      if (until !== null && entry.time > until) {
        flush();
        return false;
      }
      if (entry.stream !== stream) flush();
      stream = entry.stream;
      parts.push(...this.#before(entry), entry.text);
      if (entry.isWhole) {
        parts.push(newline);
        this.#open.delete(stream);
      } else {
        this.#open.add(stream);
      }
    }
    flush();
    return true;
  }
}

export async function logsCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const word = onlyWord(given, "pivot logs [OPTIONS] CONTAINER");
  const wish = readWish(given);
  const container = await findContainer(engineRoots(globals), word);
  if (container.record.engine?.log.driver === "none") {
    throw new WishError([
      `container ${container.name} keeps no log: it was made with --log-driver none`,
    ]);
  }
  const path = logFile(container.record, container.id);
  if (!existsSync(dirname(path))) return 0; // it was never started
  const reader = new LogReader(path, wish.tail);
  const printer = new Printer(wish);
  try {
    if (given.flags.get("follow")?.at(-1) === "true" && isAlive(container)) {
      const isOver = (): boolean => !existsSync(container.directory);
      for await (const entries of followLog(reader, path, isOver)) {
        if (!printer.print(entries)) break;
      }
      return 0;
    }
    for (let entries = reader.read(); entries.length > 0; entries = reader.read()) {
      if (!printer.print(entries)) break;
    }
    return 0;
  } finally {
    reader.close();
  }
}
