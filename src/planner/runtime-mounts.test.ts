import { expect, test } from "bun:test";
import { scriptProblem } from "../explain/script.ts";
import type { Plan } from "../plan/op.ts";
import { fromMountinfo, mountTable, planProcesses, simulatePlan } from "../simulator/mod.ts";
import type { LinuxNamespaceType, Spec } from "../spec/mod.ts";
import { type Planned, planContainer } from "./plan.ts";
import { plainFacts } from "./testing/facts.ts";
import { plainSetting } from "./testing/setting.ts";

const bundle = { directory: "/b", config: "{}" };
const cgroup = { make: [], clone: null, join: [], paths: [] };

function planned(namespaces: readonly LinuxNamespaceType[], more: Partial<Spec> = {}): Planned {
  const spec: Spec = {
    ociVersion: "1.3.0",
    root: { path: "/srv/root" },
    process: { args: ["/program"], cwd: "/", user: { uid: 0, gid: 0 } },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/data", type: "bind", source: "/home", options: ["rbind"] },
    ],
    ...more,
    linux: {
      maskedPaths: ["/proc/keys"],
      ...more.linux,
      namespaces: namespaces.map((type) => ({ type })),
    },
  };
  const setting = {
    ...plainSetting,
    root: { kind: "directory", path: "/srv/root" },
    bundle,
  } as const;
  return planContainer(spec, setting, plainFacts, cgroup);
}

function planOf(namespaces: readonly LinuxNamespaceType[]): Plan {
  const result = planned(namespaces);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.plan;
}

/** As systemd makes a host's: all is shared. */
const host = fromMountinfo(
  [
    "20 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw",
    "21 20 0:5 / /proc rw shared:2 - proc proc rw",
    "22 20 8:2 / /home rw shared:3 - ext4 /dev/sda2 rw",
    "",
  ].join("\n"),
);

test("the runtime's table never changes, and the root stays whole in no namespace", () => {
  const steps = simulatePlan(planOf(["pid"]), host);
  expect(steps.at(-1)?.failure).toBeNull();
  const table = mountTable(host, planProcesses.parent);
  for (const { state } of steps) {
    expect(mountTable(state, planProcesses.parent)).toEqual(table);
  }
  const end = steps.at(-1)?.state;
  const { init, parent } = { init: end?.processes[2], parent: end?.processes[1] };
  expect(init?.namespace).toBe(parent?.namespace ?? -1);
  const root = end?.mounts[init?.root.mount ?? -1];
  expect(root).toMatchObject({ namespace: null, parent: null });
  const inside = Object.values(end?.mounts ?? {}).filter(({ parent: of }) => of === root?.id);
  expect(inside).toHaveLength(2);
  expect(inside.every(({ namespace }) => namespace === null)).toBe(true);
  // Its own table has no row: none of it is in the namespace that it is in.
  expect(end === undefined ? null : mountTable(end, planProcesses.init)).toEqual([]);
});

test("with a mount namespace nothing of it is planned", () => {
  const ops = planOf(["mount"]).steps.map(({ op }) => op.op);
  expect(ops).toContain("pivot_root");
  expect(ops).not.toContain("enter_root");
  expect(planOf([]).steps.map(({ op }) => op.op)).not.toContain("pivot_root");
});

test("no shell can hold such a root", () => {
  expect(scriptProblem(planOf(["pid"]))).toContain("mount namespace");
});

const problemsOf = (result: Planned): readonly string[] => (result.ok ? [] : result.problems);

test("what would need mounts in a namespace is refused by its field", () => {
  for (const rootfsPropagation of ["shared", "rslave", "unbindable"] as const) {
    expect(problemsOf(planned([], { linux: { rootfsPropagation } }))).toEqual([
      expect.stringContaining(
        `linux.rootfsPropagation: expected private, received ${rootfsPropagation}`,
      ),
    ]);
    expect(problemsOf(planned(["mount"], { linux: { rootfsPropagation } }))).toEqual([]);
  }
  expect(problemsOf(planned([], { linux: { rootfsPropagation: "rprivate" } }))).toEqual([]);
  expect(problemsOf(planned(["user"]))).toEqual([expect.stringContaining("user namespace")]);
});

test("who may go to the host's root by setns(2) is told of, and nobody else", () => {
  const warningsOf = (
    namespaces: readonly LinuxNamespaceType[],
    ...bounding: readonly ("CAP_SYS_ADMIN" | "CAP_SYS_CHROOT")[]
  ) => {
    const process = {
      args: ["/program"],
      cwd: "/",
      user: { uid: 0, gid: 0 },
      capabilities: { bounding },
    };
    const result = planned(namespaces, { process });
    return result.ok ? result.warnings.filter((each) => each.includes("setns")) : null;
  };
  expect(warningsOf([], "CAP_SYS_ADMIN", "CAP_SYS_CHROOT")).toHaveLength(1);
  expect(warningsOf([], "CAP_SYS_ADMIN")).toEqual([]);
  expect(warningsOf(["mount"], "CAP_SYS_ADMIN", "CAP_SYS_CHROOT")).toEqual([]);
});

test("the engine makes none", () => {
  const spec: Spec = {
    ociVersion: "1.3.0",
    root: { path: "/r" },
    process: { args: ["/program"], cwd: "/", user: { uid: 0, gid: 0 } },
    linux: { namespaces: [{ type: "pid" }] },
  };
  for (const made of [null, { directory: "/b", config: null }]) {
    const result = planContainer(spec, { ...plainSetting, bundle: made }, plainFacts, cgroup);
    expect(problemsOf(result)).toEqual([expect.stringMatching(/^linux\.namespaces: .*mount/)]);
  }
});
