// The grammar of the playground's scripts, which is util-linux's.

import { expect, test } from "bun:test";
import { apply, expand, initialState, type Operation, parseScript, type State } from "./mod.ts";

/** The calls of a script, without who makes them. */
function calls(script: string, state: State = initialState()): object[] {
  return parseScript(script).flatMap((line) =>
    expand(line, state).map(({ by: _, ...call }: Operation) => call),
  );
}

test("mount", () => {
  expect(calls("mount -t tmpfs -o size=1m,ro,nosuid,mode=755 none '/a b'")).toEqual([
    {
      op: "mount",
      type: "tmpfs",
      source: "none",
      target: "/a b",
      attributes: ["ro", "nosuid"],
      options: ["size=1m", "mode=755"],
    },
  ]);
  expect(calls("mount --bind a b # words")).toEqual([
    { op: "bind", source: "a", target: "b", recursive: false },
  ]);
  // A bind mount gets its flags by a second call, and its propagation by a third.
  expect(calls("mount -o rbind,ro --make-rslave a b")).toEqual([
    { op: "bind", source: "a", target: "b", recursive: true },
    { op: "remount", target: "b", attributes: ["ro"], bind: true },
    { op: "propagation", target: "b", type: "slave", recursive: true },
  ]);
  expect(calls("mount --make-rshared /")).toEqual([
    { op: "propagation", target: "/", type: "shared", recursive: true },
  ]);
  expect(calls("mount -o remount,bind,ro,noexec /a")).toEqual([
    { op: "remount", target: "/a", attributes: ["ro", "noexec"], bind: true },
  ]);
  expect(calls("mount -M /a /b")).toEqual([{ op: "move", source: "/a", target: "/b" }]);
  expect(calls("mount --mkdir -ttmpfs x /a/b")[0]).toEqual({
    op: "mkdir",
    path: "/a/b",
    parents: true,
  });
});

test("umount", () => {
  expect(calls("umount -l .")).toEqual([{ op: "umount", target: ".", flags: ["detach"] }]);
  let state = initialState();
  for (const op of calls(
    "mkdir -p /a/b/c\nmount -t tmpfs x /a\nmkdir -p /a/b\nmount -t tmpfs y /a/b",
  )) {
    const outcome = apply(state, { ...op, by: 1 } as Operation);
    if (outcome.ok) state = outcome.state;
  }
  expect(calls("umount -R /a/", state)).toEqual([
    { op: "umount", target: "/a/b", flags: [] },
    { op: "umount", target: "/a", flags: [] },
  ]);
});

test("namespaces and processes", () => {
  expect(calls("unshare -m")).toEqual([
    { op: "unshare", namespaces: ["mount"] },
    { op: "propagation", target: "/", type: "private", recursive: true },
  ]);
  expect(calls("unshare -rm --propagation unchanged")).toEqual([
    { op: "unshare", namespaces: ["mount", "user"] },
  ]);
  const lines = parseScript("p2: cd /a\np2: fork p3\np3: exit\nnsenter -t p2 --mount");
  expect(lines.map(({ by }) => by)).toEqual([1 + 1, 2, 3, 1]);
  // A process that is named for the first time is forked from the first one.
  expect(lines.flatMap((line) => expand(line, initialState()))).toEqual([
    { op: "fork", by: 1, child: 2 },
    { op: "chdir", by: 2, path: "/a" },
    { op: "fork", by: 2, child: 3 },
    { op: "exit", by: 3 },
    { op: "setns", by: 1, process: 2, namespaces: ["mount"] },
  ]);
});

test("chroot goes to the new root, unless told to stay", () => {
  expect(calls("chroot /a")).toEqual([
    { op: "chroot", path: "/a" },
    { op: "chdir", path: "/" },
  ]);
  expect(calls("chroot --skip-chdir /a")).toEqual([{ op: "chroot", path: "/a" }]);
});

test("files", () => {
  expect(calls('mkdir -p "/a" b\\ c\ntouch f\nln -s ../x y\nrm f\nrmdir a')).toEqual([
    { op: "mkdir", path: "/a", parents: true },
    { op: "mkdir", path: "b c", parents: true },
    { op: "touch", path: "f" },
    { op: "symlink", to: "../x", path: "y" },
    { op: "unlink", path: "f" },
    { op: "rmdir", path: "a" },
  ]);
});

for (const [script, message] of [
  ["\nmuont a b", /^line 2: there is no command muont here, only mount, /],
  ["mount --bnid a b", /^line 1: there is no option --bnid here$/],
  ["mount a b", /^line 1: say which file system is meant: mount -t tmpfs NAME TARGET$/],
  ["mount --bind a", /^line 1: mount takes a source and a target/],
  ["mount -t", /^line 1: the option -t needs a value$/],
  ["umount", /^line 1: the command is: umount/],
  ["cd 'a", /^line 1: the quote ' is not closed$/],
  ["unshare", /^line 1: say which namespace/],
  ["unshare -m --propagation none", /not none$/],
  ["p99: cd /", /^line 1: a process is called p1 to p63, not 99$/],
  ["pivot_root /a", /^line 1: the command is: pivot_root NEW_ROOT PUT_OLD$/],
] as const) {
  test(`what cannot be read is told: ${script.trim()}`, () => {
    expect(() => parseScript(script)).toThrow(message);
  });
}
