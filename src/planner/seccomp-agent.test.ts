import { expect, test } from "bun:test";
import type { Spec } from "../spec/mod.ts";
import { planSeccompAgent, processState } from "./seccomp-agent.ts";
import type { Setting } from "./setting.ts";

const spec: Spec = { ociVersion: "1.0.2", root: { path: "/r" }, annotations: { "a.b": 'c"d' } };
const setting = { id: "i", runRoot: "/run/pivot", seccomp: null } as unknown as Setting;

test("the pieces are JSON with a pid between them", () => {
  const read = (bundle: object, metadata: string | null): unknown =>
    JSON.parse(processState(spec, { ...setting, ...bundle }, metadata).join("42"));
  expect(read({ bundle: { directory: "/b", config: null } }, 'x"y')).toEqual({
    ociVersion: "1.3.0",
    fds: ["seccompFd"],
    pid: 42,
    metadata: 'x"y',
    state: {
      ociVersion: "1.3.0",
      id: "i",
      status: "creating",
      pid: 42,
      bundle: "/b",
      annotations: { "a.b": 'c"d' },
    },
  });
  expect(read({ bundle: null }, null)).not.toHaveProperty("metadata");
  expect(read({ bundle: null }, null)).toMatchObject({ state: { bundle: "/run/pivot/i" } });
});

test("a filter that asks nobody has no agent", () => {
  expect(planSeccompAgent(spec, setting, null)).toEqual([]);
  const agent = { path: "/s", metadata: null };
  expect(planSeccompAgent(spec, setting, agent)).toMatchObject([
    { by: "parent", op: { op: "seccomp_agent", path: "/s" } },
  ]);
});
