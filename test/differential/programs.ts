// Random programs of mount operations over a few directories, for both the kernel and the simulator.

import fc from "fast-check";
import type { Attribute, Operation, Where } from "../../src/simulator/mod.ts";

/** What every program begins with: directories, a file, links, and two more file systems. */
export const preparation: readonly Operation[] = [
  ...["/a", "/a/x", "/b", "/c", "/c/x", "/c/x/y"].map(
    (path) => ({ op: "mkdir", by: 1, path }) as const,
  ),
  { op: "touch", by: 1, path: "/f" },
  { op: "symlink", by: 1, path: "/l", to: "a/x" },
  { op: "symlink", by: 1, path: "/c/up", to: ".." },
  ...["/a", "/b"].flatMap((target): Operation[] => [
    { op: "mount", by: 1, type: "tmpfs", source: "none", target, attributes: [], options: [] },
    { op: "mkdir", by: 1, path: `${target}/x` },
    { op: "mkdir", by: 1, path: `${target}/x/y` },
    { op: "mkdir", by: 1, path: `${target}/z` },
    { op: "touch", by: 1, path: `${target}/f` },
  ]),
];

const by = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constant(2) },
  { weight: 1, arbitrary: fc.constant(3) },
);
const path = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom("/a", "/b", "/c", "/a/x", "/b/x", "/c/x", "/a/z", "/b/z"),
  },
  { weight: 4, arbitrary: fc.constantFrom("/a/x/y", "/b/x/y", "/c/x/y", "/a/z/x", "/b/x/x") },
  { weight: 3, arbitrary: fc.constantFrom("/", ".", "..", "x", "z", "y", "../x", "a/x", "x/..") },
  { weight: 2, arbitrary: fc.constantFrom("/f", "/a/f", "/b/f", "/l", "/c/up", "/c/up/b", "/f/x") },
);
const slot = fc.constantFrom("one", "two");
const where: fc.Arbitrary<Where> = fc.oneof(
  { weight: 3, arbitrary: path },
  {
    weight: 2,
    arbitrary: fc.record({ at: slot, path: fc.constantFrom("", "", "", "x", "/z", "..", "x/y") }),
  },
);
const attributes = fc.subarray<Attribute>([
  "ro",
  "nosuid",
  "nodev",
  "noexec",
  "nosymfollow",
  "nodiratime",
]);
const times = fc.constantFrom<readonly Attribute[]>(
  [],
  [],
  [],
  ["noatime"],
  ["relatime"],
  ["strictatime"],
);
const someAttributes = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly Attribute[]>([]) },
  {
    weight: 1,
    arbitrary: fc.tuple(attributes, times).map(([flags, atime]) => [...flags, ...atime]),
  },
);
const propagation = fc.oneof(
  { weight: 4, arbitrary: fc.constant("shared" as const) },
  { weight: 3, arbitrary: fc.constant("slave" as const) },
  { weight: 1, arbitrary: fc.constantFrom("private" as const, "unbindable" as const) },
);
const namespaces = fc.oneof(
  { weight: 4, arbitrary: fc.constant(["mount"] as const) },
  { weight: 2, arbitrary: fc.constant(["mount", "user"] as const) },
  { weight: 1, arbitrary: fc.constant(["user"] as const) },
);

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Operation> };
const kind = (weight: number, model: { [name: string]: fc.Arbitrary<unknown> }): Weighted => ({
  weight,
  arbitrary: fc.record({ ...model, by }) as fc.Arbitrary<Operation>,
});
const is = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);
const none = fc.constant([]);

const operation = fc.oneof(
  kind(8, {
    op: is("mount"),
    type: is("tmpfs"),
    source: is("none"),
    target: path,
    attributes: someAttributes,
    options: none,
  }),
  kind(12, { op: is("bind"), source: path, target: path, recursive: fc.boolean() }),
  kind(6, { op: is("move"), source: path, target: path }),
  kind(10, {
    op: is("umount"),
    target: path,
    flags: fc.constantFrom([], [], ["detach"], ["detach"], ["nofollow"]),
  }),
  kind(14, { op: is("propagation"), target: path, type: propagation, recursive: fc.boolean() }),
  kind(2, {
    op: is("remount"),
    target: path,
    attributes: someAttributes,
    bind: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
  }),
  kind(4, { op: is("pivot_root"), newRoot: path, putOld: path }),
  kind(1, { op: is("chroot"), path }),
  kind(3, { op: is("chdir"), path: where }),
  kind(1, { op: is("mkdir"), path: where }),
  kind(1, { op: is("touch"), path }),
  kind(2, { op: is("rmdir"), path }),
  kind(1, { op: is("unlink"), path }),
  kind(3, { op: is("fork"), child: fc.constantFrom(2, 3) }),
  kind(1, { op: is("exit") }),
  kind(3, { op: is("unshare"), namespaces }),
  kind(1, { op: is("setns"), process: fc.constantFrom(1, 2, 3), namespaces }),
  kind(1, { op: is("open"), path: where, into: slot }),
  kind(1, { op: is("close"), slot }),
  kind(4, { op: is("open_tree"), path: where, recursive: fc.boolean(), into: slot }),
  kind(1, {
    op: is("fsmount"),
    type: is("tmpfs"),
    source: is("none"),
    attributes: someAttributes,
    options: none,
    into: slot,
  }),
  kind(4, {
    op: is("move_mount"),
    from: where,
    to: where,
    beneath: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  kind(3, {
    op: is("mount_setattr"),
    path: where,
    set: someAttributes,
    clear: someAttributes,
    propagation: fc.option(propagation, { nil: null }),
    recursive: fc.boolean(),
  }),
);

/** A program without its preparation. */
export const program: fc.Arbitrary<readonly Operation[]> = fc.array(operation, {
  minLength: 8,
  maxLength: 40,
  size: "max",
});
