import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseMount } from "./mount.ts";
import { outcome } from "./testing/outcome.ts";

const parsed = (given: string) => outcome(parseMount(given, "/home/me"));
const bind = { type: "bind", source: "/a", target: "/b" };

test.each([
  ["type=bind,source=/a,target=/b", bind],
  ["type=bind,src=/a,dst=/b", bind],
  ["TYPE=BIND,Source=/a,destination=/b", bind],
  ["target=/b,source=/a,type=bind", bind],
  ["type=bind,source=./x,target=/b", { ...bind, source: "/home/me/x" }],
  ["type=bind,source=..,target=/b", { ...bind, source: "/home" }],
  ["type=bind,source=/a,target=/b,readonly", { ...bind, readonly: true }],
  ["type=bind,source=/a,target=/b,ro=1", { ...bind, readonly: true }],
  ["type=bind,source=/a,target=/b,readonly=false", bind],
  ["type=bind,source=/a,target=/b,consistency=cached", bind],
  ["type=bind,source=/a,target=/b,bind-propagation=RSlave", { ...bind, propagation: "rslave" }],
  ["type=bind,source=/a,target=/b,bind-nonrecursive", { ...bind, recursive: "disabled" }],
  ["type=bind,source=/a,target=/b,bind-recursive=disabled", { ...bind, recursive: "disabled" }],
  ["type=bind,source=/a,target=/b,bind-recursive=enabled", { ...bind, recursive: "enabled" }],
  [
    "type=bind,source=/a,target=/b,ro,bind-recursive=writable",
    { ...bind, readonly: true, recursive: "writable" },
  ],
  [
    "type=bind,source=/a,target=/b,ro,bind-recursive=readonly,bind-propagation=rprivate",
    { ...bind, readonly: true, recursive: "readonly", propagation: "rprivate" },
  ],
  ['type=bind,"source=/a,b",target=/b', { ...bind, source: "/a,b" }],
])("%s", (given, mount) => {
  expect<unknown>(parsed(given)).toEqual(mount);
});

test.each([
  ["type=tmpfs,target=/t", { type: "tmpfs", target: "/t" }],
  [
    "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777,ro",
    { type: "tmpfs", target: "/t", size: 67_108_864n, mode: 0o1777, readonly: true },
  ],
  ["target=/v", { type: "volume", target: "/v" }],
  ["src=data,target=/v", { type: "volume", source: "data", target: "/v" }],
  [
    "type=volume,src=data,target=/v,volume-nocopy,volume-subpath=a/b,volume-label=x=1,volume-label=y,volume-driver=local,volume-opt=type=nfs,readonly",
    {
      type: "volume",
      source: "data",
      target: "/v",
      noCopy: true,
      subpath: "a/b",
      labels: { x: "1", y: "" },
      driver: "local",
      driverOptions: { type: "nfs" },
      readonly: true,
    },
  ],
])("%s", (given, mount) => {
  expect<unknown>(parsed(given)).toEqual(mount);
});

test.each([
  ["", "invalid field '' must be a key=value pair"],
  ["type=bind,source", "invalid field 'source' must be a key=value pair"],
  ["type=bind,nonsense=1,target=/b", "unexpected key 'nonsense'"],
  ["type=,target=/b", "type is required"],
  ["type=image,source=x,target=/b", "images are not mounted yet: type is bind, tmpfs or volume"],
  ["type=npipe,target=/b", "mount type 'npipe' unknown: it is bind, tmpfs or volume"],
  ["type=bind,source=/a", "a target is required: the path in the container"],
  ["type=bind,source=/a,target=b", "the target b is not an absolute path"],
  ["type=bind,source=/a,target=/", "the target cannot be /, the root itself"],
  ["type=bind,target=/b", "source is required"],
  ["type=bind,source=a,target=/b", "the source a is not a path such as /data or ./data"],
  ["type=bind,source=/a,target=/b,tmpfs-size=1m", "cannot mix 'tmpfs-size' with mount type 'bind'"],
  ["target=/b,bind-propagation=slave", "cannot mix 'bind-propagation' with mount type 'volume'"],
  ["type=tmpfs,target=/b,volume-nocopy", "cannot mix 'volume-nocopy' with mount type 'tmpfs'"],
  ["type=tmpfs,source=/a,target=/b", "a tmpfs has no source"],
  ["target=/b,readonly=yes", "invalid value for readonly: yes (must be true, 1, false or 0)"],
  [
    "type=bind,source=/a,target=/b,bind-propagation=up",
    "invalid value for bind-propagation: up (must be one of private, rprivate, shared, rshared, slave, rslave)",
  ],
  [
    "type=bind,source=/a,target=/b,bind-recursive=yes",
    "invalid value for bind-recursive: yes (must be one of enabled, disabled, writable, readonly)",
  ],
  [
    "type=bind,source=/a,target=/b,bind-recursive=writable",
    "bind-recursive=writable goes with readonly only",
  ],
  [
    "type=bind,source=/a,target=/b,ro,bind-recursive=readonly,bind-propagation=slave",
    "bind-recursive=readonly goes with bind-propagation=rprivate only: what arrives later would be writable",
  ],
  [
    "type=tmpfs,target=/b,tmpfs-size=big",
    "invalid value for tmpfs-size: big (a size looks like 64m)",
  ],
  [
    "type=tmpfs,target=/b,tmpfs-mode=999",
    "invalid value for tmpfs-mode: 999 (a mode looks like 1777)",
  ],
  ["source=a/b,target=/b", expect.stringContaining("a/b is no name for a volume")],
  ["target=/b,volume-subpath=x", "volume-subpath needs a volume with a name"],
  ["source=ab,target=/b,volume-subpath=../x", "volume-subpath is a relative path without '..'"],
  [
    "source=ab,target=/b,volume-label==1",
    "invalid value for volume-label: it looks like NAME=value",
  ],
])("%p is refused", (given, reason) => {
  const read = parseMount(given, "/home/me");
  expect(read.ok ? null : read.problem).toEqual({ option: "--mount", received: given, reason });
});

test("the line names the option and what it was given", () => {
  expect(parsed('type=bind,source="/a"')).toBe(
    String.raw`invalid argument "type=bind,source=\"/a\"" for "--mount": a quote goes around the whole field: source="/a"`,
  );
});

const field = (text: string) => `"${text.replaceAll('"', '""')}"`;

test("a bind mount of any two paths comes back as they were", () => {
  const part = fc.string({ minLength: 1 }).filter((name) => !/[/\0]|^\.\.?$/.test(name));
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
  fc.assert(
    fc.property(path, path, fc.boolean(), (source, target, readonly) => {
      const fields = ["type=bind", field(`source=${source}`), field(`target=${target}`)];
      const given = [...fields, ...(readonly ? ["readonly"] : [])].join(",");
      expect<unknown>(parsed(given)).toEqual({
        type: "bind",
        source,
        target,
        ...(readonly ? { readonly } : {}),
      });
    }),
  );
});
