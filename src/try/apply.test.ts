import { expect, test } from "bun:test";
import { orderSteps, readOutcome, refusalOf, withParents } from "./apply.ts";
import { type Change, conflictOf, differs, readRecords, selectChanges } from "./changes.ts";
import { hiddenPaths } from "./secrets.ts";
import { relativePath, shownPath } from "./show.ts";

const side = { mode: 0o644, uid: 0, gid: 0, size: 1, inode: "1", ctime: 1n, link: "" };

/** `A f - /path`: letter, new type, old type. */
function change(text: string, more: Partial<Change> = {}): Change {
  const [letter, made, old, path = ""] = text.split(" ");
  return {
    letter: letter as Change["letter"],
    path,
    below: path.slice(1),
    part: 0,
    flags: 0,
    new: { ...side, type: made as Change["new"]["type"] },
    old: { ...side, type: old as Change["old"]["type"] },
    links: 1,
    conflict: null,
    ...more,
  };
}

const orderOf = (changes: Change[]) =>
  orderSteps(changes, changes).map(({ change: { letter, path } }) => `${letter} ${path}`);

test("parents first, what goes last and deepest first, but before what takes its place", () => {
  const changes = [
    "A d - /a",
    "A f - /a/x",
    "D - d /b",
    "D - f /b/x",
    "T f d /c",
    "D - d /c/d",
    "D - f /c/d/x",
    "M f f /e",
  ].map((text) => change(text));
  expect(orderOf(changes)).toEqual([
    "A /a",
    "A /a/x",
    "D /c/d/x",
    "D /c/d",
    "T /c",
    "M /e",
    "D /b/x",
    "D /b",
  ]);
});

test("new directories that lead to what is chosen come along, and nothing else", () => {
  const all = ["A d - /a", "A d - /a/b", "A f - /a/b/x", "A f - /a/y", "M d d /z"].map((text) =>
    change(text),
  );
  const chosen = withParents(all.slice(2, 3), all);
  expect(chosen.map(({ path }) => path)).toEqual(["/a", "/a/b", "/a/b/x"]);
  expect(orderSteps(chosen, all).map(({ fresh }) => fresh)).toEqual([false, true, true]);
});

test("the names of one file are linked to the first, or to one that did not change", () => {
  const more = { links: 2 };
  const linked = ["A f - /a", "A f - /b"].map((text) => change(text, more));
  expect(orderSteps(linked, linked).map(({ link }) => link)).toEqual(["", "a"]);
  const same = change("= f f /z", more);
  expect(orderSteps(linked, [...linked, same]).map(({ link }) => link)).toEqual(["z", "z"]);
});

test("what the program says of applying", () => {
  const steps = orderSteps([change("A f - /a"), change("M f f /b")], []);
  expect(readOutcome("done 0 7 8\ndone 1 9 10\nok\n", steps)).toEqual({
    kind: "done",
    marks: { "/a": "7 8", "/b": "9 10" },
  });
  expect(readOutcome("fail 1 116 it has changed on the host\n", steps)).toEqual({
    kind: "refused",
    failures: [{ path: "/b", why: "it has changed on the host" }],
  });
  expect(readOutcome("fail 1 28 it could not be applied\ndone 0 7 8\n", steps)).toMatchObject({
    kind: "stopped",
    marks: { "/a": "7 8" },
  });
  expect(readOutcome("fail 0 11 busy\n", steps)).toEqual({ kind: "busy" });
  expect(() => readOutcome("", steps)).toThrow("was ended");
});

test("what the program says of differences, and a stream that was cut short", () => {
  const head = "M f f 3 644 600 1 2 3 4 5 6 1 77 1000 88 2000";
  const [record] = readRecords(`${head}\0a/b\0\0\0end\0`);
  expect(record).toMatchObject({ letter: "M", below: "a/b", flags: 3, links: 1 });
  expect(record?.new).toMatchObject({
    type: "f",
    mode: 0o644,
    uid: 1,
    gid: 2,
    size: 5,
    ctime: 1000n,
  });
  expect(record?.old).toMatchObject({
    type: "f",
    mode: 0o600,
    uid: 3,
    gid: 4,
    size: 6,
    inode: "88",
  });
  expect(() => readRecords(`${head}\0a/b\0`)).toThrow("cut short");
});

test("changed meanwhile: later than the beginning, and not by this try", () => {
  const changed = change("M f f /a", { old: { ...side, type: "f", inode: "5", ctime: 20n } });
  expect(conflictOf(changed, 20n, undefined)).toBeNull();
  expect(conflictOf(changed, 19n, undefined)).toContain("changed on the host");
  expect(conflictOf(changed, 19n, "5 20")).toBeNull();
  expect(conflictOf(changed, 19n, "6 20")).not.toBeNull();
  const made = change("A f - /a", { old: { ...side, type: "-", ctime: 20n } });
  expect(conflictOf(made, 19n, undefined)).toBeNull();
  expect(conflictOf({ ...made, flags: differs.copied }, 19n, undefined)).toContain("gone");
});

test("temporary directories count only when they are named, or the try began in one", () => {
  const all = ["A f - /tmp/x", "A f - /home/x", "A s - /home/socket", "= f f /home/same"].map(
    (text) => change(text),
  );
  const pathsOf = (paths: string[], cwd: string) =>
    selectChanges(all, paths, cwd).chosen.map(({ path }) => path);
  expect(pathsOf([], "/home")).toEqual(["/home/x"]);
  expect(selectChanges(all, [], "/home").leftOut).toBe(2);
  expect(pathsOf([], "/tmp/project")).toEqual(["/tmp/x", "/home/x"]);
  expect(pathsOf(["/tmp"], "/home")).toEqual(["/tmp/x"]);
  expect(pathsOf(["/tmp/x/y", "/tm"], "/home")).toEqual([]);
});

test("files with others' rights are refused unless they are allowed", () => {
  const setuid = change("A f - /a", { flags: differs.privileged });
  expect(refusalOf(setuid, false)).toContain("--allow-privileged");
  expect(refusalOf(setuid, true)).toBeNull();
  expect(refusalOf(change("! - - /a", { flags: 13 }), true)).toContain("EACCES");
});

test("the usual places of keys, and what is asked for", () => {
  expect(hiddenPaths("/home/u/", ["/x"], [])).toContain("/home/u/.ssh");
  expect(hiddenPaths("/home/u", ["/x"], ["/home/u"])).toEqual(["/x"]);
  expect(hiddenPaths("/home/u", ["/home/u/.ssh/id"], ["/home/u/.ssh"])).toContain(
    "/home/u/.ssh/id",
  );
  expect(hiddenPaths(null, [], [])).toEqual([]);
});

test("paths that a terminal would obey, or that are no text, are quoted", () => {
  expect(shownPath("plain é".replace("é", "\xc3\xa9"))).toBe("plain é");
  expect(shownPath("a\nb\x1b[31m")).toBe('"a\\nb\\033[31m"');
  expect(shownPath('a"b\\')).toBe('"a\\"b\\\\"');
  expect(shownPath("\xff")).toBe('"\\377"');
  expect(shownPath("\xe2\x80\xae")).toBe('"\\342\\200\\256"');
  expect(relativePath("/a/b/c", "/a")).toBe("b/c");
  expect(relativePath("/ab", "/a")).toBe("/ab");
});
