import { expect, test } from "bun:test";
import { chooseStreams } from "./streams.ts";

test("without -i there is nothing to read", () => {
  const streams = chooseStreams({ interactive: false, tty: false }, ["pipe", "pipe", "pipe"]);
  expect(streams).toEqual(["null", "inherit", "inherit"]);
});

test("a terminal or a file of the host is not handed to the container", () => {
  const wish = { interactive: true, tty: false };
  expect(chooseStreams(wish, ["terminal", "terminal", "terminal"])).toEqual([
    "pipe",
    "pipe",
    "pipe",
  ]);
  expect(chooseStreams(wish, ["file", "file", "device"])).toEqual(["pipe", "pipe", "pipe"]);
});

test("streams that are closed or null are null", () => {
  const streams = chooseStreams({ interactive: true, tty: false }, ["closed", "null", "null"]);
  expect(streams).toEqual(["null", "null", "null"]);
});

test("with -t all three are the container's own terminal", () => {
  const streams = chooseStreams({ interactive: true, tty: true }, ["terminal", "pipe", "file"]);
  expect(streams).toEqual(["terminal", "terminal", "terminal"]);
});
