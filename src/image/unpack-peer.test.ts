/** Harmless archives: GNU tar writes them in all its formats, and unpacks them as we do. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { patience } from "../../test/patience.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";
import {
  applyTar,
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  unpackerOptions,
} from "./testing/fixture.ts";
import { dir, file, hard, link, xattr } from "./testing/members.ts";

/** Makes a tree that has something of everything; `$1` is where. */
const makeTree = `
set -e
cd "$1"
mkdir -p d/e/f "space and 'quote'" empty
echo hello > d/file
printf 'no newline' > d/e/f/deep
: > empty-file
head -c 300000 /dev/urandom > big
ln d/file d/hard; ln d/file hard2
ln -s d/file link; ln -s /etc/passwd absolute; ln -s nowhere d/dangling
ln -s "$(printf 'x%.0s' $(seq 150))" long-link
mkfifo d/fifo
mknod null c 1 3; mknod disk b 259 70000
printf x > "$(printf 'n%.0s' $(seq 180))"
mkdir "$(printf 'p%.0s' $(seq 120))"; printf y > "$(printf 'p%.0s' $(seq 120))/$(printf 'q%.0s' $(seq 120))"
ln "$(printf 'n%.0s' $(seq 180))" hard-to-long
printf z > "$(printf 'latin1-\\351\\377')"
printf u > 'ünïcode €'
printf t > "$(printf 'tab\\tnewline\\nend')"
chmod 4755 d/file; chmod 2750 d; chmod 1777 empty; chmod 000 empty-file; chmod 0511 d/e
chown 1000:1001 d/file; chown -h 12:13 link; chown 65534:65534 empty
truncate -s 3M sparse; printf start | dd of=sparse conv=notrunc status=none
printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
truncate -s 2M hole
i=0; truncate -s 20M many; while [ $i -lt 60 ]; do printf s | dd of=many bs=65536 seek=$i conv=notrunc status=none; i=$((i+3)); done
touch -d '2001-02-03 04:05:06.123456789' d/file; touch -d '1969-12-31 23:59:58' big; touch -h -d '2010-01-01' link
find . -type d -exec touch -d '2005-05-05' {} +
`;

const formats: readonly (readonly [string, readonly string[]])[] = [
  ["pax with attributes", ["--format=pax", "--xattrs"]],
  ["pax", ["--format=pax"]],
  ["pax, sparse 0.0", ["--format=pax", "-S", "--sparse-version=0.0"]],
  ["pax, sparse 0.1", ["--format=pax", "-S", "--sparse-version=0.1"]],
  ["pax, sparse 1.0", ["--format=pax", "-S", "--sparse-version=1.0"]],
  ["GNU", ["--format=gnu"]],
  ["GNU, sparse", ["--format=gnu", "-S"]],
  ["GNU, numeric owners", ["--format=gnu", "--numeric-owner", "--sort=name"]],
  ["old GNU", ["--format=oldgnu"]],
  // These cannot hold all of it: tar leaves the rest out and says so.
  ["ustar", ["--format=ustar"]],
  ["v7", ["--format=v7"]],
];

const hasSetfattr = spawnSync("setfattr", ["--version"]).status === 0;

