/** The unpacker's wire format: both sides agree on it, and no bytes break the reader. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { layersMax } from "./manifest.ts";
import { sparseSegmentsMax } from "./tar-sparse.ts";
import {
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerProgram,
} from "./testing/fixture.ts";
import {
  encodeRecord,
  makeRecord,
  pathBytesMax,
  recordTypes,
  type UnpackRecord,
  unpackHeaderBytes,
  unpackMagic,
  xattrsBytesMax,
} from "./unpack-record.ts";

const header = readFileSync(new URL("../../native/unpack.h", import.meta.url), "utf8");

function definition(name: string): string {
  return new RegExp(`^#define UNPACK_${name} (.*)$`, "m").exec(header)?.[1] ?? "missing";
}

function usage(...args: readonly string[]) {
  const program = unpackerProgram("sanitised");
  return spawnSync(program, ["unpack", ...args], { input: "", encoding: "utf8" });
}

test("native/unpack.h has the same numbers", () => {
  expect(definition("MAGIC")).toBe(`"${unpackMagic}"`);
  expect(definition("HEADER_BYTES")).toBe(String(unpackHeaderBytes));
  expect(definition("PATH_BYTES_MAX")).toBe(String(pathBytesMax));
  expect(definition("XATTRS_BYTES_MAX")).toBe(String(xattrsBytesMax));
  expect(definition("SEGMENTS_MAX")).toBe(String(sparseSegmentsMax));
  expect(definition("LOWER_MAX")).toBe(String(layersMax));
  const names = { character: "CHAR" } as Readonly<Record<string, string>>;
  for (const [name, number] of Object.entries(recordTypes)) {
    expect(definition(names[name] ?? name.toUpperCase())).toBe(String(number));
  }
});

const record = (fields: Partial<UnpackRecord>) => encodeRecord(makeRecord(fields));
const end = record({ type: "end" });
const magic = Buffer.from(unpackMagic);
const stream = (...parts: readonly Uint8Array[]) => Buffer.concat([magic, ...parts]);
const withField = (at: number, value: number, fields: Partial<UnpackRecord> = {}) => {
  const bytes = record({ type: "file", path: "a", ...fields });
  bytes.writeUInt32LE(value, at);
  return bytes;
};

const sample = stream(
  record({ type: "directory", path: "", mode: 0o755 }),
  record({ type: "directory", path: "d", mode: 0o755, xattrs: new Map([["user.a", "b"]]) }),
  record({ type: "file", path: "d/f", mode: 0o644, size: 5 }),
  Buffer.from("hello"),
  record({ type: "file", path: "d/s", size: 5000, segments: [{ offset: 4096, length: 4 }] }),
  Buffer.from("data"),
  record({ type: "symlink", path: "d/l", link: "f" }),
  record({ type: "hardlink", path: "d/h", link: "d/f" }),
  record({ type: "character", path: "d/c", deviceMajor: 1, deviceMinor: 3 }),
  record({ type: "fifo", path: "d/p" }),
  record({ type: "whiteout", path: "d/w" }),
  record({ type: "opaque", path: "d" }),
  end,
);

describe.skipIf(!isRoot)("the reader of records (needs root: owners and device nodes)", () => {
  let directory = "";
  let count = 0;

  beforeAll(() => {
    directory = makeDirectory();
    unpackerProgram("sanitised");
  }, 60_000 * patience);
  afterAll(() => dropDirectory(directory));

  function run(input: Uint8Array) {
    const layer = `${directory}/l${count++}`;
    mkdirSync(layer);
    const program = unpackerProgram("sanitised");
    const done = spawnSync(program, ["unpack", layer], {
      input,
      encoding: "latin1",
      timeout: 20_000 * patience,
    });
    return { status: done.status, stdout: done.stdout, stderr: done.stderr, layer };
  }

  test("applies a record of each kind", () => {
    const { status, stdout, layer } = run(sample);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "ok 10 0\n" });
    expect(outline(layer)).toEqual([
      "d directory opaque",
      "d/c character 1:3",
      "d/f file",
      "d/h file",
      "d/l symlink -> f",
      "d/p fifo",
      "d/s file",
    ]);
    const sparse = readFileSync(`${layer}/d/s`);
    expect(sparse.length).toBe(5000);
    expect(sparse.subarray(4096, 4100).toString()).toBe("data");
  });

  const attribute = (nameLength: number, valueLength: number, bytes: string) => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(nameLength, 0);
    head.writeUInt32LE(valueLength, 4);
    const xattrs = Buffer.concat([head, Buffer.from(bytes, "latin1")]);
    const whole = withField(44, xattrs.length);
    return Buffer.concat([whole, xattrs]);
  };
  const segments = (...numbers: readonly bigint[]) => {
    const bytes = Buffer.alloc(numbers.length * 8);
    for (const [i, number] of numbers.entries()) bytes.writeBigUInt64LE(number, i * 8);
    return Buffer.concat([withField(48, numbers.length / 2, { size: 100 }), bytes]);
  };

  test.each([
    ["an empty stream", Buffer.alloc(0), /ended early/],
    ["another magic number", Buffer.concat([Buffer.from("pivotun2"), end]), /does not begin with/],
    ["no end", stream(record({ type: "directory", path: "a" })), /ended early/],
    ["type 0", stream(withField(0, 0), end), /unknown type/],
    ["type 11", stream(withField(0, 11), end), /unknown type/],
    ["a mode with a file type", stream(withField(4, 0o100644), end), /mode beyond/],
    ["user -1", stream(withField(8, 0xffff_ffff), end), /owner id/],
    ["group -1", stream(withField(12, 0xffff_ffff), end), /owner id/],
    ["UTIME_NOW", stream(withField(24, (1 << 30) - 1), end), /nanoseconds/],
    ["UTIME_OMIT", stream(withField(24, (1 << 30) - 2), end), /nanoseconds/],
    ["a reserved field", stream(withField(52, 1), end), /reserved/],
    ["a size over 2^63", stream(withField(60, 0x8000_0000), end), /size beyond/],
    ["a path of 4 GiB", stream(withField(36, 0xffff_ffff), end), /path is too long/],
    [
      "a path of 4096",
      stream(record({ type: "file", path: "a/".repeat(2047) + "aa" }), end),
      /too long/,
    ],
    ["..", stream(record({ type: "file", path: ".." }), end), /not canonical/],
    ["a/..", stream(record({ type: "file", path: "a/.." }), end), /not canonical/],
    ["./a", stream(record({ type: "file", path: "./a" }), end), /not canonical/],
    ["/a", stream(record({ type: "file", path: "/a" }), end), /not canonical/],
    ["a/", stream(record({ type: "file", path: "a/" }), end), /not canonical/],
    ["a//b", stream(record({ type: "file", path: "a//b" }), end), /not canonical/],
    ["a NUL in a path", stream(record({ type: "file", path: "a\0b" }), end), /holds NUL/],
    [
      "a NUL in a link",
      stream(record({ type: "symlink", path: "a", link: "b\0" }), end),
      /holds NUL/,
    ],
    ["a file without a path", stream(record({ type: "file", path: "" }), end), /only a directory/],
    [
      "a whiteout of the root",
      stream(record({ type: "whiteout", path: "" }), end),
      /only a directory/,
    ],
    [
      "a hard link up",
      stream(record({ type: "hardlink", path: "a", link: "../b" }), end),
      /not canonical/,
    ],
    [
      "a hard link to nothing",
      stream(record({ type: "hardlink", path: "a" }), end),
      /not canonical/,
    ],
    ["4 GiB of attributes", stream(withField(44, 0xffff_ffff), end), /too many bytes/],
    [
      "an attribute cut short",
      stream(attribute(0, 0, "").subarray(0, -1), Buffer.alloc(0)),
      /early|cut short/,
    ],
    ["an attribute without a name", stream(attribute(0, 0, ""), end), /name of wrong length/],
    ["an attribute with an empty name", stream(attribute(1, 0, "\0"), end), /name of wrong length/],
    [
      "a long attribute name",
      stream(attribute(257, 0, `${"a".repeat(256)}\0`), end),
      /wrong length/,
    ],
    ["an attribute name beyond the end", stream(attribute(9, 0, "ab\0"), end), /wrong length/],
    ["an attribute name without its NUL", stream(attribute(3, 0, "abc"), end), /only NUL/],
    ["an attribute name with two NULs", stream(attribute(4, 0, "a\0b\0"), end), /only NUL/],
    [
      "an attribute value beyond the end",
      stream(attribute(3, 0xffff_ffff, "ab\0"), end),
      /value cut short/,
    ],
    [
      "overlayfs's attribute",
      stream(attribute(17, 1, "trusted.overlay.\0y"), end),
      /belongs to overlayfs/,
    ],
    ["too many segments", stream(withField(48, 65_537), end), /too many segments/],
    ["a segment beyond the size", stream(segments(90n, 11n), end), /out of order/],
    ["a segment that wraps around", stream(segments(1n, 2n ** 64n - 1n), end), /out of order/],
    ["segments out of order", stream(segments(50n, 10n, 55n, 1n), end), /out of order/],
    [
      "content cut short",
      stream(record({ type: "file", path: "a", size: 10 }), Buffer.from("x")),
      /early/,
    ],
    ["character device 0:0", stream(record({ type: "character", path: "a" }), end), /whiteout/],
    [
      "an empty symbolic link",
      stream(record({ type: "symlink", path: "a" }), end),
      /symbolic link/,
    ],
  ] as const)("%s is refused", (_, input, why) => {
    const { status, stdout, stderr } = run(input);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^fail \d+ \d+ [^\n]*\n$/);
    expect(stdout).toMatch(why);
    expect(status).toBe(1);
  });

  test("a stream cut anywhere is refused", { timeout: 60_000 * patience }, () => {
    for (let length = 0; length < sample.length; length += 7) {
      const { status, stdout, stderr } = run(sample.subarray(0, length));
      expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
      expect(stdout).toMatch(/^fail \d+ 61 the stream of records ended early: /);
    }
  });

  const mutation = fc.record({
    at: fc.nat(sample.length - 1),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  });

  test("a stream with any bytes changed is applied or refused in one line", {
    timeout: 60_000 * patience,
  }, () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const input = Buffer.from(sample);
        for (const { at, bytes } of mutations) input.set(bytes.subarray(0, input.length - at), at);
        const { status, stdout, stderr } = run(input);
        expect(stderr).toBe("");
        expect(stdout).toMatch(/^(?:skip [^\n]*\n)*(?:ok \d+ \d+|fail \d+ \d+ [^\n]*)\n$/);
        expect(status).toBe(stdout.includes("ok ") && !stdout.includes("fail ") ? 0 : 1);
      }),
      { numRuns: 150 },
    );
  });

  test("options that are wrong give the usage", () => {
    for (const args of [
      [],
      ["--what", directory],
      ["--lower", directory],
      ["a", "b"],
      ["--remove"],
    ]) {
      expect(usage(...args)).toMatchObject({ status: 2, stdout: "" });
      expect(usage(...args).stderr).toContain("usage: unpack");
    }
    expect(usage(`${directory}/none`)).toMatchObject({ status: 1, stderr: "" });
    expect(usage("--lower", `${directory}/none`, directory).stdout).toMatch(
      /cannot open a layer below/,
    );
  });
});
