/** The unpacker of cp, built with sanitisers: no records make it leave its directory or misbehave. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { isRoot, unpackerProgram } from "../image/testing/fixture.ts";
import {
  encodeRecord,
  makeRecord,
  type RecordType,
  type UnpackRecord,
  unpackMagic,
} from "../image/unpack-record.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-into-`);
const outside = `${directory}/outside`;
let program: string;
let count = 0;

/** A root with a directory `to`, and links in it that lead out. */
function makeRoot(): string {
  const root = `${directory}/root-${count++}`;
  mkdirSync(`${root}/to/d`, { recursive: true });
  writeFileSync(`${root}/to/f`, "as it was");
  symlinkSync(outside, `${root}/to/out`);
  symlinkSync("../../outside", `${root}/to/up`);
  return root;
}

const end = makeRecord({ type: "end" });

function unpack(root: string, records: readonly UnpackRecord[], path = "to") {
  const parts = [...records, end].map((record) => {
    const content = record.type === "file" ? Buffer.alloc(record.size, "x") : Buffer.alloc(0);
    return Buffer.concat([encodeRecord(record), content]);
  });
  const input = Buffer.concat([Buffer.from(unpackMagic), ...parts]);
  const { status, stdout, stderr } = spawnSync(program, ["into", root, path], { input });
  return { status, stdout: stdout.toString("latin1"), stderr: stderr.toString() };
}

const outsideNow = () => [
  readdirSync(outside),
  lstatSync(outside).ctimeMs,
  readFileSync(`${outside}/f`, "utf8"),
  lstatSync(`${outside}/f`).nlink,
];

const names = fc.constantFrom(
  "a",
  "d",
  "f",
  "out",
  "up",
  "out/f",
  "d/a",
  "up/f",
  "out/n/m",
  "a/b/c",
  "",
);
const types = fc.constantFrom<RecordType>("file", "directory", "symlink", "hardlink", "fifo");
const records = fc.array(
  fc.record({ type: types, path: names, link: names, size: fc.nat(70_000), mode: fc.nat(0o7777) }),
  { maxLength: 6 },
);

describe.skipIf(!isRoot)(
  `the unpacker of cp (${isRoot ? "as root" : "needs root: owners"})`,
  () => {
    beforeAll(() => {
      program = unpackerProgram("sanitised");
      mkdirSync(outside);
      writeFileSync(`${outside}/f`, "outside");
    }, 60_000 * patience);
    afterAll(() => rmSync(directory, { recursive: true }));

    test("whatever it is told, it stays in its directory and says how it went", {
      timeout: 60_000 * patience,
    }, () => {
      const before = outsideNow();
      fc.assert(
        fc.property(records, (all) => {
          const root = makeRoot();
          const valid = all.filter(({ type, path }) => path !== "" || type === "directory");
          const made = valid.map((each) =>
            makeRecord({ ...each, link: each.type === "symlink" ? each.link || "x" : each.link }),
          );
          const { status, stdout, stderr } = unpack(root, made);
          expect(stderr).toBe("");
          expect(stdout).toMatch(
            /^at 0 0 dir: \n(?:skip .*\n)*(?:ok \d+ \d+|fail \d+ \d+ [^\n]*)\n$/,
          );
          expect(status).toBe(stdout.includes("\nok ") ? 0 : 1);
          expect(outsideNow()).toEqual(before);
          rmSync(root, { recursive: true });
        }),
        { numRuns: 25 },
      );
    });

    test("a place is told of before anything is made", () => {
      const root = makeRoot();
      symlinkSync("to/none", `${root}/dangling`);
      symlinkSync("loop", `${root}/loop`);
      const at = (path: string) => unpack(root, [], path).stdout.split("\n")[0];
      expect(at("to")).toBe("at 0 0 dir: ");
      expect(at("to/f")).toBe("at 0 0 file: f");
      expect(at("to/new\n")).toBe("at 0 0 none: new\\x0a");
      expect(at("dangling")).toBe("at 0 0 none: none");
      expect(at("/")).toBe("at 0 0 dir: ");
      expect(at("../../..")).toBe("at 0 0 dir: ");
      expect(at("to/f/")).toMatch(/^fail 0 20 it is no directory: $/);
      expect(at("to/none/new")).toMatch(/^fail 0 2 cannot open the directory above it: $/);
      expect(at("loop")).toMatch(/^fail 0 40 /);
      expect(at(`to/${"n".repeat(300)}`)).toMatch(/^fail 0 36 /);
      expect(at("n/".repeat(3000))).toMatch(/^fail 0 36 /);
    });

    test("a stream that ends early leaves no part of the file", () => {
      const root = makeRoot();
      const record = encodeRecord(
        makeRecord({ type: "file", path: "f", size: 100_000, mode: 0o644 }),
      );
      const input = Buffer.concat([Buffer.from(unpackMagic), record, Buffer.alloc(5000, "y")]);
      const { status, stdout } = spawnSync(program, ["into", root, "to"], { input });
      expect(status).toBe(1);
      expect(stdout.toString()).toContain("the stream of records ended early: f");
      expect(readFileSync(`${root}/to/f`, "utf8")).toBe("as it was");
      expect(readdirSync(`${root}/to`).sort()).toEqual(["d", "f", "out", "up"]);
    });
  },
);
