import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { openDatabase } from "./database.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-database-`);
afterAll(() => rmSync(top, { recursive: true }));

const modes = (directory: string) =>
  new Set(
    readdirSync(directory)
      .filter((name) => name.startsWith("pivot.db"))
      .map((name) => (statSync(`${directory}/${name}`).mode & 0o777).toString(8)),
  );

test("nobody else reads environments of containers, whoever may enter the data root", async () => {
  const root = `${top}/open`;
  mkdirSync(root);
  chmodSync(root, 0o755);
  const database = await openDatabase(root);
  expect(modes(root)).toEqual(new Set(["600"]));
  database.exec("PRAGMA wal_autocheckpoint = 0; UPDATE containers SET stopped = 1");
  for (const name of readdirSync(root)) if (name !== "room") chmodSync(`${root}/${name}`, 0o644);
  // As an older version has left it, and in use.
  const other = await openDatabase(root);
  expect(modes(root)).toEqual(new Set(["600"]));
  other.close();
  database.close();
});

/** What the words come to in a mount namespace of its own, with the directory a small file system. */
function onSmallDisk(options: string, script: string): string {
  const root = `${top}/small`;
  mkdirSync(root, { recursive: true });
  const program = `
    import { openDatabase, readDatabase, withDatabase } from "${import.meta.dirname}/database.ts";
    import { spawnSync } from "node:child_process";
    const root = ${JSON.stringify(root)};
    const sh = (words) => spawnSync("sh", ["-c", words], { cwd: root });
    const insert = (id) => (database) => void database.prepare(
      "INSERT INTO networks VALUES (?, ?, 0, ?)").run(id, id, "x".repeat(3000));
    const count = (database) => database.prepare("SELECT count(*) AS n FROM networks").get().n;
    const remove = (database) => void database.exec("DELETE FROM networks");
    const line = (error) => error.message;
    for (const id of ["a", "b", "c"]) await withDatabase(root, insert(id));
    ${script}`;
  const words = `mount -t tmpfs -o ${options} none ${root} && exec "$0" -e "$1"`;
  const ran = spawnSync("unshare", ["-m", "sh", "-c", words, process.execPath, program], {
    encoding: "utf8",
    env: { ...process.env, BUN_BE_BUN: "1" },
  });
  return `${ran.stdout}${ran.stderr}`.replaceAll(root, "ROOT");
}

describe.skipIf(process.getuid?.() !== 0)("on a disk without room (as root)", () => {
  test("rows are read and removed, and what cannot be added is told", () => {
    const said = onSmallDisk(
      "size=1m",
      `sh("dd if=/dev/zero of=rest bs=4k");
       console.log(await readDatabase(root, count));
       await withDatabase(root, remove);
       sh("dd if=/dev/zero of=rest2 bs=4k");
       console.log(await readDatabase(root, count));
       console.log(await withDatabase(root, insert("d")).catch(line));
       sh("rm rest rest2");
       await withDatabase(root, insert("e"));
       console.log(await readDatabase(root, count));
       sh("ls room >&2");`,
    );
    expect(said).toBe(
      "3\n0\nROOT/pivot.db, the engine's database, cannot be used: the disk is full, or broken: make room, or choose another --root\n1\n",
    );
  });

  test("no inodes", () => {
    const said = onSmallDisk(
      "size=1m,nr_inodes=30",
      `sh("for i in $(seq 30); do : >$i; done");
       console.log(await readDatabase(root, count));
       await withDatabase(root, remove);
       console.log(await readDatabase(root, count));`,
    );
    expect(said).toBe("3\n0\n");
  });

  test("a store that cannot be written is read", () => {
    const said = onSmallDisk(
      "size=1m",
      `sh("mount -o remount,ro " + root);
       console.log(await readDatabase(root, count));
       console.log(await withDatabase(root, remove).catch(line));`,
    );
    expect(said).toMatch(
      /^3\nROOT\/pivot.db, the engine's database, cannot be used: .*read-only.*\n$/,
    );
  });
});
