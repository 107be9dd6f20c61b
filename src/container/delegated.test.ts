// Limits without root: those that a delegated cgroup keeps stay, the others are named in one line.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { CgroupLayout } from "../planner/facts.ts";
import type { LinuxResources } from "../spec/mod.ts";
import { delegated, isOutside } from "./delegated.ts";

const mount = mkdtempSync(`${tmpdir()}/pivot-delegated-`);
afterAll(() => rmSync(mount, { recursive: true }));

/** A part of the hierarchy that somebody may write to, as far as files show that. */
const part = `${mount}/user@1.service`;
mkdirSync(`${part}/app.scope`, { recursive: true });
for (const file of ["cgroup.procs", "cgroup.subtree_control"]) writeFileSync(`${part}/${file}`, "");
writeFileSync(`${part}/cgroup.controllers`, "memory pids\n");

const v2 = (own: string): CgroupLayout => ({
  mode: "v2",
  v1: [],
  v2: {
    mount,
    own,
    controllers: ["memory", "pids", "cpu", "io"],
    enabled: ["memory"],
    options: [],
  },
});

const limits: LinuxResources = { memory: { limit: 1n }, pids: { limit: 2n }, cpu: { shares: 3n } };

test("nothing is said where nothing is asked for", () => {
  expect(delegated(v2("/none/of/mine"), "pivot-x", undefined)).toEqual({
    layout: { mode: "none", v1: [], v2: null },
    resources: undefined,
    warnings: [],
  });
});

test("the controllers are those of the part, beside the caller's own cgroup", () => {
  const { layout, resources, warnings } = delegated(
    v2("/user@1.service/app.scope"),
    "pivot-x",
    limits,
  );
  expect(layout.v2?.controllers).toEqual(["memory", "pids"]);
  expect(resources).toEqual({ memory: { limit: 1n }, pids: { limit: 2n } });
  expect(warnings).toEqual([
    "not in force: limits of cpu; this user's part of the cgroups lacks their controllers: see Delegate= in systemd.resource-control(5)",
  ]);
});

test("without a part of their own all are named at once", () => {
  const { resources, warnings } = delegated(v2("/none/of/mine"), "pivot-x", limits);
  expect(resources).toBeUndefined();
  expect(warnings).toEqual([
    "not in force: limits of memory, pids and cpu; no cgroup is delegated to this user: have a systemd of theirs run (`loginctl enable-linger`), or start it by `systemd-run --user --scope -p Delegate=yes`",
  ]);
  const hybrid: CgroupLayout = { ...v2("/none/of/mine"), mode: "hybrid" };
  expect(delegated(hybrid, "pivot-x", { pids: { limit: 1n } }).warnings).toEqual([
    "not in force: limits of pids; cgroups of version 1 are root's alone",
  ]);
});

test("a manager of the user's has its own part, wherever the caller is", () => {
  const pids: LinuxResources = { pids: { limit: 2n } };
  const name = "/user@1.service/user.slice/pivot-x.scope";
  const asked = (keeper: string) =>
    delegated(v2("/system.slice/some.service"), name, pids, undefined, keeper);
  expect(asked("/user@1.service")).toMatchObject({ resources: pids, warnings: [] });
  expect(asked("/user@2.service").resources).toBeUndefined();
});

test("CPUs and files of version 2 go by their own controllers", () => {
  const own = v2("/user@1.service/app.scope");
  const left = (resources: LinuxResources) => delegated(own, "pivot-x", resources).resources;
  expect(left({ cpu: { cpus: "0" } })).toBeUndefined();
  expect(left({ unified: { "memory.high": "1" } })).toEqual({ unified: { "memory.high": "1" } });
  expect(left({ unified: { "memory.high": "1", "io.max": "x" } })).toBeUndefined();
});

test("CPUs that are not to be had leave the time on others in force", () => {
  const own = v2("/user@1.service/timed/app.scope");
  mkdirSync(`${part}/timed/app.scope`, { recursive: true });
  for (const file of ["cgroup.procs", "cgroup.subtree_control"]) {
    writeFileSync(`${part}/timed/${file}`, "");
  }
  writeFileSync(`${part}/timed/cgroup.controllers`, "cpu memory\n");
  const cpu = { quota: 1n, period: 2n, cpus: "0", mems: "0" };
  const { resources, warnings } = delegated(own, "pivot-x", { cpu });
  expect(resources).toEqual({ cpu: { quota: 1n, period: 2n } });
  expect(warnings).toEqual([expect.stringMatching(/^not in force: limits of cpuset; /)]);
  expect(delegated(own, "pivot-x", { cpu: { shares: 1n } }).warnings).toEqual([]);
});

test("who is outside of what is delegated may put nobody there", () => {
  const inside = v2("/user@1.service/app.scope");
  expect(isOutside(inside, `${part}/pivot-x`)).toBe(false);
  expect(isOutside(v2("/user@1.service"), `${part}/pivot-x`)).toBe(false);
  expect(isOutside(v2("/session.scope"), `${part}/pivot-x`)).toBe(true);
  expect(isOutside(v2("/"), `${part}/pivot-x`)).toBe(true);
  // Where it cannot be told, or is another hierarchy, the kernel has the word.
  expect(isOutside(v2("/../session.scope"), `${part}/pivot-x`)).toBe(false);
  expect(isOutside(v2("/session.scope"), "/elsewhere/pivot-x")).toBe(false);
});

test("what an engine always sends is lost without a word", () => {
  const devices = [{ allow: false, access: "rwm" }];
  const { warnings } = delegated(v2("/x/y"), "pivot-x", { devices }, (kind) => kind !== "devices");
  expect(warnings).toEqual([]);
});
