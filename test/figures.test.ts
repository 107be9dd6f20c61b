// What README and the prose of docs/benchmarks.md say of time is what stands in the tables there.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

const read = (path: string): string =>
  readFileSync(new URL(`../${path}`, import.meta.url).pathname, "utf8");

const readme = read("README.md");
const benchmarks = read("docs/benchmarks.md");

/** The cells of the one row of a result that begins so. */
function row(result: string, ...first: readonly string[]): readonly string[] {
  const [, text = ""] = benchmarks.split(`<!-- result of bench/${result}.ts: begin -->`);
  const found = (text.split("<!-- result of")[0] ?? "")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1))
    .filter((cells) => first.every((cell, i) => cells[i] === cell));
  expect([first, found.length]).toEqual([first, 1]);
  return found[0] ?? [];
}

/** What is in the brackets of a text: numbers. */
function said(text: string, pattern: RegExp): readonly number[] {
  const found = pattern.exec(text);
  expect([pattern.source, found === null]).toEqual([pattern.source, false]);
  return (found ?? []).slice(1).map(Number);
}

const two = (value: number): number => Number(value.toFixed(2));

test("the start, and the library", () => {
  const median = (id: string, root: string): number => Number(row("start", id, root)[5]);
  const pivot = median("pivot", "fresh");
  expect(
    said(
      readme,
      /`pivot run` takes ([\d.]+)\s+times as long as crun and ([\d.]+) times as long as runc; from the library in a warm process ([\d.]+) times/,
    ),
  ).toEqual([
    two(pivot / median("crun", "prepared")),
    two(pivot / median("runc", "prepared")),
    two(median("warm-pivot", "fresh") / median("floor-engine", "fresh")),
  ]);
});

test("the calls of an OCI runtime", () => {
  const ofCrun = (call: string, configuration: string): number =>
    Number.parseFloat(row("oci", call, configuration, "pivot-oci")[8] ?? "");
  const life = ["plain", "full"].map((each) => ofCrun("create + start + delete", each));
  const one = (value: number): number => Number(value.toFixed(1));
  expect(
    said(
      readme,
      /in ([\d.]+) of crun's time\s+without a filter, and in ([\d.]+) with docker's profile and mounts; `exec true` takes ([\d.]+), fifty\s+containers at once ([\d.]+)\. [^:]+: `state` takes ([\d.]+) of\s+crun's time\. `list` does: ([\d.]+) times/,
    ),
  ).toEqual([
    ...life,
    ofCrun("exec true", "full"),
    ofCrun("50 × run --detach at once", "full"),
    ofCrun("state", "full"),
    one(ofCrun("list", "full")),
  ]);
  expect(
    said(
      benchmarks,
      /`create` takes ([\d.]+) times\s+as long as crun's without a filter, and the three of a life together ([\d.]+)\./,
    ),
  ).toEqual([one(ofCrun("create", "plain")), life[0] ?? 0]);
  expect(
    said(
      benchmarks,
      /with a filter `create` takes ([\d.]+) of crun's time, and the three ([\d.]+)\./,
    ),
  ).toEqual([ofCrun("create", "full"), life[1] ?? 0]);
});

test("what a network costs", () => {
  const cpu = (network: string): number => Number(row("networks", "pivot", network)[5]);
  const [processor = 0] = said(
    readme,
    /A start on a bridge takes some (\d+) ms\s+of processor time/,
  );
  expect(Math.abs(cpu("bridge") - cpu("none") - processor)).toBeLessThan(processor / 5);
  expect(said(read("docs/guides/networks.md"), /some (\d+) ms of processor time/)).toEqual([
    processor,
  ]);
  const engines = ["pivot", "podman", "docker"];
  expect(
    said(
      benchmarks,
      /on a bridge pivot's network takes (\d+) ms of a start, podman's (\d+), docker's (\d+)/,
    ),
  ).toEqual(
    engines.map((engine) =>
      Math.round(Number.parseFloat(row("networks", engine, "bridge")[7] ?? "")),
    ),
  );
});

test("what stays beside a container", () => {
  const kib = (engine: string): number => Number(row("detached", engine, "1")[3]);
  const [mega = 0] = said(
    readme,
    /What stays per container is ([\d.]+) MB, a fifth of conmon's and a/,
  );
  expect(Number((kib("pivot") / 1000).toFixed(1))).toBe(mega);
  // In words: a fifth, and a thirtieth.
  expect(kib("pivot") / kib("podman")).toBeLessThanOrEqual(1 / 5);
  expect(kib("pivot") / kib("containerd")).toBeLessThanOrEqual(1 / 30);
});
