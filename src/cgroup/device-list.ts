// Turns device rules into writes to version 1's device list (cgroup-v1/devices.rst).
//
// The list is in one of two states, "all but" or "none but", with exceptions that are told apart by
// type, major and minor. A new cgroup has its parent's list; so the first write brings it to a known
// state, and the others add exceptions.

import type { Problem } from "../spec/mod.ts";
import { ALL_ACCESS, type DeviceRule, isSweeping, MKNOD, READ, WRITE } from "./device-rules.ts";
import type { FileWrite } from "./limits.ts";

/** A kind of device with an exception to the state: the accesses that are so. */
type Exception = {
  readonly type: "b" | "c";
  readonly major: number | null;
  readonly minor: number | null;
  access: number;
};

const WHY = "linux.resources.devices";

const lettersOf = (access: number): string =>
  (access & READ ? "r" : "") + (access & WRITE ? "w" : "") + (access & MKNOD ? "m" : "");

const describe = ({ type, major, minor, access }: Exception): string =>
  `${type} ${major ?? "*"}:${minor ?? "*"} ${lettersOf(access)}`;

/** Whether all devices of `inner` are devices of `outer`. */
const covers = (outer: Exception, inner: Exception): boolean =>
  outer.type === inner.type &&
  (outer.major === null || outer.major === inner.major) &&
  (outer.minor === null || outer.minor === inner.minor);

const meets = (a: Exception, b: Exception): boolean =>
  a.type === b.type &&
  (a.major === null || b.major === null || a.major === b.major) &&
  (a.minor === null || b.minor === null || a.minor === b.minor);

/** Adds an exception, to the one for the same devices if there is one. */
function add(exceptions: Exception[], exception: Exception): void {
  const same = exceptions.find((other) => covers(other, exception) && covers(exception, other));
  if (same === undefined) exceptions.push(exception);
  else same.access |= exception.access;
}

/**
 * Takes back what exceptions say of some devices. An exception that holds for other devices too cannot
 * be parted, and is given back: a device list has no way to say it.
 */
function takeBack(exceptions: Exception[], back: Exception): Exception | undefined {
  for (const exception of exceptions) {
    if ((exception.access & back.access) === 0 || !meets(back, exception)) continue;
    if (!covers(back, exception)) return exception;
    exception.access &= ~back.access;
  }
  return undefined;
}

/** A rule for any type is one for each of the two. */
const exceptionsOf = (rule: DeviceRule): Exception[] =>
  (rule.type === null ? (["c", "b"] as const) : [rule.type]).map((type) => ({
    type,
    major: rule.major,
    minor: rule.minor,
    access: rule.access,
  }));

/** The writes that put rules in force, or why a device list cannot keep them. */
export function listDeviceRules(rules: readonly DeviceRule[]): readonly FileWrite[] | Problem {
  let allowsAll = false;
  let exceptions: Exception[] = [];
  for (const rule of rules) {
    if (isSweeping(rule)) {
      allowsAll = rule.allow;
      exceptions = [];
      continue;
    }
    for (const exception of exceptionsOf(rule)) {
      if (rule.allow !== allowsAll) {
        add(exceptions, exception);
        continue;
      }
      const whole = takeBack(exceptions, exception);
      if (whole !== undefined) return cannotPart(rule.allow, exception, whole);
    }
  }
  const file = allowsAll ? "devices.deny" : "devices.allow";
  const all = allowsAll ? [] : [{ file: "devices.deny", text: "a", why: WHY }];
  return [
    ...all,
    ...exceptions
      .filter(({ access }) => (access & ALL_ACCESS) !== 0)
      .map((exception) => ({ file, text: describe(exception), why: WHY })),
  ];
}

function cannotPart(allow: boolean, part: Exception, whole: Exception): Problem {
  const [verb, other] = allow ? ["allow", "denial"] : ["deny", "allowance"];
  return {
    path: WHY,
    expected: `rules that the device list of cgroups version 1 can keep`,
    received: `one to ${verb} ${describe(part)} after the ${other} of ${describe(whole)}: name the devices of the latter one by one, or use version 2`,
  };
}
