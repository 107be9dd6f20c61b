/** The tar parser: what is written comes back, and no bytes break or fill it. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { ImageError } from "./error.ts";
import { blockBytes } from "./tar-header.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";
import { type TarMember, tarArchive, tarEnd, tarEntry } from "./tar-writer.ts";

interface Parsed {
  readonly entry: TarEntry;
  readonly content: string;
}

function parse(archive: Buffer, chunk = archive.length || 1): readonly Parsed[] {
  const found: { entry: TarEntry; content: string }[] = [];
  const reader = new TarReader({
    entry(entry) {
      found.push({ entry, content: "" });
      return true;
    },
    content(bytes) {
      const last = found.at(-1);
      if (last) last.content += bytes.toString("latin1");
    },
  });
  for (let at = 0; at < archive.length; at += chunk) reader.push(archive.subarray(at, at + chunk));
  reader.finish();
  return found;
}

/** Makes the checksum of a header right again. */
function seal(archive: Buffer, at = 0): Buffer {
  archive.fill(0x20, at + 148, at + 156);
  const sum = archive.subarray(at, at + blockBytes).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  return archive;
}

/** An extended header of any type, with any content. */
function extension(type: string, content: string): Buffer {
  const whole = tarEntry({ name: "ext", content: Buffer.from(content, "latin1") });
  whole[156] = type.charCodeAt(0);
  return seal(whole);
}

const pax = (...records: readonly string[]) =>
  extension(
    "x",
    records
      .map((r) => {
        for (let length = r.length + 2; ; length++) {
          const record = `${length} ${r}\n`;
          if (record.length === length) return record;
        }
      })
      .join(""),
  );

const byteText = (minLength: number, maxLength: number) =>
  fc
    .uint8Array({ minLength, maxLength })
    .map((bytes) => Buffer.from(bytes.map((b) => b || 1)).toString("latin1"));

const member: fc.Arbitrary<TarMember> = fc.record({
  name: fc.oneof(byteText(1, 90), byteText(101, 300)).map((name) => `${name.replace(/\/+$/, "")}n`),
  type: fc.constantFrom("file", "directory", "symlink", "hardlink", "character", "block", "fifo"),
  link: fc.oneof(byteText(1, 90), byteText(101, 300)),
  mode: fc.nat(0o7777),
  uid: fc.oneof(fc.nat(1000), fc.nat(2 ** 32 - 2)),
  gid: fc.oneof(fc.nat(1000), fc.nat(2 ** 32 - 2)),
  mtimeSeconds: fc.oneof(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.nat(2_000_000_000)),
  mtimeNanoseconds: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
  deviceMajor: fc.nat(4095),
  deviceMinor: fc.nat(2_000_000),
  xattrs: fc
    .array(
      fc.tuple(
        byteText(1, 20).map((n) => n.replaceAll("=", "-")),
        byteText(0, 50),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => new Map(pairs)),
  content: fc.uint8Array({ maxLength: 2000 }),
}) as fc.Arbitrary<TarMember>;

test("what is written comes back, in chunks of any size", () => {
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 5 }),
      fc.integer({ min: 1, max: 3000 }),
      (members, chunk) => {
        const parsed = parse(tarArchive(members), chunk);
        expect(parsed).toHaveLength(members.length);
        for (const [i, { entry, content }] of parsed.entries()) {
          const written = members[i];
          const isDevice = written?.type === "character" || written?.type === "block";
          const bytes = Buffer.from(written?.type === "file" ? (written.content ?? []) : []);
          expect(entry).toEqual({
            ...(written as Required<TarMember>),
            deviceMajor: isDevice ? (written.deviceMajor ?? 0) : 0,
            deviceMinor: isDevice ? (written.deviceMinor ?? 0) : 0,
            size: bytes.length,
            stored: bytes.length,
            segments: [],
            content: undefined,
          } as unknown as TarEntry);
          expect(content).toBe(bytes.toString("latin1"));
        }
      },
    ),
  );
});

test("random bytes, or an archive with some changed, give entries or one clear line", () => {
  const archive = tarArchive([
    {
      name: "a".repeat(200),
      content: Buffer.from("x".repeat(700)),
      xattrs: new Map([["user.a", "b"]]),
    },
    { name: "d", type: "directory" },
    { name: "l", type: "symlink", link: "b".repeat(150) },
  ]);
  const mutated = fc
    .array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255), fc.boolean()), {
      minLength: 1,
      maxLength: 6,
    })
    .map((changes) => {
      const bytes = Buffer.from(archive);
      for (const [at, value] of changes) bytes[at] = value;
      // Most changes would end at the checksum otherwise.
      for (const [at, , sealed] of changes) if (sealed) seal(bytes, at - (at % blockBytes));
      return bytes;
    });
  const random = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, random), fc.integer({ min: 1, max: 1500 }), (bytes, chunk) => {
      try {
        parse(bytes, chunk);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        expect(error.message).not.toMatch(/[\n\0]/);
      }
    }),
    { numRuns: 2000 },
  );
});

