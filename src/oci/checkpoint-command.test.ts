// What CRIU is told of a container, read off what the container was made from.

import { expect, test } from "bun:test";
import type { Spec } from "../spec/mod.ts";
import { externalNamespaces, maskedFiles } from "./checkpoint-command.ts";

const mountinfo = [
  "70 60 0:40 / /proc/acpi ro,relatime - tmpfs tmpfs ro",
  "71 60 0:5 /null /proc/kcore rw - devtmpfs dev rw",
  "72 60 0:5 /null /proc/two\\040words rw - devtmpfs dev rw",
  "73 60 0:5 /full /proc/keys rw - devtmpfs dev rw",
  "",
].join("\n");

test("masked files are those that the null device covers", () => {
  const masked = ["/proc/acpi", "/proc/kcore", "/proc/two words", "/proc/keys", "/proc/not-there"];
  expect(maskedFiles(masked, mountinfo)).toEqual(["/proc/kcore", "/proc/two words"]);
  expect(maskedFiles(masked, "")).toEqual([]);
});

const withNamespaces = (namespaces: readonly object[]): Spec =>
  ({ ociVersion: "1.0.2", root: { path: "/" }, linux: { namespaces } }) as Spec;

test("namespaces that were joined are left out, those of the container are not", () => {
  const spec = withNamespaces([
    { type: "pid" },
    { type: "network", path: "/run/netns/a" },
    { type: "ipc", path: "/proc/1/ns/ipc" },
  ]);
  expect(externalNamespaces(spec, (file) => (file === "net" ? 42n : 0n))).toEqual([
    { type: "net", inode: 42n, fd: 13 },
  ]);
  const shared = withNamespaces([{ type: "pid", path: "/proc/1/ns/pid" }]);
  expect(externalNamespaces(shared, () => 7n)).toEqual([{ type: "pid", inode: 7n, fd: 14 }]);
  expect(externalNamespaces(withNamespaces([]), () => 0n)).toEqual([]);
});
