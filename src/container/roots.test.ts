import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { defaultRoots, ownRunRoot } from "./roots.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-roots-`);
afterAll(() => rmSync(top, { recursive: true }));
const uid = process.geteuid?.() ?? 0;
/** Somebody else, and no user of the machine. */
const other = uid + 123_457;

test("root's run root is fixed; an empty variable says nothing", () => {
  expect(ownRunRoot(0, { XDG_RUNTIME_DIR: top })).toBe("/run/pivot");
  const empty = defaultRoots(other, { HOME: "/home/u", XDG_RUNTIME_DIR: "", XDG_DATA_HOME: "" });
  expect(empty).toEqual({
    runRoot: `/tmp/pivot-run-${other}/pivot`,
    dataRoot: "/home/u/.local/share/pivot",
  });
});

test("what somebody else has made is not believed", () => {
  expect(() => ownRunRoot(other, { XDG_RUNTIME_DIR: top })).toThrow(
    `${top} is not used: it belongs to the user ${uid}; set XDG_RUNTIME_DIR, or give another --runroot`,
  );
});
