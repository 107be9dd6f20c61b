import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { EventReader, followEvents, parseEvent } from "./event-reader.ts";
import { eventLine, makeRoomForEvents, volumeLine } from "./events.ts";

let directory = "";
let path = "";

beforeAll(() => {
  directory = mkdtempSync(`${tmpdir()}/pivot-events-`);
  path = `${directory}/events`;
});
afterAll(() => rmSync(directory, { recursive: true }));

const subject = { name: "web", image: "busybox", labels: { a: "b c" } };

test("what is written is read: an action with spaces, an exit code, a volume", () => {
  expect(parseEvent(`12 ${eventLine("exec_start: ls -l\n/ü", "id", subject)}`)).toEqual({
    time: 12n,
    type: "container",
    action: "exec_start: ls -l\n/ü",
    id: "id",
    attributes: { a: "b c", image: "busybox", name: "web" },
  });
  expect(parseEvent(`12 ${eventLine("die", "id", subject)} 137`)?.attributes["exitCode"]).toBe(
    "137",
  );
  expect(parseEvent(`12 ${volumeLine("create", "data")}`)).toMatchObject({
    type: "volume",
    id: "data",
    attributes: { driver: "local" },
  });
});

test("a line that is none is passed over", () => {
  for (const line of [
    "",
    "12 container start",
    "x container start id {}",
    "1 a b c {",
    "1 a b c 1",
  ]) {
    expect(parseEvent(line)).toBeNull();
  }
});

const line = (number: number): string => `${number} container start id${number} {}\n`;

test("a reader goes on where it was, in whole lines, also into the next file", () => {
  writeFileSync(`${path}.1`, line(1));
  writeFileSync(path, line(2));
  const reader = new EventReader(path);
  const read = () => reader.read().map(({ id }) => id);
  expect(read()).toEqual(["id1", "id2"]);
  expect(read()).toEqual([]);
  appendFileSync(path, line(3).slice(0, 9));
  expect(read()).toEqual([]);
  appendFileSync(path, line(3).slice(9));
  expect(read()).toEqual(["id3"]);
  appendFileSync(path, line(4));
  renameSync(path, `${path}.1`);
  writeFileSync(path, line(5));
  expect(read()).toEqual(["id4", "id5"]);
  reader.close();
});

test("no file is an empty one, until there is one", async () => {
  rmSync(directory, { recursive: true });
  const reader = new EventReader(path);
  expect(reader.read()).toEqual([]);
  directory = mkdtempSync(`${tmpdir()}/pivot-events-`);
  path = `${directory}/events`;
  const seen: string[] = [];
  setTimeout(() => writeFileSync(path, line(6)), 30);
  for await (const events of followEvents(path, Date.now() + 300)) {
    seen.push(...events.map(({ id }) => id));
  }
  expect(seen).toEqual(["id6"]);
  expect(readdirSync(directory)).toEqual(["events"]);
});

test("a file that is too large is put aside before the executor adds to it", () => {
  const runRoot = `${directory}/room`;
  mkdirSync(runRoot);
  makeRoomForEvents({ runRoot });
  writeFileSync(`${runRoot}/events`, "x");
  makeRoomForEvents({ runRoot });
  expect(readdirSync(runRoot)).toEqual(["events"]);
  writeFileSync(`${runRoot}/events`, "x".repeat((4 << 20) + 1));
  makeRoomForEvents({ runRoot });
  expect(readdirSync(runRoot)).toEqual(["events.1"]);
});

test("no label makes an event unreadable", () => {
  const labels = { a: "\u2028\u2029\r\n{} 7", image: "other", exitCode: "0" };
  const written = `12 ${eventLine("die", "id", { ...subject, labels })} 3`;
  expect(parseEvent(written)?.attributes).toEqual({
    ...labels,
    image: "busybox",
    name: "web",
    exitCode: "3",
  });
});