function plain(name: string, content = "x"): Buffer {
  return tarEntry({ name, content: Buffer.from(content) });
}

function names(...parts: readonly Buffer[]): readonly string[] {
  return parse(Buffer.concat([...parts, tarEnd()])).map(({ entry }) => entry.name);
}

describe("formats", () => {
  test("v7: no magic, a directory by its slash, no device numbers", () => {
    const header = tarEntry({ name: "dir/" });
    header.fill(0, 156, 157);
    header.fill(0, 257, 512);
    header.write("junk", 345);
    expect(parse(seal(header))[0]?.entry).toMatchObject({
      name: "dir/",
      type: "directory",
      deviceMajor: 0,
    });
  });

  test("ustar joins the prefix, star's is shorter, GNU's is none", () => {
    const ustar = plain("name");
    ustar.write("some/prefix", 345);
    expect(names(seal(ustar))).toEqual(["some/prefix/name"]);
    const gnu = Buffer.from(ustar);
    gnu.write("ustar  \0", 257, "latin1");
    expect(names(seal(gnu))).toEqual(["name"]);
    const star = Buffer.from(ustar);
    star.fill(0x61, 345, 500);
    star.write("tar\0", 508, "latin1");
    expect(names(seal(star))).toEqual([`${"a".repeat(131)}/name`]);
  });

  test("old checksums of signed bytes", () => {
    const header = plain("\xff\xfe");
    const sum = header
      .subarray(0, blockBytes)
      .reduce(
        (total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte > 127 ? byte - 256 : byte),
        0,
      );
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    expect(names(header)).toEqual(["\xff\xfe"]);
  });

  test("GNU's long names and binary numbers", () => {
    const header = plain("short");
    header.fill(0, 136, 148);
    header.fill(0xff, 136, 148); // -1
    header.fill(0, 108, 116);
    header[108] = 0x80;
    header.writeUInt32BE(3_000_000_000, 112);
    const archive = Buffer.concat([
      extension("L", `${"n".repeat(300)}\0`),
      extension("K", "target\0"),
      seal(header),
      tarEnd(),
    ]);
    expect(parse(archive)[0]?.entry).toMatchObject({
      name: "n".repeat(300),
      link: "target",
      uid: 3_000_000_000,
      mtimeSeconds: -1,
    });
  });

  test("a PAX record overrules the header, for one entry; an empty one takes it back", () => {
    expect(names(pax("path=new"), plain("old"), plain("next"))).toEqual(["new", "next"]);
    expect(names(pax("path=new", "path="), plain("old"))).toEqual(["old"]);
    expect(names(pax("path=one"), pax("path=two"), plain("old"))).toEqual(["two"]);
    expect(names(pax("path=pax"), extension("L", "long\0"), plain("old"))).toEqual(["long"]);
    expect(names(extension("g", "14 path=global\n".padEnd(15)), plain("old"))).toEqual(["old"]);
    const sized = Buffer.concat([pax("size=3"), plain("a", "abc"), tarEnd()]);
    sized.fill(0x30, 1024 + 124, 1024 + 135);
    expect(parse(seal(sized, 1024))[0]).toMatchObject({ content: "abc" });
  });

  test.each([
    ["1.5", 1, 500_000_000],
    ["-1.5", -2, 500_000_000],
    ["-3", -3, 0],
    ["7.1234567891234", 7, 123_456_789],
    ["-0.000000001", -1, 999_999_999],
  ])("the PAX time %s", (value, seconds, nanoseconds) => {
    const archive = Buffer.concat([pax(`mtime=${value}`), plain("a"), tarEnd()]);
    expect(parse(archive)[0]?.entry).toMatchObject({
      mtimeSeconds: seconds,
      mtimeNanoseconds: nanoseconds,
    });
  });

  test("links, devices and directories have no content, whatever their size says", () => {
    const header = tarEntry({ name: "l", type: "symlink", link: "x" });
    header.write("00000001000\0", 124);
    expect(names(seal(header), plain("after"))).toEqual(["l", "after"]);
  });

  test("an archive may end without its mark, or go on after it", () => {
    expect(names(plain("a"))).toEqual(["a"]);
    expect(parse(plain("a")).length).toBe(1);
    expect(parse(Buffer.concat([plain("a"), Buffer.alloc(512)])).length).toBe(1);
    expect(parse(plain("a").subarray(0, 513)).length).toBe(1);
    expect(parse(Buffer.concat([plain("a"), tarEnd(), Buffer.from("garbage")])).length).toBe(1);
    expect(parse(Buffer.alloc(0))).toEqual([]);
  });
});

