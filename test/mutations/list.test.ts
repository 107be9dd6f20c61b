// The list of mutations is itself under test: each still applies to the sources, and each row of the
// security suite, each test of faults and each check of the load test has one that it fails by. Whether it
// does is seen by `npm run test:mutations`.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { FakeRegistry } from "../../src/registry/testing/fake-registry.ts";
import { containerScenarios, ociScenarios } from "../faults/scenario.ts";
import { fileScenarios, imageScenarios } from "../faults/scenario-files.ts";
import { networkScenarios } from "../faults/scenario-networks.ts";
import { Ground, whyNot as whyNoContainer } from "../pivot.ts";
import { engineRows, runtimeRows } from "../security/rows.ts";
import { mutations } from "./list.ts";
import { editsOf } from "./mutation.ts";
import { checkName } from "./notice.ts";
import { edited } from "./tree.ts";
import { unbrokenFaults, unbrokenLoad, unbrokenRows } from "./unbroken.ts";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

const repeated = (all: readonly string[]): string[] =>
  all.filter((each, i) => all.indexOf(each) !== i);

/** What nobody breaks and no reason excuses; and what is named, or excused, and is not there. */
function compare(there: readonly string[], broken: readonly string[], excused: readonly string[]) {
  return {
    unnoticed: there.filter((each) => !broken.includes(each) && !excused.includes(each)),
    unknown: [...broken, ...excused].filter((each) => !there.includes(each)),
    both: excused.filter((each) => broken.includes(each)),
  };
}
const nothing = { unnoticed: [], unknown: [], both: [] };

/** Names of tests that a file says itself. */
const namesIn = (path: string): string[] =>
  [...read(path).matchAll(/\b(?:test(?:\.skipIf\([^)]*\)\)?)?|demand)\(\s*"([^"]+)"/g)].map(
    ([, name = ""]) => name,
  );

test("each break has a name of its own, finds what it breaks, and names what notices", () => {
  expect(repeated(mutations.map(({ name }) => name))).toEqual([]);
  for (const mutation of mutations) {
    const { name, tests = [], rows = [], faults = [], load = [] } = mutation;
    expect([name, tests.length + rows.length + faults.length + load.length > 0]).toEqual([
      name,
      true,
    ]);
    for (const file of new Set(editsOf(mutation).map((each) => each.file))) {
      const edits = editsOf(mutation).filter((each) => each.file === file);
      const text = read(file);
      const broken = edited(text, edits);
      expect([name, broken === text ? "it changes nothing" : typeof broken]).toEqual([
        name,
        "string",
      ]);
    }
    for (const [file, part] of tests)
      expect([name, file, read(file).length > 0, part === undefined || part !== ""]).toEqual([
        name,
        file,
        true,
        true,
      ]);
  }
});

test("each row of the security suite is broken by one", () => {
  const apply = [...runtimeRows, ...engineRows].filter(({ tried }) => tried !== "nothing");
  const ids = apply.map((row) => row.ids[0] ?? "");
  expect(repeated(ids)).toEqual([]);
  const broken = mutations.flatMap(({ rows = [] }) => rows);
  expect(compare(ids, broken, Object.keys(unbrokenRows))).toEqual(nothing);
});

test("each test of faults fails by one", () => {
  // A ground of which nothing is made: names alone are asked for.
  const ground = new Ground("mutations", whyNoContainer ?? "nothing is run here");
  const registry = { host: "127.0.0.1:1", add: () => undefined } as unknown as FakeRegistry;
  const scenarios = (names: readonly { readonly name: string }[]) => names.map(({ name }) => name);
  const containers = scenarios([
    ...containerScenarios(ground),
    ...networkScenarios(ground, "all"),
    ...ociScenarios(ground),
  ]);
  const others = scenarios([...imageScenarios(ground, registry), ...fileScenarios(ground)]);
  const there = [
    ...containers.map((name) => `calls: ${name}`),
    ...[...containers, ...others].map((name) => `kills: ${name}`),
    ...namesIn("test/faults/registry.faults.ts").map((name) => `registry: ${name}`),
    ...namesIn("test/faults/shortage.faults.ts").map((name) => `shortage: ${name}`),
  ];
  expect(
    readdirSync(`${root}test/faults`).filter((name) => name.endsWith(".faults.ts")),
  ).toHaveLength(4);
  const broken = mutations.flatMap(({ faults = [] }) =>
    faults.flatMap(({ file, tests }) => tests.map((name) => `${file}: ${name}`)),
  );
  expect(compare(there, broken, Object.keys(unbrokenFaults))).toEqual(nothing);
});

test("each check of the load test fails by one", () => {
  const source = read("test/load/run.ts");
  const there = [
    ...source.matchAll(/(?:\bwhat: |beside\("\w+", )(?:"([^"]+)"|`([^`]+)`)|flat\("([^"]+)"/g),
  ]
    .map(([, plain, template, flat]) =>
      flat === undefined
        ? (plain ?? template ?? "").replaceAll(/\$\{[^}]*\}/g, "0")
        : `what is left after ${flat}`,
    )
    .map(checkName)
    .filter((name) => name !== "what is left after N");
  const broken = mutations.flatMap(({ load = [] }) => load);
  expect(compare([...new Set(there)], broken, Object.keys(unbrokenLoad))).toEqual(nothing);
});
