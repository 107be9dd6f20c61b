// What device rules mean (config-linux.md, Allowed Device list), whatever enforces them.
//
// The rules apply in their order to a cgroup that may use no device. A process may do what it asks
// for (read, write, mknod) when each of these was allowed by the last rule that speaks of it.
//
// That is what version 1's device list does rule by rule, without two of its blind spots: there, a
// denial changes nothing unless it names an earlier rule's device exactly.

import type { LinuxDeviceCgroup } from "../spec/mod.ts";

/** BPF_DEVCG_ACC_* of <linux/bpf.h>, which are DEVCG_ACC_* of the kernel's device_cgroup.h too. */
export const MKNOD = 1;
export const READ = 2;
export const WRITE = 4;
export const ALL_ACCESS = MKNOD | READ | WRITE;

/** A rule with nothing left out; `null` is any. */
export type DeviceRule = {
  readonly allow: boolean;
  readonly type: "b" | "c" | null;
  readonly major: number | null;
  readonly minor: number | null;
  /** The bits MKNOD, READ and WRITE. */
  readonly access: number;
};

const bits = { r: READ, w: WRITE, m: MKNOD } as const;

const accessOf = (letters: string | undefined): number =>
  letters === undefined || letters === ""
    ? ALL_ACCESS
    : [...letters].reduce((access, letter) => access | (bits[letter as "r" | "w" | "m"] ?? 0), 0);

/** -1 is any, as docker writes the "*" of its --device-cgroup-rule. */
const numberOf = (value: number | undefined): number | null =>
  value === undefined || value < 0 ? null : value;

const character = (major: number | null, minor: number | null, access: number): DeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access,
});

/**
 * What a container may use whatever its rules say: the devices that the specification promises it, the
 * terminals of its devpts, tun (for those who may configure networks), and making any node: which is
 * how its own /dev is filled, and does no harm, since using a node is another permission. runc and
 * crun add the same after the configuration's rules.
 */
export const defaultDeviceRules = (): readonly DeviceRule[] => [
  character(null, null, MKNOD),
  { ...character(null, null, MKNOD), type: "b" },
  character(1, 3, ALL_ACCESS), // null
  character(1, 5, ALL_ACCESS), // zero
  character(1, 7, ALL_ACCESS), // full
  character(1, 8, ALL_ACCESS), // random
  character(1, 9, ALL_ACCESS), // urandom
  character(5, 0, ALL_ACCESS), // tty
  character(5, 1, ALL_ACCESS), // console
  character(5, 2, ALL_ACCESS), // ptmx
  character(136, null, ALL_ACCESS), // pts/*
  character(10, 200, ALL_ACCESS), // net/tun
];

/** Whether a rule speaks of every device and every access: it leaves nothing of the rules before it. */
export const isSweeping = ({ type, major, minor, access }: DeviceRule): boolean =>
  type === null && major === null && minor === null && access === ALL_ACCESS;

/** A rule of the configuration with what it leaves out filled in. */
export const complete = (rule: LinuxDeviceCgroup): DeviceRule => ({
  allow: rule.allow,
  type: rule.type === undefined || rule.type === "a" ? null : rule.type,
  major: numberOf(rule.major),
  minor: numberOf(rule.minor),
  access: accessOf(rule.access),
});

/**
 * The rules of a configuration in their order, those that a later one takes all effect from left out,
 * and the default ones; or undefined when nothing at all is denied.
 */
export function deviceRules(
  given: readonly LinuxDeviceCgroup[],
): readonly DeviceRule[] | undefined {
  if (given.length === 0) return undefined;
  const completed = given.map(complete);
  const rules = completed.slice(Math.max(0, completed.findLastIndex(isSweeping)));
  const [first] = rules;
  const startsFromAll = first !== undefined && isSweeping(first) && first.allow;
  if (startsFromAll && rules.every(({ allow }) => allow)) return undefined;
  return [...rules, ...defaultDeviceRules()];
}
