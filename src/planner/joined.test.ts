import { expect, test } from "bun:test";
import { planContainer } from "./plan.ts";
import { plainFacts } from "./testing/facts.ts";
import { plainSetting } from "./testing/setting.ts";

test("another container's process is looked at once all is opened that its pid leads to", () => {
  const planned = planContainer(
    {
      ociVersion: "1.3.0",
      root: { path: "/r" },
      process: { cwd: "/", args: ["true"], user: { uid: 0, gid: 0 } },
      mounts: [
        {
          destination: "/dev/shm",
          type: "bind",
          source: "/proc/7/root/dev/shm",
          options: ["bind"],
        },
      ],
      linux: {
        namespaces: [
          { type: "mount" },
          { type: "network", path: "/proc/7/ns/net" },
          { type: "pid", path: "/proc/7/ns/pid" },
          { type: "user", path: "/proc/7/ns/user" },
        ],
      },
    },
    { ...plainSetting, joined: ["/run/pivot/b/pid"] },
    plainFacts,
    { make: [], clone: null, join: [], paths: [] },
  );
  if (!planned.ok) throw new Error(planned.problems.join());
  const ops = planned.plan.steps.map(({ op }) => op);
  const last = ops.findLastIndex((op) => op.op === "open" && op.at?.path?.startsWith("/proc/7/"));
  const look = ops.findIndex((op) => op.op === "process" && op.of?.path === "/run/pivot/b/pid");
  const clone = ops.findIndex(({ op }) => op === "clone");
  expect([last > 0, last < look, look < clone]).toEqual([true, true, true]);
});
