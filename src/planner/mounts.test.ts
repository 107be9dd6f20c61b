import { expect, test } from "bun:test";
import type { Op } from "../plan/op.ts";
import type { Mount } from "../spec/mod.ts";
import { type MountPlan, placeOf, planMounts } from "./mounts.ts";
import { plainFacts } from "./testing/facts.ts";

function plan(mounts: readonly Mount[]): MountPlan {
  const spec = { ociVersion: "1.3.0", root: { path: "/r" }, mounts };
  return planMounts(spec, {
    layout: { mode: "none", v1: [], v2: null },
    cgroupNamespace: null,
    inUserNamespace: false,
    cgroups: [],
    facts: plainFacts,
    state: "/run/pivot/i",
    places: new Map(),
    chown: new Set<string>(),
  });
}

const bindOf = (...options: string[]): Op | undefined =>
  plan([{ destination: "/b", source: "/a", options }]).before[0]?.op;

test("the mounts below a bind stay in the host's peer groups only where the word is shared", () => {
  for (const word of ["private", "rprivate", "slave", "rslave", "rshared"]) {
    expect(bindOf("rbind", word)).toMatchObject({ deep_propagation: true });
  }
  expect(bindOf("rbind")).toMatchObject({ propagation: "private", deep_propagation: true });
  expect(bindOf("rbind", "shared")).toMatchObject({ deep_propagation: false });
  expect(bindOf("bind", "rslave")).toMatchObject({ deep_propagation: false });
});

const proc = (...options: string[]): Mount => ({ destination: "/proc", type: "proc", options });
const sys: Mount = { destination: "/sys", type: "sysfs" };
const bindTo = (destination: string, source: string): Mount => ({
  destination,
  source,
  options: ["rbind"],
});

test("settings are written to the container's /proc, unless that has processes alone", () => {
  expect(plan([proc()]).proc).toBe("proc");
  expect(plan([proc("subset=pid")]).proc).toBeNull();
  expect(plan([bindTo("/proc", "/proc")]).proc).toBe("bind0");
  expect(plan([bindTo("/proc", "/tmp")]).proc).toBeNull();
  expect(plan([]).proc).toBeNull();
});

test("a path in /proc or /sys is found below the very mount", () => {
  const { mounted } = plan([proc("subset=pid"), sys]);
  expect(placeOf("/proc/keys", mounted)).toEqual({ in: "proc", path: "keys" });
  expect(placeOf("//proc/./sys/", mounted)).toEqual({ in: "proc", path: "sys" });
  expect(placeOf("/sys/fs/x", mounted)).toEqual({ in: "sys", path: "fs/x" });
});

test("any other path is found from the root", () => {
  const { mounted } = plan([proc(), sys]);
  for (const path of ["/proc", "/etc/x", "/procs/x", "/proc/../etc/x"]) {
    expect(placeOf(path, mounted)).toEqual({ in: "root", path });
  }
});

test("the mount that was made last is the one that is seen", () => {
  const covered = plan([proc(), bindTo("/proc/sys", "/a")]).mounted;
  expect(placeOf("/proc/sys/x", covered)).toEqual({ in: "root", path: "/proc/sys/x" });
  expect(placeOf("/proc/keys", covered)).toEqual({ in: "proc", path: "keys" });
  expect(placeOf("/proc/keys", plan([proc(), bindTo("/proc", "/a")]).mounted)).toEqual({
    in: "root",
    path: "/proc/keys",
  });
});
