import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { LinuxDeviceCgroup } from "../spec/mod.ts";
import { formatProblem } from "../spec/problem.ts";
import { listDeviceRules } from "./device-list.ts";
import { deviceRules, MKNOD, READ, WRITE } from "./device-rules.ts";
import type { FileWrite } from "./limits.ts";
import { anyRule, anyUse, isAllowed, type Use } from "./testing/device-use.ts";

type Exception = { type: string; major: string; minor: string; access: number };

const accessOf = (letters: string): number =>
  (letters.includes("r") ? READ : 0) |
  (letters.includes("w") ? WRITE : 0) |
  (letters.includes("m") ? MKNOD : 0);

/** A device list as security/device_cgroup.c keeps it, in a cgroup whose parent allows all. */
function deviceList(writes: readonly FileWrite[]): (use: Use) => boolean {
  let allowsAll = true;
  let exceptions: Exception[] = [];
  for (const { file, text } of writes) {
    const allow = file === "devices.allow";
    if (text === "a") {
      allowsAll = allow;
      exceptions = [];
      continue;
    }
    const [, type = "", major = "", minor = "", letters = ""] =
      /^([bc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(text) ?? [];
    expect(letters).not.toBe("");
    const same = exceptions.find((e) => e.type === type && e.major === major && e.minor === minor);
    if (allow !== allowsAll) {
      if (same === undefined) exceptions.push({ type, major, minor, access: accessOf(letters) });
      else same.access |= accessOf(letters);
    } else if (same !== undefined) same.access &= ~accessOf(letters);
  }
  return ({ type, major, minor, access }) => {
    const found = exceptions.filter(
      (e) =>
        e.type === type &&
        (e.major === "*" || e.major === String(major)) &&
        (e.minor === "*" || e.minor === String(minor)),
    );
    // An allowance must hold all that is asked for, a denial any of it.
    return allowsAll
      ? !found.some((e) => (e.access & access) !== 0)
      : found.some((e) => (access & ~e.access) === 0);
  };
}

const list = (given: readonly LinuxDeviceCgroup[]) => listDeviceRules(deviceRules(given) ?? []);

/** What is written about the devices of major 7, or the refusal. */
function aboutSeven(given: readonly LinuxDeviceCgroup[]): string[] {
  const writes = list(given);
  return "path" in writes
    ? [formatProblem(writes)]
    : writes.map(({ text }) => text).filter((text) => text.includes(" 7:"));
}

test("the writes for a container that may use what is promised and one device more", () => {
  expect(
    list([
      { allow: false, access: "rwm" },
      { allow: true, type: "b", major: 8, minor: 16, access: "r" },
    ]),
  ).toEqual(
    [
      ["devices.deny", "a"],
      ["devices.allow", "b 8:16 r"],
      ["devices.allow", "c *:* m"],
      ["devices.allow", "b *:* m"],
      ["devices.allow", "c 1:3 rwm"],
      ["devices.allow", "c 1:5 rwm"],
      ["devices.allow", "c 1:7 rwm"],
      ["devices.allow", "c 1:8 rwm"],
      ["devices.allow", "c 1:9 rwm"],
      ["devices.allow", "c 5:0 rwm"],
      ["devices.allow", "c 5:1 rwm"],
      ["devices.allow", "c 5:2 rwm"],
      ["devices.allow", "c 136:* rwm"],
      ["devices.allow", "c 10:200 rwm"],
    ].map(([file = "", text = ""]) => ({ file, text, why: "linux.resources.devices" })),
  );
});

test("all but one device: a denial on what the parent allows", () => {
  expect(
    list([{ allow: true }, { allow: false, type: "b", major: 8, minor: 0, access: "rw" }]),
  ).toEqual([{ file: "devices.deny", text: "b 8:0 rw", why: "linux.resources.devices" }]);
});

test("a denial takes back what it covers, and is refused where it would part a rule", () => {
  const character = { type: "c", major: 7 } as const;
  expect(
    aboutSeven([
      { ...character, allow: true, minor: 1 },
      { ...character, allow: false, access: "w" },
    ]),
  ).toEqual(["c 7:1 rm"]);
  expect(
    aboutSeven([
      { ...character, allow: true },
      { ...character, allow: false, minor: 1 },
    ]),
  ).toEqual([
    "linux.resources.devices: expected rules that the device list of cgroups version 1 can keep, received one to deny c 7:1 rwm after the allowance of c 7:* rwm: name the devices of the latter one by one, or use version 2",
  ]);
});

test("the list says what the rules say of a single access, and never allows more", () => {
  let kept = 0;
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 6 }), anyUse, (given, use) => {
      const rules = deviceRules(given);
      if (rules === undefined) return;
      const writes = listDeviceRules(rules);
      if ("path" in writes) return;
      kept++;
      const listed = deviceList(writes)(use);
      const isSingle = (use.access & (use.access - 1)) === 0;
      if (isSingle) expect(listed).toBe(isAllowed(rules, use));
      else if (listed) expect(isAllowed(rules, use)).toBeTrue();
    }),
    { numRuns: 2000 },
  );
  // The generator must not live on refusals.
  expect(kept).toBeGreaterThan(500);
});
