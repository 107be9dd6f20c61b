// The log read back: while it grows and rotates, from its end, and with lines that are no lines.

import { afterAll, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { followLog, type LogEntry, LogReader, parseEntry } from "./log-file.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-log-`);
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;
const freshPath = (): string => `${directory}/log-${count++}`;

const time = (second: number): string =>
  `2026-11-26T11:00:${String(second).padStart(2, "0")}.000000001Z`;
const line = (text: string, tag = "F", stream = "stdout", second = 0): string =>
  `${time(second)} ${stream} ${tag} ${text}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(`line ${from + i}`)).join("");

function textsOf(reader: LogReader): string[] {
  const texts: string[] = [];
  for (let entries = reader.read(); entries.length > 0; entries = reader.read()) {
    texts.push(...entries.map(({ text }) => text.toString("latin1")));
  }
  return texts;
}

function read(path: string, tail: number | null = null): string[] {
  const reader = new LogReader(path, tail);
  try {
    return textsOf(reader);
  } finally {
    reader.close();
  }
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

test("an entry: its time, its stream, whether it is whole, and its bytes", () => {
  const entry = parseEntry(Buffer.from(line("a\0b c", "P", "stderr").slice(0, -1), "latin1"));
  expect(entry).toEqual({
    time: time(0),
    stream: "stderr",
    isWhole: false,
    text: Buffer.from("a\0b c"),
  });
  for (const bad of [
    "",
    "x",
    line("a").slice(0, 39),
    line("a", "Q"),
    line("a").replace("Z ", "Z_"),
  ]) {
    expect(parseEntry(Buffer.from(bad))).toBeNull();
  }
});

test("a log that is not there is empty, and one that is cut short is read up to there", () => {
  const path = freshPath();
  expect(read(path)).toEqual([]);
  writeFileSync(path, `${line("one")}${line("two").slice(0, 20)}`);
  expect(read(path)).toEqual(["one"]);
  writeFileSync(path, `${line("one")}rubbish\n${line("two")}`);
  expect(read(path)).toEqual(["one", "two"]);
});

test("older files come first, also when one is missing", () => {
  const path = freshPath();
  writeFileSync(`${path}.10`, lines(0, 3));
  writeFileSync(`${path}.2`, lines(3, 6));
  writeFileSync(path, lines(6, 9));
  writeFileSync(`${path}.old`, lines(100, 101));
  expect(read(path)).toEqual(range(0, 9));
  for (let tail = 0; tail <= 10; tail++) {
    expect({ tail, read: read(path, tail) }).toEqual({
      tail,
      read: range(Math.max(0, 9 - tail), 9),
    });
  }
});

test("the last lines of a long file, and of one with long lines", () => {
  const path = freshPath();
  writeFileSync(path, lines(0, 20_000));
  for (const tail of [1, 2, 1499, 15_000, 19_999, 20_000, 30_000]) {
    expect(read(path, tail)).toEqual(range(Math.max(0, 20_000 - tail), 20_000));
  }
  const part = "x".repeat(16_384);
  writeFileSync(path, line("before") + line(part, "P") + line(part, "P") + line("end") + line("z"));
  expect(read(path, 1)).toEqual(["z"]);
  expect(read(path, 2)).toEqual([part, part, "end", "z"]);
  expect(read(path, 3)).toEqual(["before", part, part, "end", "z"]);
  appendFileSync(path, line("not finished", "P"));
  expect(read(path, 1)).toEqual(["not finished"]);
  expect(read(path, 2)).toEqual(["z", "not finished"]);
});

test("nothing is lost or read twice when it rotates meanwhile", () => {
  const path = freshPath();
  const rotate = (next: string): void => {
    for (let i = 3; i > 1; i--) {
      try {
        renameSync(`${path}.${i - 1}`, `${path}.${i}`);
      } catch {} // not there yet
    }
    renameSync(path, `${path}.1`);
    writeFileSync(path, next);
  };
  writeFileSync(path, lines(0, 10));
  const reader = new LogReader(path, null);
  expect(textsOf(reader)).toEqual(range(0, 10));
  appendFileSync(path, lines(10, 12)); // just before
  rotate(lines(12, 20));
  expect(textsOf(reader)).toEqual(range(10, 20));
  rotate(lines(20, 30));
  rotate(lines(30, 40));
  expect(textsOf(reader)).toEqual(range(20, 40));
  // So far that the one at hand is gone: what there is comes next.
  for (let i = 4; i < 10; i++) rotate(lines(i * 10, i * 10 + 10));
  rmSync(`${path}.3`);
  expect(textsOf(reader)).toEqual(range(70, 100));
  truncateSync(path);
  appendFileSync(path, lines(0, 1));
  expect(textsOf(reader)).toEqual(range(0, 1));
  reader.close();
});

test("it is followed until the container has ended, and read to its end then", async () => {
  const path = freshPath();
  writeFileSync(path, lines(0, 2));
  const reader = new LogReader(path, 1);
  let isOver = false;
  const seen: LogEntry[] = [];
  const following = (async () => {
    for await (const entries of followLog(reader, path, () => isOver)) seen.push(...entries);
  })();
  const texts = (): string[] => seen.map(({ text }) => text.toString());
  const until = async (wanted: number): Promise<void> => {
    for (let i = 0; i < 400 && seen.length < wanted; i++) await Bun.sleep(5);
  };
  await until(1);
  expect(texts()).toEqual(range(1, 2));
  appendFileSync(path, line("line 2").slice(0, 45)); // half of it
  appendFileSync(path, line("line 2").slice(45) + lines(3, 4));
  await until(3);
  expect(texts()).toEqual(range(1, 4));
  appendFileSync(path, lines(4, 5));
  isOver = true;
  await following;
  expect(texts()).toEqual(range(1, 5));
  reader.close();
});
