import { expect, test } from "bun:test";
import { mountPointOf, readAskedFacts } from "./asked.ts";

test("the mount point of a type, with its escapes undone", () => {
  const mountinfo =
    "22 1 0:21 / /sys rw - sysfs sysfs rw\n30 22 0:40 / /sys/fs/res\\040ctrl rw shared:9 - resctrl resctrl rw\n";
  expect(mountPointOf(mountinfo, "resctrl")).toBe("/sys/fs/res ctrl");
  expect(mountPointOf(mountinfo, "tmpfs")).toBeNull();
});

test("nothing is asked for a configuration that asks for nothing", () => {
  expect(readAskedFacts({ ociVersion: "1.3.0", root: { path: "/" } }, "id")).toEqual({});
});
