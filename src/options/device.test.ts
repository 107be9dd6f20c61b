import { expect, test } from "bun:test";
import { parseDevice, parseDeviceCgroupRule } from "./device.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["/dev/fuse", { source: "/dev/fuse", target: "/dev/fuse", access: "rwm" }],
  ["/dev/fuse:r", { source: "/dev/fuse", target: "/dev/fuse", access: "r" }],
  ["/dev/sda:/dev/xvda", { source: "/dev/sda", target: "/dev/xvda", access: "rwm" }],
  ["/dev/sda:/dev/xvda:rw", { source: "/dev/sda", target: "/dev/xvda", access: "rw" }],
  ["/dev//dri/", { source: "/dev/dri", target: "/dev/dri", access: "rwm" }],
  ["./node:/dev/node", { source: "/home/me/node", target: "/dev/node", access: "rwm" }],
])("%s", (given, device) => {
  expect<unknown>(outcome(parseDevice(given, "/home/me"))).toEqual(device);
});

test.each([
  ["", "it looks like SOURCE:TARGET:ACCESS, such as /dev/sda:/dev/disk:r"],
  ["/dev/a::r", "it looks like SOURCE:TARGET:ACCESS, such as /dev/sda:/dev/disk:r"],
  ["a:b:c:d", "it looks like SOURCE:TARGET:ACCESS, such as /dev/sda:/dev/disk:r"],
  ["/dev/a:/dev/b:rx", "bad mode specified: rx (it is made of r, w and m)"],
  ["/dev/a:/dev/b:rr", "bad mode specified: rr (it is made of r, w and m)"],
  ["/dev/a:rw:m", "the target rw is a mode"],
  ["/dev/a:b", "b is not an absolute path"],
  ["vendor.example/gpu=0", "devices by their CDI name are not there yet: name them by their paths"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseDevice(given, "/"))).toBe(
    `invalid argument "${given}" for "--device": ${reason}`,
  );
});

test.each([
  ["c 1:3 rwm", { allow: true, type: "c", major: 1, minor: 3, access: "rwm" }],
  ["b 8:* r", { allow: true, type: "b", major: 8, access: "r" }],
  ["c *:* m", { allow: true, type: "c", access: "m" }],
  ["a", { allow: true, type: "a", access: "rwm" }],
  ["a *:* r", { allow: true, type: "a", access: "rwm" }],
])("the rule %s", (given, rule) => {
  expect<unknown>(outcome(parseDeviceCgroupRule(given))).toEqual(rule);
});

test.each([
  ["", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["c 1:3", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["c 1:3 rr", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["d 1:3 r", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["c  1:3 r", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["c -1:3 r", "invalid device cgroup format: it looks like c 1:3 rwm"],
  ["c 4096:0 r", "device numbers go up to 4095:1048575"],
  ["c 0:1048576 r", "device numbers go up to 4095:1048575"],
])("the rule %p is refused", (given, reason) => {
  expect(outcome(parseDeviceCgroupRule(given))).toBe(
    `invalid argument "${given}" for "--device-cgroup-rule": ${reason}`,
  );
});
