import { expect, test } from "bun:test";
import type { RootfsPropagation, Spec } from "../spec/mod.ts";
import type { Facts } from "./facts.ts";
import { planPropagation, planRoot, planRootPropagation } from "./root.ts";
import type { Setting } from "./setting.ts";

const specOf = (rootfsPropagation?: RootfsPropagation): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  linux: rootfsPropagation === undefined ? {} : { rootfsPropagation },
});

const facts: Facts = {
  uid: 0,
  gid: 0,
  kernel: [6, 12],
  arch: "x86_64",
  capabilities: [],
  cgroups: { mode: "none", v1: [], v2: null },
  streams: ["null", "null", "null"],
};

const setting: Setting = {
  id: "a",
  runRoot: "/run/pivot",
  dataRoot: "/var/lib/pivot",
  name: null,
  root: { kind: "directory", path: "/r" },
  user: null,
  groups: [],
  files: [],
  makeDirectories: [],
  streams: ["null", "null", "null"],
  terminalInput: false,
  init: false,
  rootSwitch: "pivot",
  keep: false,
  seccomp: null,
  state: "",
  pidFile: null,
  passSignals: true,
  endWithCaller: false,
  lifetime: "supervised",
  consoleSocket: null,
  preserveFds: 0,
  bundle: null,
};

const rootBind = (wanted?: RootfsPropagation) =>
  planRoot({ setting, facts, spec: specOf(wanted), inUserNamespace: false }).before[0]?.op;

test("a root directory is never a peer of the host's mount", () => {
  for (const wanted of ["shared", "rshared", "slave", "rslave"] as const) {
    expect(rootBind(wanted)).toMatchObject({ propagation: "slave", deep_propagation: true });
    expect(planPropagation(specOf(wanted)).op).toMatchObject({ propagation: "slave" });
  }
  for (const wanted of [undefined, "private", "rprivate", "unbindable"] as const) {
    expect(rootBind(wanted)).toMatchObject({ propagation: "private", deep_propagation: true });
    expect(planPropagation(specOf(wanted)).op).toMatchObject({ propagation: "private" });
  }
});

const made = (wanted?: RootfsPropagation) => planRootPropagation(specOf(wanted))[0]?.op;

test("a root that is to be shared is made so, for the mounts below with an r", () => {
  expect(made("shared")).toMatchObject({ propagation: "shared", recursive: false });
  expect(made("rslave")).toMatchObject({ propagation: "slave", recursive: true });
  expect(made("rprivate")).toBeUndefined();
  expect(made()).toBeUndefined();
});
