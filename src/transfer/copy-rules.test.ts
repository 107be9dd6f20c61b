import { describe, expect, test } from "bun:test";
import { archiveName, cleanPath, nameCopies, parseSide } from "./copy-rules.ts";

describe("one side of a copy", () => {
  const cases: readonly (readonly [string, ReturnType<typeof parseSide>])[] = [
    ["-", { kind: "stream" }],
    ["web:/etc", { kind: "container", word: "web", path: "/etc" }],
    ["web:a:b", { kind: "container", word: "web", path: "a:b" }],
    ["web:", { kind: "container", word: "web", path: "" }],
    ["/a:b", { kind: "local", path: "/a:b" }],
    ["./a:b", { kind: "local", path: "./a:b" }],
    ["a", { kind: "local", path: "a" }],
  ];
  for (const [text, side] of cases) {
    test(text, () => expect(parseSide(text)).toEqual(side));
  }
});

describe("a path, and what it is called in an archive", () => {
  const cases: readonly (readonly [path: string, clean: string, name: string])[] = [
    ["", "/", ""],
    ["/", "/", ""],
    [".", "/.", ""],
    ["/.", "/.", ""],
    ["a", "/a", "a"],
    ["a/", "/a/", "a"],
    ["a/.", "/a/.", ""],
    ["/a//b", "/a/b", "b"],
    ["../a", "/a", "a"],
    ["/a/../../b/", "/b/", "b"],
    ["/a/..", "/", ""],
    ["/a/b..", "/a/b..", "b.."],
    ["/a/.b", "/a/.b", ".b"],
  ];
  for (const [path, clean, name] of cases) {
    test(JSON.stringify(path), () => {
      expect(cleanPath(path)).toBe(clean);
      expect(archiveName(clean)).toBe(name);
    });
  }
});

test("docker's table", () => {
  const none = { kind: "none", name: "new" } as const;
  const file = { kind: "file", name: "old" } as const;
  const dir = { kind: "dir" } as const;
  const renamed = (to: string) => ({ kind: "renamed", to }) as const;
  expect(nameCopies(false, none, "/new")).toEqual(renamed("new"));
  expect(nameCopies(false, none, "/new/").kind).toBe("refused");
  expect(nameCopies(false, file, "/old")).toEqual(renamed("old"));
  expect(nameCopies(false, dir, "/d")).toEqual({ kind: "same" });
  expect(nameCopies(true, none, "/new/")).toEqual(renamed("new"));
  expect(nameCopies(true, file, "/old").kind).toBe("refused");
  expect(nameCopies(true, dir, "/d")).toEqual({ kind: "same" });
});
