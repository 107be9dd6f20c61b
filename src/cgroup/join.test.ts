import { expect, test } from "bun:test";
import type { CgroupLayout } from "../planner/facts.ts";
import { directoriesBelow, joinFile, readCgroupBelow } from "./join.ts";

const layout: CgroupLayout = {
  mode: "hybrid",
  v1: [
    { controllers: ["cpu", "cpuacct"], mount: "/cg/cpu", own: "/" },
    { controllers: ["memory"], mount: "/cg/memory", own: "/" },
  ],
  v2: { mount: "/cg/unified", own: "/", controllers: ["io"], enabled: [], options: [] },
};
const directories = ["/cg/cpu/box", "/cg/memory/box", "/cg/unified/box"];

test("version 1 is joined by tasks, version 2 by cgroup.procs", () => {
  expect(directories.map((directory) => joinFile(directory, layout))).toEqual([
    "/cg/cpu/box/tasks",
    "/cg/memory/box/tasks",
    "/cg/unified/box/cgroup.procs",
  ]);
  expect(joinFile("/cg/cpuset/box", layout)).toBe("/cg/cpuset/box/cgroup.procs");
});

test("a cgroup below the container's is a path, with or without controllers", () => {
  expect(readCgroupBelow("/")).toEqual({ controllers: [], path: "" });
  expect(readCgroupBelow("a//b/.")).toEqual({ controllers: [], path: "/a/b" });
  expect(readCgroupBelow("cpu,memory:/a")).toEqual({ controllers: ["cpu", "memory"], path: "/a" });
  for (const wrong of ["..", "/a/../../b", "cpu:../x", ":a", "cpu,:a"]) {
    expect({ wrong, read: readCgroupBelow(wrong) }).toEqual({ wrong, read: undefined });
  }
});

test("without controllers it is of each hierarchy, with them of theirs alone", () => {
  const of = (...texts: string[]) =>
    directoriesBelow(
      directories,
      texts.map((text) => readCgroupBelow(text) as never),
      layout,
    );
  expect(of()).toEqual(directories);
  expect(of("/x")).toEqual(["/cg/cpu/box/x", "/cg/memory/box/x", "/cg/unified/box/x"]);
  expect(of("memory:x", "io:y")).toEqual(["/cg/cpu/box", "/cg/memory/box/x", "/cg/unified/box/y"]);
  expect(of("x", "cpuacct:y")[0]).toBe("/cg/cpu/box/y");
});
