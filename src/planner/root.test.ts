import { expect, test } from "bun:test";
import type { RootfsPropagation, Spec } from "../spec/mod.ts";
import { planPropagation, planRoot, planRootPropagation } from "./root.ts";
import { plainFacts as facts } from "./testing/facts.ts";
import { plainSetting as setting } from "./testing/setting.ts";

const specOf = (rootfsPropagation?: RootfsPropagation): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  linux: rootfsPropagation === undefined ? {} : { rootfsPropagation },
});

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
