import { expect, test } from "bun:test";
import type { Process, Spec } from "../spec/mod.ts";
import type { Facts } from "./facts.ts";
import { asksForLabels, findLabelProblems, planLabelFiles, planLabels } from "./labels.ts";
import { planMounts } from "./mounts.ts";
import { planProcess } from "./process.ts";
import { planRoot } from "./root.ts";
import type { Setting } from "./setting.ts";
import { plainFacts } from "./testing/facts.ts";

const plain: Process = { args: ["x"], cwd: "/", user: { uid: 0, gid: 0 } };
const specOf = (process: Partial<Process>, mountLabel?: string): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  process: { ...plain, ...process },
  linux: mountLabel === undefined ? {} : { mountLabel },
});
const appArmor: Facts = { ...plainFacts, apparmor: true };
const selinux: Facts = { ...plainFacts, selinux: true };

test("no label, an empty one and AppArmor's word for none are no problem anywhere", () => {
  for (const apparmorProfile of ["", "unconfined"]) {
    expect(
      findLabelProblems(specOf({ apparmorProfile, selinuxLabel: "" }, ""), plainFacts),
    ).toEqual([]);
  }
  expect(asksForLabels(specOf({ apparmorProfile: "", selinuxLabel: "" }, ""))).toBeFalse();
  expect(planLabelFiles(plain, appArmor)).toEqual([]);
});

test("a label that nobody would enforce is refused", () => {
  const spec = specOf({ apparmorProfile: "strict", selinuxLabel: "s" }, "m");
  expect(asksForLabels(spec)).toBeTrue();
  expect(findLabelProblems(spec, plainFacts)).toEqual([
    "process.apparmorProfile: this kernel runs without AppArmor, so nothing would enforce strict: leave it out",
    "process.selinuxLabel: this kernel runs without SELinux, so nothing would enforce s: leave it out",
  ]);
  expect(findLabelProblems(spec, { ...appArmor, selinux: true })).toEqual([]);
});

test("labels are written to a procfs that is attached nowhere, before anything can refuse it", () => {
  const process: Process = { ...plain, apparmorProfile: "strict", noNewPrivileges: true };
  expect(planLabelFiles(process, appArmor).map(({ op }) => op)).toMatchObject([
    { op: "mount", type: "proc", at: null, into: "labels" },
  ]);
  expect(planLabels(process, appArmor).map(({ op }) => op)).toMatchObject([
    {
      op: "write",
      at: { in: "labels", path: "thread-self/attr/apparmor/exec" },
      text: "exec strict",
      how: "existing",
    },
  ]);
  const setting = { seccomp: null, user: null, groups: [], init: false } as unknown as Setting;
  const { closing, steps } = planProcess(process, setting, appArmor);
  expect(closing.map(({ op }) => op.op)).toEqual(["write", "close_fds"]);
  expect(steps.map(({ op }) => op.op)).toContain("no_new_privs");
  expect(
    planLabels({ ...plain, selinuxLabel: "u:r:t:s0" }, selinux).map(({ op }) => op),
  ).toMatchObject([{ at: { path: "thread-self/attr/exec" }, text: "u:r:t:s0" }]);
});

test("new file systems get the mount label, the kernel's own views and binds do not", () => {
  const mounts = [
    { destination: "/proc", type: "proc" },
    { destination: "/dev", type: "tmpfs" },
    { destination: "/q", type: "mqueue" },
    { destination: "/t", type: "tmpfs", options: ["context=mine"] },
    { destination: "/b", source: "/b", options: ["bind"] },
  ];
  const view = {
    layout: plainFacts.cgroups,
    cgroupNamespace: null,
    inUserNamespace: false,
    state: "/s",
  };
  const spec: Spec = { ...specOf({}, "u:o:f:s0:c1,c2"), mounts };
  const { steps, problems } = planMounts(spec, {
    ...view,
    places: new Map(),
    chown: new Set<string>(),
    cgroups: [],
    facts: selinux,
  });
  expect(problems).toEqual([]);
  const options = steps.flatMap(({ op }) => (op.op === "mount" ? [[op.type, ...op.options]] : []));
  expect(options).toEqual([
    ["proc"],
    ["tmpfs", "context=u:o:f:s0:c1,c2"],
    ["mqueue", "context=u:o:f:s0:c1,c2"],
    ["tmpfs", "context=mine"],
  ]);
  const setting = {
    id: "i",
    runRoot: "/run",
    dataRoot: "/data",
    root: { kind: "overlay", layers: ["/l"] },
  } as unknown as Setting;
  const root = planRoot({ setting, facts: selinux, spec, inUserNamespace: false });
  expect(root.steps[0]?.op).toMatchObject({
    options: expect.arrayContaining(["context=u:o:f:s0:c1,c2"]),
  });
});
