import { expect, test } from "bun:test";
import { formatProblem } from "../spec/problem.ts";
import { expandSlice, isOfSystemd, scopeOf } from "./scope.ts";

const scope = (path: string | undefined, id = "web") => {
  const found = scopeOf(path, id, "system.slice");
  return "expected" in found ? formatProblem(found) : `${found.slice} ${found.unit} ${found.path}`;
};

test("slices lie in one another by their names", () => {
  for (const [slice, path] of [
    ["system.slice", "/system.slice"],
    ["a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"],
    ["-.slice", ""],
    ["kubepods-pod1_2.slice", "/kubepods.slice/kubepods-pod1_2.slice"],
    // As systemd calls a unit of which the name could be a file of a cgroup's.
    ["memory.slice", "/_memory.slice"],
    ["cgroup.x.slice", "/_cgroup.x.slice"],
    ["_a.slice", "/__a.slice"],
  ] as const) {
    expect([slice, expandSlice(slice)]).toEqual([slice, path]);
  }
  for (const slice of [
    "a",
    "a.slice/b.slice",
    "-a.slice",
    "a-.slice",
    "a--b.slice",
    ".slice",
    "--.slice",
    "a b.slice",
    "",
  ]) {
    expect([slice, expandSlice(slice)]).toEqual([slice, undefined]);
  }
});

test("SLICE:PREFIX:NAME, each of which may be empty", () => {
  expect(scope("machine.slice:libpod:abc")).toBe(
    "machine.slice libpod-abc.scope /machine.slice/libpod-abc.scope",
  );
  expect(scope(undefined)).toBe("system.slice pivot-web.scope /system.slice/pivot-web.scope");
  expect(scope("")).toBe("system.slice pivot-web.scope /system.slice/pivot-web.scope");
  expect(scope("::")).toBe("system.slice web.scope /system.slice/web.scope");
  expect(scope("-:a:b")).toBe("-.slice a-b.scope /a-b.scope");
  expect(scope("::memory")).toBe("system.slice memory.scope /system.slice/_memory.scope");
});

test("what no unit may be called is escaped, as systemd-escape does", () => {
  expect(scope("", "a+b.c")).toBe(
    "system.slice pivot-a\\x2bb.c.scope /system.slice/pivot-a\\x2bb.c.scope",
  );
});

test("anything else is refused in one line", () => {
  for (const [path, words] of [
    ["/pivot/web", /"SLICE:PREFIX:NAME".* received the string "\/pivot\/web"/],
    ["a:b", /received the string "a:b"/],
    ["a:b:c:d", /received the string "a:b:c:d"/],
    ["a:b:c", /the slice "a"/],
    ["../x.slice:b:c", /the slice/],
    [":a/b:c", /a slash or a control character/],
    [":a:../c", /a slash or a control character/],
    [":a:b\nc", /a slash or a control character/],
    [`:a:${"x".repeat(255)}`, /a unit's name of 263 bytes/],
  ] as const) {
    expect(scope(path)).toMatch(words);
    expect(scope(path)).not.toContain("\n");
  }
});

test("cgroups in a slice and right below a manager are systemd's, and those below a unit are not", () => {
  const manager = "/user.slice/user-1.slice/user@1.service";
  const answers = [
    "/user.slice/user-1.slice",
    `${manager}/app.slice`,
    "/system.slice",
    manager,
    `${manager}/app.slice/x.service`,
    "/machine.slice/box.scope",
    "/mine",
    "",
  ].map((cgroup) => isOfSystemd(cgroup, manager));
  expect(answers).toEqual([true, true, true, true, false, false, false, false]);
});
