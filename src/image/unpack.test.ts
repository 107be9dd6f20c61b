/**
 * Hostile archives: each lands inside or is refused, and nothing outside changes.
 * All of it runs twice, the second time on an unpacker built with sanitizers.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { ImageError } from "./error.ts";
import {
  applyTar,
  type Description,
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  readXattrs,
  unpackerOptions,
} from "./fixture.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";
import { removeTrees, type UnpackerOptions } from "./unpack.ts";

const text = (content: string) => Buffer.from(content);
const file = (name: string, content = "x", more: Partial<TarMember> = {}): TarMember => ({
  name,
  mode: 0o644,
  content: text(content),
  ...more,
});
const dir = (name: string, mode = 0o755): TarMember => ({ name, type: "directory", mode });
const link = (name: string, to: string): TarMember => ({
  name,
  type: "symlink",
  link: to,
  mode: 0o777,
});
const hard = (name: string, to: string): TarMember => ({ name, type: "hardlink", link: to });
const xattr = (name: string, value: string) => ({ xattrs: new Map([[name, value]]) });

interface Case {
  readonly what: string;
  readonly members: readonly TarMember[];
  /** What is there afterwards ("path type" per file), or what the refusal says. */
  readonly gives: readonly string[] | RegExp;
}

// ROOT stands for a directory beside the layer, which holds a canary.
const corpus: readonly Case[] = [
  { what: "../x", members: [file("../x")], gives: /goes up with "\.\."/ },
  { what: "a/../../x", members: [file("a/../../x")], gives: /goes up with "\.\."/ },
  { what: "..", members: [dir("..")], gives: /goes up/ },
  { what: "/abs", members: [file("/abs")], gives: ["abs file"] },
  {
    what: "//a///b/./c",
    members: [file("//a///b/./c")],
    gives: ["a directory", "a/b directory", "a/b/c file"],
  },
  { what: "no name", members: [file("")], gives: /has no name/ },
  { what: "a file called /", members: [file("/x"), link("/", "x")], gives: /has no name/ },
  {
    what: "a symlink to / and a file through it",
    members: [link("a", "/"), file("a/etc/x")],
    gives: ["a symlink -> /", "etc directory", "etc/x file"],
  },
  {
    what: "a symlink to the canary's directory and a file through it",
    members: [link("a", "ROOT"), file("a/canary", "overwritten")],
    gives: ["INSIDE/canary file"],
  },
  {
    what: "a chain of symlinks that goes up",
    members: [link("a", "b"), link("b", "../../.."), file("a/x")],
    gives: ["a symlink -> b", "b symlink -> ../../..", "x file"],
  },
  {
    what: "a symlink with more .. than there are directories",
    members: [dir("d/"), link("d/up", "../../../../../../../.."), file("d/up/tmp/x")],
    gives: [
      "d directory",
      "d/up symlink -> ../../../../../../../..",
      "tmp directory",
      "tmp/x file",
    ],
  },
  { what: "a symlink to itself", members: [link("a", "a"), file("a/x")], gives: /ELOOP/ },
  {
    what: "a dangling symlink as a parent",
    members: [link("a", "b/c"), file("a/x")],
    gives: ["a symlink -> b/c", "b directory", "b/c directory", "b/c/x file"],
  },
  {
    what: "a file through /proc's magic links",
    members: [link("a", "/proc/self/root"), file("a/x")],
    gives: [
      "a symlink -> /proc/self/root",
      "proc directory",
      "proc/self directory",
      "proc/self/root directory",
      "proc/self/root/x file",
    ],
  },
  {
    what: "a hard link to an absolute path outside",
    members: [hard("a", "ROOT/canary")],
    gives: /neither in this layer nor below/,
  },
  {
    what: "a hard link that goes up",
    members: [hard("a", "../canary")],
    gives: /hard link's target that goes up/,
  },
  {
    what: "a hard link through a symlinked parent",
    members: [link("s", "ROOT"), hard("a", "s/canary")],
    gives: /neither in this layer nor below/,
  },
  {
    what: "a hard link to a symlink that leads outside, then a write through it",
    members: [link("s", "ROOT/canary"), hard("h", "s"), file("h", "overwritten")],
    gives: ["h file", "s symlink -> ROOT/canary"],
  },
  {
    what: "a hard link to a directory",
    members: [dir("d"), hard("a", "d")],
    gives: /is a directory/,
  },
  { what: "a hard link to nothing", members: [hard("a", "b")], gives: /neither in this layer/ },
  { what: "a hard link to the root", members: [hard("a", "/")], gives: /hard link to the root/ },
  { what: "a hard link to itself", members: [file("a"), hard("a", "a")], gives: ["a file"] },
  {
    what: "a directory replaced by a symlink between entries",
    members: [dir("d"), file("d/a"), link("d", "ROOT"), file("d/canary", "overwritten")],
    gives: ["INSIDE/canary file"],
  },
  {
    what: "a directory replaced by a symlink right after a file in it",
    members: [dir("d"), dir("e"), file("d/a"), link("d", "e"), file("d/b")],
    gives: ["d symlink -> e", "e directory", "e/b file"],
  },
  {
    what: "a symlink on the way changed after it was followed",
    members: [dir("e"), dir("f"), link("d", "e"), file("d/a"), link("d", "f"), file("d/b")],
    gives: ["d symlink -> f", "e directory", "e/a file", "f directory", "f/b file"],
  },
  {
    what: "a symlink replaced by a directory",
    members: [link("d", "ROOT"), dir("d"), file("d/canary")],
    gives: ["d directory opaque", "d/canary file"],
  },
  {
    what: "a file over a symlink",
    members: [link("s", "ROOT/canary"), file("s", "overwritten")],
    gives: ["s file"],
  },
  {
    what: "a file over a directory that is not empty",
    members: [dir("d"), dir("d/e"), file("d/e/f"), file("d")],
    gives: ["d file"],
  },
  {
    what: "a directory over a file",
    members: [file("d"), dir("d")],
    gives: ["d directory opaque"],
  },
  {
    what: "a file below a file",
    members: [file("f"), file("f/x")],
    gives: /parent is not a directory/,
  },
  {
    what: "the same directory twice",
    members: [dir("d", 0o700), file("d/x"), dir("d", 0o711)],
    gives: ["d directory", "d/x file"],
  },
  { what: "a whiteout of nothing", members: [file("a/.wh.x")], gives: ["a directory"] },
  {
    what: "an opaque directory",
    members: [dir("a"), file("a/.wh..wh..opq")],
    gives: ["a directory opaque"],
  },
  {
    what: "an opaque directory through a symlink",
    members: [link("s", "ROOT"), file("s/.wh..wh..opq")],
    gives: ["INSIDE opaque"],
  },
  { what: ".wh. alone", members: [file(".wh.")], gives: /whiteout of nothing/ },
  { what: "the whiteout of .", members: [file("a/.wh..")], gives: /whiteout of nothing/ },
  { what: "the whiteout of ..", members: [file("a/.wh...")], gives: /whiteout of nothing/ },
  {
    what: "a whiteout as a parent",
    members: [file(".wh.a/x")],
    gives: /a name that marks a removal/,
  },
  {
    what: "aufs's bookkeeping",
    members: [file(".wh..wh.aufs"), file(".wh..wh.plnk/1.2")],
    gives: [],
  },
  {
    what: "a whiteout and then the thing itself",
    members: [file(".wh.a"), file("a"), file(".wh.b"), file("b/c"), file(".wh.d"), dir("d")],
    gives: ["a file", "b directory opaque", "b/c file", "d directory opaque"],
  },
  {
    what: "the thing itself and then its whiteout",
    members: [file("a"), file(".wh.a"), dir("d"), file("d/x"), file(".wh.d")],
    gives: ["a file", "d directory opaque", "d/x file"],
  },
  {
    what: "a hard link to a whiteout",
    members: [file(".wh.a"), hard("b", "a")],
    gives: /removed by this layer/,
  },
  {
    what: "the character device 0:0",
    members: [{ name: "a", type: "character" }],
    gives: /would hide files from overlayfs/,
  },
  {
    what: "devices and a FIFO",
    members: [
      { name: "c", type: "character", deviceMajor: 1, deviceMinor: 3 },
      { name: "b", type: "block", deviceMajor: 259, deviceMinor: 70_000 },
      { name: "f", type: "fifo" },
    ],
    gives: ["b block", "c character 1:3", "f fifo"],
  },
  {
    what: "a device that Linux cannot have",
    members: [{ name: "c", type: "character", deviceMajor: 4096, deviceMinor: 0 }],
    gives: /which Linux cannot have/,
  },
  {
    what: "a file over a FIFO, which must not be opened",
    members: [{ name: "f", type: "fifo" }, file("f", "content")],
    gives: ["f file"],
  },
  {
    what: "overlayfs's attributes",
    members: [file("a", "x", xattr("trusted.overlay.redirect", "/etc"))],
    gives: /would redirect overlayfs/,
  },
  {
    what: "overlayfs's attributes of user namespaces",
    members: [{ ...dir("a"), ...xattr("user.overlay.opaque", "y") }],
    gives: /would redirect overlayfs/,
  },
  {
    what: "an owner that chown would ignore",
    members: [file("a", "x", { uid: 0xffff_ffff })],
    gives: /beyond 0 to/,
  },
  {
    what: "an owner beyond 32 bits",
    members: [file("a", "x", { gid: 2 ** 32 })],
    gives: /beyond 0 to/,
  },
  { what: "a NUL in a PAX path", members: [file(`${"a".repeat(120)}\0b`)], gives: /NUL/ },
  { what: "a NUL in a PAX link", members: [link("a", `${"a".repeat(120)}\0b`)], gives: /NUL/ },
  {
    what: "a part of 255 bytes",
    members: [file("a".repeat(255))],
    gives: [`${"a".repeat(255)} file`],
  },
  { what: "a part of 256 bytes", members: [file("a".repeat(256))], gives: /part over 255 bytes/ },
  { what: "a name over 4095 bytes", members: [file("a/".repeat(2100))], gives: /longer than 4095/ },
  {
    what: "very many missing parents",
    members: [file(`${"a/".repeat(1500)}x`)],
    gives: /ENAMETOOLONG/,
  },
  { what: "an empty symlink", members: [link("a", "")], gives: /symbolic link to nothing/ },
  {
    what: "a name that is not UTF-8",
    members: [file("\xff\xfe\x80")],
    gives: ["\xff\xfe\x80 file"],
  },
  {
    what: "names that other systems hold for equal",
    members: [
      file("a"),
      file("A"),
      file("\xc3\xa9"),
      file("e\xcc\x81"),
      link("AA", "ROOT"),
      file("aa/canary"),
    ],
    gives: [
      "A file",
      "AA symlink -> ROOT",
      "a file",
      "aa directory",
      "aa/canary file",
      "e\xcc\x81 file",
      "\xc3\xa9 file",
    ],
  },
  {
    what: "control characters in a name",
    members: [file("a\nok 1 0\n"), file("a\nok 1 0\n/b")],
    gives: /^entry "a\\\\x0aok 1 0.*ENOTDIR/,
  },
];

