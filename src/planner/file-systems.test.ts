import { expect, test } from "bun:test";
import type { Op } from "../plan/op.ts";
import type { Linux, Mount } from "../spec/mod.ts";
import { planMounts } from "./mounts.ts";
import { plainFacts } from "./testing/facts.ts";

function plan(mounts: readonly Mount[], linux: Linux = {}) {
  return planMounts(
    { ociVersion: "1.3.0", root: { path: "/r" }, mounts, linux },
    {
      layout: { mode: "none", v1: [], v2: null },
      cgroupNamespace: null,
      inUserNamespace: false,
      cgroups: [],
      facts: plainFacts,
      state: "/run/pivot/i",
      places: new Map(),
      chown: new Set<string>(),
    },
  );
}

const opsOf = (mounts: readonly Mount[], linux?: Linux): Op[] => {
  const { before, steps } = plan(mounts, linux);
  return [...before, ...steps].map(({ op }) => op).filter(({ op }) => op !== "mknod");
};

const namesOf = (mounts: readonly Mount[], linux?: Linux): string[] =>
  opsOf(mounts, linux).map(({ op }) => op);

const mapping = [{ containerID: 0, hostID: 1000, size: 10 }];
const mapped = { uidMappings: mapping, gidMappings: mapping };
const tmpfs = (...options: string[]): Mount => ({ destination: "/m", type: "tmpfs", options });
const bind = (destination: string, ...options: string[]): Mount => ({
  destination,
  source: "/a",
  options: ["bind", ...options],
});

test("mounts with the same maps share a user namespace", () => {
  const mounts = [
    { ...bind("/x"), ...mapped },
    { ...bind("/y", "ridmap"), ...mapped },
    { ...tmpfs(), ...mapped },
  ];
  expect(namesOf(mounts).filter((name) => name === "user_namespace")).toHaveLength(1);
  expect(opsOf(mounts)[0]).toEqual({
    op: "user_namespace",
    uid_map: "0 1000 10\n",
    gid_map: "0 1000 10\n",
    into: "owners0",
  });
  expect(opsOf(mounts).filter((op) => op.op === "idmap")).toMatchObject([
    { mount: "bind0", namespace: "owners0", recursive: false },
    { mount: "bind1", namespace: "owners0", recursive: true },
    { mount: "mount2", namespace: "owners0", recursive: false },
  ]);
});

test("idmap alone takes the maps of the container's namespace, new or joined", () => {
  const idmap = [bind("/x", "idmap")];
  const fresh = opsOf(idmap, { namespaces: [{ type: "user" }], ...mapped });
  expect(fresh[0]).toMatchObject({ op: "user_namespace", uid_map: "0 1000 10\n" });
  const joined = opsOf(idmap, { namespaces: [{ type: "user", path: "/n" }] });
  expect(joined[0]).toMatchObject({ op: "open", at: { path: "/n" }, into: "owners0" });
  expect(plan(idmap).problems).toHaveLength(1);
  expect(namesOf([{ ...bind("/x"), uidMappings: [], gidMappings: [] }])).toEqual([
    "bind",
    "attach",
  ]);
});

test("a tmpfs that is filled or mapped is attached last, and read-only only then", () => {
  expect(namesOf([tmpfs("ro")])).toEqual(["mount"]);
  const ops = opsOf([{ ...tmpfs("tmpcopyup", "ro", "mode=700"), ...mapped }]);
  expect(ops.map(({ op }) => op)).toEqual([
    "user_namespace",
    "mount",
    "copy_up",
    "idmap",
    "mount_setattr",
    "attach",
  ]);
  expect(ops[1]).toMatchObject({ attributes: [], at: null, options: ["mode=700"] });
  expect(ops[2]).toMatchObject({ from: { in: "root", path: "/m" }, mode: false, owner: true });
  expect(ops[4]).toMatchObject({ at: { in: "mount0", path: "" }, attributes: ["ro"] });
});

test("remount changes only what is named; with bind only the mount", () => {
  const again = (...options: string[]) => opsOf([tmpfs("remount", ...options)]);
  expect(again("ro", "size=4k", "sync")).toMatchObject([
    { op: "reconfigure", options: ["size=4k", "sync"] },
    { op: "mount_setattr", attributes: ["ro"], clear: [], propagation: "unchanged" },
  ]);
  expect(again("bind", "relatime", "rro", "rslave")).toMatchObject([
    { op: "mount_setattr", clear: ["noatime"], recursive: false, propagation: "unchanged" },
    { op: "mount_setattr", attributes: ["ro"], recursive: true, propagation: "slave" },
  ]);
  expect(again()).toEqual([]);
});

test("ro is for the file system too where there is a device", () => {
  const options = (type: string) =>
    opsOf([{ destination: "/m", source: "/dev/x", type, options: ["ro"] }]);
  expect(options("ext4")).toMatchObject([{ options: ["ro"], attributes: ["ro"] }]);
  expect(options("tmpfs")).toMatchObject([{ options: [], attributes: ["ro"] }]);
});

test("what belongs to the file system is left out of a bind, and said", () => {
  const { problems, warnings } = plan([bind("/x", "sync", "lazytime")]);
  expect(problems).toEqual([]);
  expect(warnings).toEqual([
    "mounts[0] (/x): sync,lazytime is left out: a bind mount does not change its file system",
  ]);
});
