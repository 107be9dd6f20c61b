import { expect, test } from "bun:test";
import type { MountOption } from "./mount-option.ts";
import { hasVolumes, parseVolumesFrom, settleVolumes } from "./settle-volumes.ts";
import { hostFacts } from "./testing/facts.ts";
import { linesOf, made, mountAt } from "./testing/made.ts";
import { outcome } from "./testing/outcome.ts";

const numbered = () => {
  let count = 0;
  return () => `name${count++}`;
};

const image = { Volumes: { "/data/": {}, "/cache": {}, "/": {} } };

test("every volume gets a name: those asked for, another container's, the image's, in this order", () => {
  const others: Readonly<Record<string, readonly MountOption[]>> = {
    one: [
      { type: "volume", target: "/cache", source: "theirs" },
      { type: "bind", target: "/host", source: "/srv" },
      { type: "tmpfs", target: "/memory" },
      { type: "volume", target: "/asked", source: "hidden" },
    ],
    two: [{ type: "bind", target: "/host", source: "/other" }],
  };
  const options = {
    mounts: [{ type: "volume", target: "/asked" }] as const,
    tmpfs: { "/tmp": "" },
    volumesFrom: ["one:ro", "two"],
    init: true,
  };
  expect(settleVolumes(image, options, { others, newName: numbered() })).toEqual({
    init: true,
    tmpfs: { "/tmp": "" },
    mounts: [
      { type: "volume", target: "/asked", source: "name0", anonymous: true },
      { type: "volume", target: "/cache", source: "theirs", readonly: true, noCopy: true },
      { type: "bind", target: "/host", source: "/other" },
      { type: "volume", target: "/data", source: "name1", anonymous: true },
    ],
  });
});

test("what is settled stays as it is: a second start has the same volumes", () => {
  const once = settleVolumes(image, {}, { others: {}, newName: numbered() });
  expect(settleVolumes(image, once, { others: {}, newName: numbered() })).toEqual(once);
});

test("there is nothing to settle without volumes", () => {
  expect(hasVolumes(null, {})).toBeFalse();
  expect(hasVolumes({}, { mounts: [{ type: "tmpfs", target: "/t" }] })).toBeFalse();
  expect(hasVolumes(image, {})).toBeTrue();
  expect(hasVolumes(null, { volumesFrom: ["a"] })).toBeTrue();
  expect(hasVolumes(null, { mounts: [{ type: "volume", target: "/t" }] })).toBeTrue();
});

test("--volumes-from", () => {
  const parse = (given: string) => outcome(parseVolumesFrom(given));
  expect(parse("web")).toEqual({ container: "web", readonly: false });
  expect(parse("web:ro")).toEqual({ container: "web", readonly: true });
  expect(parse("web:rw")).toEqual({ container: "web", readonly: false });
  for (const wrong of ["", ":ro", "web:rx", "web:ro:rw"]) {
    expect(parse(wrong)).toContain("it looks like CONTAINER or CONTAINER:ro");
  }
});

const facts = {
  ...hostFacts,
  volumes: {
    directory: "/data/volumes",
    options: { old: { type: "tmpfs", device: "tmpfs", o: "size=1m" } },
  },
};

const volume = (source: string, more: object = {}): MountOption => ({
  type: "volume",
  target: "/at",
  source,
  ...more,
});

test("a volume is a bind of its data, or what it was made with", () => {
  const at = (mount: MountOption) => mountAt(made({ mounts: [mount] }, facts), "/at");
  expect(at(volume("new"))).toEqual({
    destination: "/at",
    type: "bind",
    source: "/data/volumes/new/_data",
    options: ["rbind", "rprivate"],
  });
  expect(at(volume("new", { readonly: true, subpath: "a/b" }))).toMatchObject({
    source: "/data/volumes/new/_data/a/b",
    options: ["rbind", "rro", "rprivate"],
  });
  expect(at(volume("old", { readonly: true, driverOptions: { type: "ext4" } }))).toEqual({
    destination: "/at",
    type: "tmpfs",
    source: "tmpfs",
    options: ["size=1m", "ro", "tmpcopyup"],
  });
  const driverOptions = { type: "none", device: "/srv/", o: "bind,noexec" };
  expect(at(volume("new", { driverOptions }))).toMatchObject({
    type: "bind",
    source: "/srv",
    options: ["bind", "noexec", "rprivate"],
  });
  expect(made({ mounts: [volume("new", { driverOptions })] }, facts).extras.volumes).toMatchObject([
    { name: "new", destination: "/at", copy: true, kind: "bind", anonymous: false },
  ]);
});

test("volumes that cannot be", () => {
  const line = (more: object) => linesOf({ mounts: [volume("new", more)] }, facts)[0];
  expect(line({ driver: "nfs" })).toContain("pivot has only local");
  expect(line({ driverOptions: { size: "1" } })).toContain('invalid option: "size"');
  expect(line({ driverOptions: { type: "none", o: "bind" } })).toContain('option: "device"');
  expect(line({ driverOptions: { type: "none", device: "srv", o: "bind" } })).toContain("absolute");
  expect(linesOf({ mounts: [volume("old", { subpath: "a" })] }, facts)[0]).toContain(
    "has no subpath",
  );
});
