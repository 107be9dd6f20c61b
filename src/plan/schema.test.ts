import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { catalogue, type Entry } from "./catalogue.ts";
import * as constants from "./constants.ts";
import { printEncoder } from "./encoder.ts";
import { printHeader, wireVersion } from "./header.ts";

/** What both sides must agree on: numbers, and fields in their order. Not the prose. */
function schema(): string {
  const entries = Object.entries(catalogue) as [string, Entry][];
  const operations = entries.map(([name, { code, fields }]) => {
    const kinds = Object.entries(fields).map(([field, [kind]]) => `${field}:${kind}`);
    return `${code} ${name} ${kinds.join(" ")}`;
  });
  return JSON.stringify([operations, constants.choices, constants.flagSets]);
}

test("a change of the schema comes with a new version of the wire format", () => {
  const hash = new Bun.CryptoHasher("sha256").update(schema()).digest("hex").slice(0, 16);
  // When this fails: raise wireVersion in header.ts, then write the new hash here.
  expect({ wireVersion, hash }).toEqual({ wireVersion: 4, hash: "7c88118783aa56cb" });
});

test("no two operations share a number", () => {
  const codes = Object.values(catalogue).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

test("every operation says what it is in one sentence", () => {
  for (const [name, { gist, man, calls }] of Object.entries(catalogue)) {
    expect(`${name}: ${gist}`).toMatch(/^\w+: [A-Z].*\.$/);
    expect(man).toMatch(/\(\d(const)?\)/);
    expect(calls).not.toBe("");
  }
});

test("what is made from the catalogue is fresh: `npm run generate`", () => {
  const read = (path: string) =>
    readFileSync(new URL(`../../${path}`, import.meta.url).pathname, "utf8");
  expect(read("native/plan.generated.h")).toBe(printHeader());
  expect(read("src/executor/write-fields.generated.ts")).toBe(printEncoder());
});
