import { expect, test } from "bun:test";
import type { ContainerFacts, HostDevice } from "./facts.ts";
import { hostFacts, rootlessFacts } from "./testing/facts.ts";
import { linesOf, made } from "./testing/made.ts";

const fuse: HostDevice = {
  path: "/dev/fuse",
  type: "c",
  major: 10,
  minor: 229,
  mode: 0o666,
  uid: 0,
  gid: 0,
};
const card = { ...fuse, path: "/dev/dri/card0", major: 226, minor: 0, mode: 0o660, gid: 44 };
const render = { ...card, path: "/dev/dri/by/render", minor: 128 };
const disk: HostDevice = { ...fuse, path: "/dev/sda", type: "b", major: 8, minor: 0 };

const facts: ContainerFacts = {
  ...hostFacts,
  devices: { "/dev/fuse": [fuse], "/dev/dri": [card, render], "/dev/sda": [disk] },
  hostDevices: [fuse, disk],
};

const node = ({ path, mode: fileMode, ...rest }: HostDevice, at = path) => ({
  ...rest,
  path: at,
  fileMode,
});

test("by default all is forbidden but what every container has", () => {
  expect(made({}).linux.resources?.devices).toEqual([
    { allow: false, access: "rwm" },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 7, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
    { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
    { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
    { allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
    { allow: true, type: "c", major: 136, access: "rwm" },
  ]);
});

test("a device, under another name and with less than all access", () => {
  const devices = [
    { source: "/dev/fuse" },
    { source: "/dev/sda", target: "/dev/disk", access: "r" },
  ];
  const { linux } = made({ devices }, facts);
  expect(linux.devices).toEqual([node(fuse), node(disk, "/dev/disk")]);
  expect(linux.resources?.devices?.slice(12)).toEqual([
    { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
    { allow: true, type: "b", major: 8, minor: 0, access: "r" },
  ]);
});

test("all devices of a directory", () => {
  const { linux } = made({ devices: [{ source: "/dev/dri", target: "/dev/gpu" }] }, facts);
  expect(linux.devices).toEqual([node(card, "/dev/gpu/card0"), node(render, "/dev/gpu/by/render")]);
});

test("rules that are asked for come last", () => {
  const rule = { allow: true, type: "c", major: 4, access: "rw" } as const;
  const devices = [{ source: "/dev/fuse" }];
  const { linux } = made({ devices, deviceCgroupRules: [rule] }, facts);
  expect(linux.resources?.devices?.at(-1)).toEqual(rule);
  expect(linux.resources?.devices?.length).toBe(14);
});

test("a privileged container has all devices of the host", () => {
  const devices = [{ source: "/dev/fuse" }, { source: "/dev/sda", target: "/dev/disk" }];
  const { linux } = made({ privileged: true, devices }, facts);
  expect(linux.devices).toEqual([node(fuse), node(disk), node(disk, "/dev/disk")]);
  expect(linux.resources?.devices).toEqual([{ allow: true, access: "rwm" }]);
});

test("in a user namespace there are rules only if they are asked for", () => {
  const rootless = { ...facts, ...rootlessFacts, devices: facts.devices };
  const devices = [{ source: "/dev/fuse" }];
  expect(made({ devices }, rootless).linux.devices).toEqual([node(fuse)]);
  expect(made({ devices }, rootless).linux.resources).toBeUndefined();
  expect(made({ privileged: true }, rootless).linux.resources).toBeUndefined();
  const rule = { allow: true, type: "c", access: "r" } as const;
  const { resources } = made({ deviceCgroupRules: [rule] }, rootless).linux;
  expect(resources?.devices?.length).toBe(13);
});

test("devices that cannot be", () => {
  expect(
    linesOf(
      {
        devices: [
          { source: "/dev/none" },
          { source: "/dev/fuse", target: "rel" },
          { source: "/dev/fuse", access: "x" },
        ],
      },
      facts,
    ),
  ).toEqual([
    'invalid argument "/dev/none" for "--device": the host has no device, and no directory with devices, there',
    'invalid argument "/dev/fuse" for "--device": the target rel is not an absolute path',
    'invalid argument "/dev/fuse" for "--device": bad mode specified: x (it is made of r, w and m)',
  ]);
});

test("where the engine is in a user namespace, another name is a bind mount", () => {
  const ids = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
  ];
  const inside = { ...facts, userNamespace: { uid: ids, gid: ids } };
  const devices = [{ source: "/dev/fuse" }, { source: "/dev/sda", target: "/dev/disk" }];
  const { linux, spec } = made({ devices }, inside);
  expect(linux.devices).toEqual([node(fuse)]);
  expect(linux.resources).toBeUndefined();
  expect(spec.mounts?.at(-1)).toEqual({
    destination: "/dev/disk",
    type: "bind",
    source: "/dev/sda",
    options: ["bind", "rprivate", "nosuid", "noexec"],
  });
  // Nodes can be made by number on the host: there it is one.
  expect(made({ devices }, facts).linux.devices).toEqual([node(fuse), node(disk, "/dev/disk")]);
});
