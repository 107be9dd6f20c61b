import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { openDatabase } from "./database.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-database-`);
afterAll(() => rmSync(top, { recursive: true }));

const modes = (directory: string) =>
  new Set(
    readdirSync(directory).map((name) =>
      (statSync(`${directory}/${name}`).mode & 0o777).toString(8),
    ),
  );

test("nobody else reads environments of containers, whoever may enter the data root", async () => {
  const root = `${top}/open`;
  mkdirSync(root);
  chmodSync(root, 0o755);
  const database = await openDatabase(root);
  expect(modes(root)).toEqual(new Set(["600"]));
  database.exec("PRAGMA wal_autocheckpoint = 0; UPDATE containers SET stopped = 1");
  for (const name of readdirSync(root)) chmodSync(`${root}/${name}`, 0o644);
  // As an older version has left it, and in use.
  const other = await openDatabase(root);
  expect(modes(root)).toEqual(new Set(["600"]));
  other.close();
  database.close();
});
