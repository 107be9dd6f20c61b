import { expect, test } from "bun:test";
import { MountTable, parseMountTable } from "./mount-table.ts";

const text = `20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
21 20 0:4 / /proc rw,nosuid master:3 - proc proc rw
22 21 0:30 / /proc/sys ro - tmpfs tmpfs rw
23 20 0:31 / /with\\040space rw - tmpfs tmpfs ro
24 20 0:32 / /proc rw - proc proc rw,subset=pid
25 20 8:1 /srv/data /data rw - ext4 /dev/sda1 rw
`;

const table = new MountTable(parseMountTable(text), 20);

test("a line's fields, escapes undone; the file system's ro counts too", () => {
  const [root, proc] = table.all;
  expect(root).toEqual({
    id: 20,
    parent: 1,
    device: "8:1",
    root: "/",
    point: "/",
    readonly: false,
    nodev: false,
    shared: 1,
    master: null,
    type: "ext4",
    source: "/dev/sda1",
    options: ["rw"],
  });
  expect(proc?.master).toBe(3);
  expect(table.at("/with space/below")?.readonly).toBe(true);
});

test("a mount over another covers what is below that one", () => {
  expect(table.at("/proc")?.id).toBe(24);
  // The tmpfs is on the /proc that nobody can see any more.
  expect(table.at("/proc/sys")?.id).toBe(24);
  expect(table.visible().map(({ id }) => id)).toEqual([20, 23, 24, 25]);
});

test("a look-up that begins below a mount finds only what is below it", () => {
  const chrooted = new MountTable(parseMountTable(text), 99);
  expect(chrooted.at("/proc")).toBeUndefined();
});

test("where another table's mount stands in this one: the nearest mount that shows it", () => {
  expect(table.pathOf({ device: "8:1", root: "/etc/hosts" })).toBe("/etc/hosts");
  expect(table.pathOf({ device: "8:1", root: "/srv/data" })).toBe("/data");
  expect(table.pathOf({ device: "8:1", root: "/srv/data/x" })).toBe("/data/x");
  expect(table.pathOf({ device: "8:1", root: "/" })).toBe("/");
  expect(table.pathOf({ device: "9:9", root: "/" })).toBeNull();
});

test("a line that was cut off is left out", () => {
  expect(parseMountTable(`${text}26 20 0:9 / /cut`)).toHaveLength(6);
});