describe.skipIf(!isRoot)("GNU tar as a peer (needs root: owners and device nodes)", () => {
  let directory = "";
  let count = 0;

  beforeAll(() => {
    directory = makeDirectory();
    mkdirSync(`${directory}/tree`);
    const made = spawnSync("bash", ["-c", makeTree, "bash", `${directory}/tree`], {
      encoding: "utf8",
    });
    if (made.status !== 0) throw new Error(made.stderr);
    if (hasSetfattr) {
      const set = (...args: readonly string[]) =>
        spawnSync("setfattr", args, { cwd: `${directory}/tree`, encoding: "utf8" });
      expect(set("-n", "user.comment", "-v", "hello", "big").status).toBe(0);
      expect(set("-n", "user.dir", "-v", "0x00ff0a", "empty").status).toBe(0);
      const capability = "0x0100000200200000000000000000000000000000";
      expect(set("-n", "security.capability", "-v", capability, "hard-to-long").status).toBe(0);
    }
    for (const kind of ["plain", "sanitised"] as const) unpackerOptions(kind);
  }, 60_000 * patience);
  afterAll(() => dropDirectory(directory), 60_000 * patience);

  for (const [name, flags] of formats) {
    for (const chunk of [65_536, 1021]) {
      test(`${name}, in chunks of ${chunk}`, async () => {
        const [tar, theirs, ours] = ["tar", "theirs", "ours"].map(
          (n) => `${directory}/${count++}-${n}`,
        ) as [string, string, string];
        spawnSync("tar", ["-C", `${directory}/tree`, ...flags, "-cf", tar, "."], {
          stdio: "ignore",
        });
        mkdirSync(theirs);
        const attributes = flags.includes("--xattrs") ? ["--xattrs", "--xattrs-include=*"] : [];
        const options = [
          "-C",
          theirs,
          "--numeric-owner",
          "--same-owner",
          "-p",
          ...attributes,
          "-xf",
          tar,
        ];
        expect(spawnSync("tar", options, { stdio: "ignore" }).status).toBe(0);
        await applyTar(readFileSync(tar), ours, {
          ...unpackerOptions(chunk < 2000 ? "sanitised" : "plain"),
          chunk,
        });
        const [left, right] = [describeTree(ours), describeTree(theirs)];
        expect([...left.keys()]).toEqual([...right.keys()]);
        for (const [path, description] of right)
          expect([path, left.get(path)]).toEqual([path, description]);
        expect(left.size).toBeGreaterThan(20);
      });
    }
  }

  /** What odd archives mean that are no harm: ours of the corpus, by GNU tar's word. */
  test("the harmless ones of the hostile corpus", async () => {
    const long = "l".repeat(255);
    const odd: readonly TarMember[] = [
      dir("d/", 0o2750, { uid: 7, gid: 8, mtimeSeconds: 1 }),
      file("d/twice", "first"),
      file("d/twice", "second", { uid: 9 }),
      file("//odd//./path", "x", { mtimeSeconds: 1_000_000 }),
      file("suid", "#!", { mode: 0o6755, uid: 1000, gid: 1001 }),
      hard("d/hard", "suid"),
      link("absolute", "/etc/passwd"),
      link("up", "../../../.."),
      file(long, "long", { mtimeSeconds: -5 }),
      file("future", "x", { mtimeSeconds: 4_102_444_800 }),
      file("\xff\xfe", "bytes"),
      file("a", "1"),
      file("A", "2"),
      file("\xc3\xa9", "composed"),
      file("e\xcc\x81", "decomposed"),
      file("was-link", "x"),
      link("was-file", "up"),
      file("was-file", "now a file"),
      { name: "fifo", type: "fifo", mode: 0o640 },
      { name: "tty", type: "character", deviceMajor: 5, deviceMinor: 0, mode: 0o620, gid: 5 },
      file("attributes", "x", xattr("user.name", "value")),
      ...Array.from({ length: 300 }, (_, i) => file(`many/${i}`, String(i))),
    ];
    const members = odd.map((member) => ({ mtimeSeconds: 86_400, ...member }));
    const withParents = [dir("odd/", 0o755, { mtimeSeconds: 5 }), dir("many/", 0o755), ...members];
    const tar = `${directory}/corpus.tar`;
    writeFileSync(tar, tarArchive(withParents));
    const [theirs, ours] = [`${directory}/corpus-theirs`, `${directory}/corpus-ours`];
    mkdirSync(theirs);
    const flags = ["--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*"];
    const peer = spawnSync("tar", ["-C", theirs, ...flags, "-xf", tar], { encoding: "utf8" });
    expect([peer.status, peer.stderr.replace(/.*(Removing leading|time stamp).*\n/g, "")]).toEqual([
      0,
      "",
    ]);
    await applyTar(readFileSync(tar), ours, unpackerOptions());
    const [left, right] = [describeTree(ours), describeTree(theirs)];
    expect([...left.keys()]).toEqual([...right.keys()]);
    for (const [path, description] of right) {
      // The roots have no entry in the archive.
      if (path === "") continue;
      const { mtime, ...found } = left.get(path) ?? description;
      const { mtime: theirTime, ...wanted } = description;
      expect([path, found]).toEqual([path, wanted]);
      if (description.type !== "directory") expect([path, mtime]).toEqual([path, theirTime]);
    }
    expect(left.size).toBeGreaterThan(320);
  });
});
