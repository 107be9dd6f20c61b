import { expect, test } from "bun:test";
import { type HostMount, showingOf, visibleMounts } from "./host-mounts.ts";

const mountinfo = [
  "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
  "21 20 0:5 / /dev rw - devtmpfs udev rw",
  "22 20 8:2 / /home rw,noexec - ext4 /dev/sda2 rw",
  "23 20 0:30 / /mnt/a/b rw - tmpfs hidden rw",
  "24 20 0:31 / /mnt/a ro - tmpfs covers rw",
  "25 22 0:32 / /home rw - tmpfs twice rw",
  "26 20 0:33 / /with\\040blank rw - tmpfs odd\\134one rw",
  "27 20 0:34 / /same rw - tmpfs first rw",
  "28 20 0:35 / /same rw - tmpfs second rw",
].join("\n");

test("only what a path leads to is there, each before what is below it", () => {
  const found = visibleMounts(mountinfo).map(({ path, source }) => `${path} ${source}`);
  expect(found).toEqual([
    "/ /dev/sda1",
    "/dev udev",
    "/home twice",
    "/mnt/a covers",
    "/same second",
    "/with blank odd\\one",
  ]);
});

test("the flags of a mount that still mean something in a view", () => {
  const flags = Object.fromEntries(visibleMounts(mountinfo).map((each) => [each.path, each.flags]));
  expect(flags["/mnt/a"]).toEqual(["ro"]);
  expect(flags["/"]).toEqual([]);
});

const at = (path: string, type: string): HostMount => ({ path, type, source: "x", flags: [] });

test("how each kind of mount is shown", () => {
  expect(showingOf(at("/home", "ext4"), "directory")).toBe("overlay");
  expect(showingOf(at("/tmp", "tmpfs"), "directory")).toBe("overlay");
  expect(showingOf(at("/boot/efi", "vfat"), "directory")).toBe("read-only");
  expect(showingOf(at("/mnt/server", "nfs4"), "directory")).toBe("read-only");
  expect(showingOf(at("/home/u/cloud", "fuse.sshfs"), "directory")).toBe("read-only");
  expect(showingOf(at("/etc/resolv.conf", "ext4"), "file")).toBe("read-only");
  expect(showingOf(at("/var/run/docker.sock", "tmpfs"), "other")).toBe("none");
  expect(showingOf(at("/misc", "autofs"), "directory")).toBe("none");
  expect(showingOf(at("/dev/shm", "tmpfs"), "directory")).toBe("none");
  expect(showingOf(at("/run", "tmpfs"), "directory")).toBe("none");
  expect(showingOf(at("/run/user/1000", "tmpfs"), "directory")).toBe("none");
  expect(showingOf(at("/run/media/u/disk", "ext4"), "directory")).toBe("overlay");
});