const kinds = ["plain", "sanitised"] as const;

/** Seconds that a test may take on a loaded machine, in milliseconds. */
const patience = 60_000;

describe.skipIf(!isRoot)("the unpacker (needs root: owners and device nodes)", () => {
  let directory = "";
  let canary: ReadonlyMap<string, Description>;
  let layers = 0;
  const root = () => `${directory}/outside`;
  const fresh = () => `${directory}/layer${layers++}`;

  beforeAll(() => {
    directory = makeDirectory();
    mkdirSync(root());
    writeFileSync(`${root()}/canary`, "untouched");
    symlinkSync("canary", `${root()}/link`);
    canary = describeTree(root());
    for (const kind of kinds) unpackerOptions(kind);
  }, patience);
  afterAll(() => dropDirectory(directory));

  async function unpack(
    members: readonly TarMember[],
    options: UnpackerOptions & {
      readonly lower?: readonly string[];
      readonly chunk?: number;
    } = unpackerOptions(),
  ): Promise<string> {
    const layer = fresh();
    await applyTar(tarArchive(members), layer, options);
    return layer;
  }

  for (const kind of kinds) {
    describe(kind, () => {
      test.each(corpus.map((c) => [c.what, c] as const))("%s", async (_, { members, gives }) => {
        const real = members.map((m) => ({ ...m, link: (m.link ?? "").replace("ROOT", root()) }));
        const layer = fresh();
        let error: unknown;
        try {
          await applyTar(tarArchive(real), layer, unpackerOptions(kind));
        } catch (caught) {
          error = caught;
        }
        if (gives instanceof RegExp) {
          expect(error).toBeInstanceOf(ImageError);
          expect((error as ImageError).message).toMatch(gives);
          expect((error as ImageError).message).not.toMatch(/[\n\0]/);
        } else {
          expect(error).toBeUndefined();
          const found = outline(layer);
          const inside = root().slice(1);
          for (const line of gives) {
            expect(found).toContain(
              line.startsWith("INSIDE opaque")
                ? `${inside} directory opaque`
                : line.replace("INSIDE", inside).replace("ROOT", root()),
            );
          }
          if (!gives.some((line) => line.startsWith("INSIDE")))
            expect(found).toHaveLength(gives.length);
        }
        expect(describeTree(root())).toEqual(new Map(canary));
      });
    });
  }

  test("owner, mode, times and attributes are the archive's", async () => {
    const capability =
      "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    const layer = await unpack([
      { ...dir("d", 0o2711), uid: 5, gid: 6, mtimeSeconds: 1000, ...xattr("user.a", "1") },
      file("d/suid", "program", {
        mode: 0o6755,
        uid: 1000,
        gid: 1001,
        mtimeSeconds: -5,
        mtimeNanoseconds: 123_456_789,
        xattrs: new Map([
          ["security.capability", capability],
          ["user.empty", ""],
        ]),
      }),
      { ...link("d/link", "suid"), uid: 7, gid: 8, mtimeSeconds: 4_000_000_000 },
      {
        name: "d/null",
        type: "character",
        deviceMajor: 1,
        deviceMinor: 3,
        mode: 0o4666,
        uid: 9,
        mtimeSeconds: 7,
      },
      file("d/secret", "s", { mode: 0 }),
    ]);
    const tree = describeTree(layer);
    expect(tree.get("d")).toMatchObject({
      mode: "2711",
      owner: "5:6",
      mtime: 1_000_000_000_000n,
      xattrs: { "user.a": "31" },
    });
    expect(tree.get("d/suid")).toMatchObject({
      mode: "6755",
      owner: "1000:1001",
      mtime: -4_876_543_211n,
      xattrs: {
        "security.capability": Buffer.from(capability, "latin1").toString("hex"),
        "user.empty": "",
      },
    });
    expect(tree.get("d/link")).toMatchObject({
      content: "suid",
      owner: "7:8",
      mtime: 4_000_000_000n * 1_000_000_000n,
    });
    expect(tree.get("d/null")).toMatchObject({
      mode: "4666",
      owner: "9:0",
      device: "1:3",
      mtime: 7_000_000_000n,
    });
    expect(tree.get("d/secret")?.mode).toBe("0");
  });

  test("attributes of the host the image was made on are left out, with a note", async () => {
    const layer = fresh();
    const tar = tarArchive([
      file("a", "x", xattr("security.selinux", "label")),
      { ...link("l", "a"), ...xattr("user.x", "1") },
    ]);
    const report = await applyTar(tar, layer, unpackerOptions());
    expect(report).toMatchObject({ entries: 2, skipped: 2 });
    expect(report.notes).toEqual([
      expect.stringContaining('entry "a": an extended attribute of the host the image was made on'),
      expect.stringContaining('entry "l": cannot set an extended attribute'),
    ]);
    expect(readXattrs(`${layer}/a`)).toEqual({});
  });

  test("a later entry for a directory takes away the attributes of an earlier one", async () => {
    const layer = await unpack([
      { ...dir("d"), ...xattr("user.old", "1") },
      { ...dir("d"), ...xattr("user.new", "2") },
    ]);
    expect(readXattrs(`${layer}/d`)).toEqual({ "user.new": "32" });
  });

  test("a default ACL does not change the modes below it", async () => {
    // Version 2; user rwx, group ---, other ---.
    const acl =
      "\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x04\0\0\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";
    const layer = await unpack([
      { ...dir("d"), ...xattr("system.posix_acl_default", acl) },
      file("d/f", "x", { mode: 0o666 }),
    ]);
    expect(describeTree(layer).get("d/f")?.mode).toBe("666");
  });

  test("times that no file can have are the nearest it can, and do not stop the layer", async () => {
    const layer = await unpack([
      file("future", "x", { mtimeSeconds: 2 ** 52 }),
      file("past", "x", { mtimeSeconds: -(2 ** 52) }),
    ]);
    expect(outline(layer)).toEqual(["future file", "past file"]);
  });

  test("without privilege: no device nodes, and attributes of overlayfs that a user may set", async () => {
    const layer = fresh();
    const tar = tarArchive([
      { name: "c", type: "character", deviceMajor: 1, deviceMinor: 3 },
      dir("d"),
      file("d/.wh..wh..opq"),
      file(".wh.gone"),
    ]);
    const report = await applyTar(tar, layer, {
      ...unpackerOptions(),
      rootless: true,
      ignoreOwner: true,
    });
    expect(report.notes).toEqual([expect.stringContaining("device nodes need root")]);
    expect(outline(layer)).toEqual(["d directory opaque"]);
    expect(readXattrs(`${layer}/d`)).toEqual({ "user.overlay.opaque": "79" });
  });

  test("ignoreOwner leaves all to the caller", async () => {
    const layer = await unpack([file("a", "x", { uid: 77, gid: 77 })], {
      ...unpackerOptions(),
      ignoreOwner: true,
    });
    expect(describeTree(layer).get("a")?.owner).toBe("0:0");
  });

  test(
    "100,000 entries in one directory",
    async () => {
      const count = 100_000;
      // In memory where that is possible: ext4 is slow to give out inodes freed seconds ago.
      const parent = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/pivot-image-") : fresh();
      const members = Array.from({ length: count }, (_, i) => file(`d/${i}`, ""));
      try {
        await applyTar(tarArchive(members), `${parent}/layer`, unpackerOptions());
        expect(readdirSync(`${parent}/layer/d`)).toHaveLength(count);
      } finally {
        await removeTrees(unpackerOptions(), [parent]);
      }
      expect(existsSync(parent)).toBe(false);
    },
    patience,
  );

  test("a size that the archive does not have is refused, and nothing is reserved for it", async () => {
    const tar = tarArchive([file("a", "x".repeat(600))]);
    // 2^52 bytes in GNU's binary form; the checksum is made right again.
    tar.fill(0, 124, 136);
    tar[124] = 0x80;
    tar[129] = 0x10;
    tar.fill(0x20, 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await expect(applyTar(tar, fresh(), unpackerOptions())).rejects.toThrow(/ends early in "a"/);
  });

  test("removing follows no link, and minds no depth", async () => {
    const tree = fresh();
    mkdirSync(tree);
    // Deeper than a path can name, or a stack of frames or descriptors can hold.
    const script =
      'for i in 1 2 3 4 5 6; do mkdir -p "$1/beside/it"; ln -s "$2" "$1/out"; cd -P "$1"; done';
    const made = spawnSync("sh", ["-c", script, "sh", "deep/".repeat(500), root()], { cwd: tree });
    expect(made.status).toBe(0);
    symlinkSync(tree, `${directory}/link-to-tree`);
    await removeTrees(unpackerOptions("sanitised"), [`${directory}/link-to-tree`]);
    expect(existsSync(tree)).toBe(true);
    await removeTrees(unpackerOptions("sanitised"), [tree, `${directory}/never/was`]);
    expect(existsSync(tree)).toBe(false);
    expect(existsSync(`${directory}/link-to-tree`)).toBe(false);
    expect(describeTree(root())).toEqual(new Map(canary));
  });

  test.each([".", "..", "/"])("%s is not removed", async (name) => {
    await expect(removeTrees(unpackerOptions(), [name])).rejects.toThrow(
      /not a name of a directory/,
    );
  });

  test("a program that cannot be started, or that is no unpacker, gives one clear line", async () => {
    const start = (executor: string) =>
      applyTar(tarArchive([file("a", "x".repeat(100_000))]), fresh(), { executor });
    await expect(start("/nowhere/executor")).rejects.toThrow(/cannot start "\/nowhere\/executor"/);
    await expect(start("/bin/true")).rejects.toThrow(/the unpacker ended with status 0/);
    await expect(start("/bin/false")).rejects.toThrow(/the unpacker ended with status 1/);
  });
});
