import { expect, test } from "bun:test";
import { hybrid, pureV2 } from "../cgroup/testing/layouts.ts";
import { planCgroupMount } from "./cgroup-mounts.ts";
import type { CgroupLayout } from "./facts.ts";

const options = ["nsdelegate", "memory_recursiveprot"];

function mountsOf(layout: CgroupLayout, namespace: "own" | "joined" | null) {
  if (layout.v2 === null) throw new Error("no version 2");
  const own = [...layout.v1, layout.v2].map(({ mount }) => `${mount}/pivot-x`);
  return planCgroupMount({
    destination: "/sys/fs/cgroup",
    attributes: ["ro"],
    layout: { ...layout, v2: { ...layout.v2, options } },
    namespace,
    own,
    why: "mounts[0]",
  }).flatMap(({ op }): (string | readonly string[])[] => {
    if (op.op === "mount" && op.type === "cgroup2") return [op.options];
    return op.op === "bind" && op.from?.path === own.at(-1) ? ["bind"] : [];
  });
}

test.each([
  ["version 2 alone", pureV2],
  ["both versions", hybrid],
] as const)("%s: who may be in the machine's first namespace keeps its options", (_, layout) => {
  expect(mountsOf(layout, "joined")).toEqual([options]);
  expect(mountsOf(layout, "own")).toEqual([[]]);
  expect(mountsOf(layout, null)).toEqual(["bind"]);
});
