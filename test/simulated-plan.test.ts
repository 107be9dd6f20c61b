// What the simulator foresees of a container's mounts, and what the kernel says of them.

import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { planFromJson } from "../src/plan/json.ts";
import {
  fromMountinfo,
  type Inhabitants,
  type MountinfoRow,
  mountTable,
  parseMountinfo,
  planProcesses,
  type SimulatedStep,
  simulatePlan,
} from "../src/simulator/mod.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("simulated");
afterAll(() => ground.close());

/** What can be masked is there or not as on the host. */
const inhabitants: Inhabitants = (type, path) => {
  const mounted = { proc: "/proc", sysfs: "/sys" }[type];
  if (mounted === undefined) return "directory";
  const found = statSync(mounted + path, { throwIfNoEntry: false });
  return found === undefined ? null : found.isDirectory() ? "directory" : "file";
};

const program = ["busybox", "cat", "/proc/self/mountinfo"];

function foresee(flags: readonly string[]): SimulatedStep[] {
  const { code, stdout, stderr } = ground.pivot([
    "plan",
    "--rm",
    "--format",
    "json",
    ...flags,
    ...program,
  ]);
  if (code !== 0) throw new Error(stderr);
  const host = fromMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  return simulatePlan(planFromJson(stdout), host, { inhabitants });
}

/** What does not differ from one container to the next. */
const outline = (rows: readonly MountinfoRow[]): string[] =>
  rows
    .map((row) => {
      const root = row.root.replace(/[0-9a-f]{64}/, "ID");
      const propagation = `${row.shared !== null} ${row.master !== null} ${row.unbindable}`;
      return [row.mountpoint, row.type, root, row.flags, propagation].join(" ");
    })
    .sort();

const kinds: readonly (readonly [string, readonly string[]])[] = [
  ["a plain one", []],
  [
    "one with volumes and tmpfs",
    [
      "-v",
      `${ground.directory}:/data:ro`,
      "-v",
      "/usr:/host/usr",
      "--tmpfs",
      "/t/deep:size=1m,noexec",
    ],
  ],
  ["a read-only one", ["--read-only"]],
  ["a privileged one", ["--privileged"]],
  ["one in a chroot", ["--root-switch", "chroot"]],
  [
    "one that a directory is shared with",
    ["--mount", `type=bind,src=${ground.directory},dst=/s,bind-propagation=rslave`],
  ],
];

describe.skipIf(whyNot !== undefined)(
  `the plan in the simulator${whyNot ? `: skipped, ${whyNot}` : ""}`,
  () => {
    for (const [name, flags] of kinds) {
      test(`${name} has the mounts that were foreseen`, () => {
        const steps = foresee(flags);
        expect(steps.at(-1)?.failure ?? null).toBeNull();
        const last = steps.at(-1);
        const rows = last === undefined ? [] : mountTable(last.state, planProcesses.init);
        const ran = ground.run([...flags, ...program]);
        expect(ran.stderr).toBe("");
        expect(outline(rows)).toEqual(outline(parseMountinfo(ran.stdout)));
        expect(rows.length).toBeGreaterThan(10);
      });
    }

    test("without the step that makes mounts private, what comes of it is the kernel's word", () => {
      const { stdout } = ground.pivot(["plan", "--rm", "--format", "json", ...program]);
      const plan = planFromJson(stdout);
      const own = plan.steps.filter(
        ({ op }) => !(op.op === "mount_setattr" && op.propagation !== "unchanged"),
      );
      expect(own.length).toBe(plan.steps.length - 1);
      // As on a machine with systemd: everything is shared.
      const shared = readFileSync("/proc/self/mountinfo", "utf8").replace(
        /^((\S+ ){6})/gm,
        "$1shared:1 ",
      );
      const steps = simulatePlan({ ...plan, steps: own }, fromMountinfo(shared), { inhabitants });
      expect(steps.at(-1)?.step.op.op).toBe("pivot_root");
      expect(steps.at(-1)?.failure).toMatchObject({ errno: "EINVAL" });
    });
  },
);
