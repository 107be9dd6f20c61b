/** What unpacking keeps of an entry, what it leaves out, and how trees are removed. */
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
import { patience } from "../../test/patience.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";
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
} from "./testing/fixture.ts";
import { dir, file, link, xattr } from "./testing/members.ts";
import { removeTrees, type UnpackerOptions } from "./unpack.ts";

/** How long a test may take on a loaded machine, in milliseconds. */
const long = 60_000 * patience;

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
    unpackerOptions("plain");
    unpackerOptions("sanitised");
  }, long);
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
    long,
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

  test.each([
    ["/nowhere/executor", /cannot start "\/nowhere\/executor": ENOENT/],
    ["/bin/true", /the unpacker ended with status 0/],
    ["/bin/false", /the unpacker ended with status 1/],
  ])("in place of the unpacker %s, which gives one clear line", async (executor, why) => {
    const tar = tarArchive([file("a", "x".repeat(100_000))]);
    await expect(applyTar(tar, fresh(), { executor })).rejects.toThrow(why);
  });
});