describe("refused", () => {
  const whole = plain("a");
  const patched = (at: number, text: string) => {
    const bytes = Buffer.from(whole);
    bytes.write(text, at, "latin1");
    return seal(bytes);
  };
  const sparse = (...records: readonly string[]) =>
    Buffer.concat([pax(...records), whole, tarEnd()]);
  const oversize = Buffer.from(extension("x", ""));
  oversize.write("77777777777\0", 124);

  test.each([
    [
      "a wrong checksum",
      Buffer.concat([whole.subarray(0, 148), Buffer.from("0000000\0"), whole.subarray(156)]),
      /checksum/,
    ],
    ["a size that is no number", patched(124, "12345678zzz\0"), /not an octal number/],
    [
      "a negative size",
      patched(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
      /is negative/,
    ],
    [
      "a size over 2^53",
      patched(124, "\x80\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
      /beyond 2\^53/,
    ],
    ["an unknown type", patched(156, "Z"), /has the type "Z"/],
    ["a multi-volume archive", patched(156, "M"), /has the type "M"/],
    ["an end in a header", whole.subarray(0, 300), /ends early/],
    ["an end in content", whole.subarray(0, 512), /ends early in "a"/],
    ["an end after an extension", pax("path=x"), /ends early/],
    [
      "an entry after a zero block",
      Buffer.concat([Buffer.alloc(512), whole]),
      /follows a block of zeros/,
    ],
    ["a huge extension", seal(oversize), /larger than 1048576/],
    ["a PAX length of 0", extension("x", "0 a=b\n"), /wrong length/],
    ["a PAX length that is too long", extension("x", "99 a=b\n"), /wrong length/],
    ["a PAX length that is too short", extension("x", "3 a=b\n"), /wrong length|no key/],
    ["a PAX length of many digits", extension("x", `${"1".repeat(40)} a=b\n`), /wrong length/],
    ["a PAX record without a key", extension("x", "5 =b\n"), /no key|wrong length/],
    ["a PAX record without =", extension("x", "6 abc\n"), /no key/],
    ["a PAX size that is no number", Buffer.concat([pax("size=-1"), whole]), /PAX record size/],
    ["a PAX time that is no time", Buffer.concat([pax("mtime=1e9"), whole]), /not a time/],
    ["a PAX key with NUL", Buffer.concat([pax("a\0b=c"), whole]), /NUL/],
    [
      "a sparse map out of order",
      sparse("GNU.sparse.size=9", "GNU.sparse.map=5,1,0,1"),
      /out of order/,
    ],
    [
      "a sparse map beyond the size",
      sparse("GNU.sparse.size=9", "GNU.sparse.map=9,1"),
      /beyond its size/,
    ],
    [
      "a sparse map with more than is stored",
      sparse("GNU.sparse.size=9", "GNU.sparse.map=0,2"),
      /1 bytes of data for 2/,
    ],
    ["an odd sparse map", sparse("GNU.sparse.size=9", "GNU.sparse.map=0,1,2"), /odd number/],
    [
      "a sparse map of words",
      sparse("GNU.sparse.size=9", "GNU.sparse.map=a,b"),
      /something else than numbers/,
    ],
    ["a sparse length without offset", sparse("GNU.sparse.numbytes=1"), /follows no/],
    [
      "a sparse size of a word",
      sparse("GNU.sparse.size=0x9", "GNU.sparse.map=0,1"),
      /not a number/,
    ],
    [
      "a sparse map in the data that is none",
      sparse("GNU.sparse.major=1", "GNU.sparse.realsize=9"),
      /longer than its content|no end|else than/,
    ],
  ])("%s", (_, bytes, why) => {
    expect(() => parse(Buffer.from(bytes))).toThrow(why);
    expect(() => parse(Buffer.from(bytes), 1)).toThrow(why);
  });
});

test("memory stays bounded, whatever headers claim", { timeout: 20_000 * patience }, () => {
  const many = pax(`SCHILY.xattr.user.a=${"x".repeat(60_000)}`);
  const reader = new TarReader({ entry: () => true, content: () => undefined });
  const before = process.memoryUsage().rss;
  // Thousands of extended headers in a row replace each other: 360 MB that must not pile up.
  for (let i = 0; i < 6000; i++) {
    reader.push(many);
    if (i % 500 === 0) Bun.gc(true);
  }
  // A file that claims 2^50 bytes and brings 256 MB.
  const huge = tarEntry({ name: "huge" });
  huge[124] = 0x80;
  huge.fill(0, 125, 136);
  huge[129] = 4;
  reader.push(seal(huge));
  const chunk = Buffer.alloc(1 << 20);
  for (let i = 0; i < 256; i++) reader.push(chunk);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});

test("content that is not wanted can be skipped by who can seek", () => {
  const archive = tarArchive([
    { name: "a", content: Buffer.alloc(5000) },
    { name: "b", content: Buffer.from("b") },
  ]);
  const seen: string[] = [];
  const reader = new TarReader({
    entry(entry) {
      seen.push(entry.name);
      return false;
    },
    content: () => expect.unreachable(),
  });
  reader.push(archive.subarray(0, 512));
  expect(reader.skippable).toBe(5120);
  reader.skip(5000);
  expect(reader.skippable).toBe(120);
  expect(() => reader.skip(121)).toThrow(RangeError);
  reader.skip(120);
  reader.push(archive.subarray(512 + 5120));
  reader.finish();
  expect(seen).toEqual(["a", "b"]);
});
