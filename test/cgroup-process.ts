// A process in cgroups of its own: made by a plan, with this machine's root and nothing else new.

import { release } from "node:os";
import { type CgroupRequest, planCgroup } from "../src/cgroup/mod.ts";
import { executePlan } from "../src/executor/spawn.ts";
import { readCgroupFacts } from "../src/host/cgroups.ts";
import type { Op, Step } from "../src/plan/op.ts";
import type { CgroupLayout } from "../src/planner/facts.ts";
import type { LinuxResources } from "../src/spec/mod.ts";
import { formatProblem } from "../src/spec/problem.ts";

const [major = 0, minor = 0] = release().split(".").map(Number);

export const kernel: CgroupRequest["kernel"] = [major, minor];

export type CgroupProcess = {
  readonly pid: number;
  /** Its cgroups, as directories of the host. */
  readonly paths: readonly string[];
  /** Ends it; resolves when its cgroups are gone. */
  readonly end: () => Promise<void>;
};

type Wish = {
  readonly resources: LinuxResources;
  readonly layout: CgroupLayout;
  readonly joinAll: boolean;
  /** What a shell of the host runs in the cgroups. */
  readonly script: string;
};

let count = 0;

const by = (actor: Step["by"], op: Op): Step => ({ by: actor, op, why: "test" });

/** Starts a script; whoever does has to end it. */
export async function startInCgroups(wish: Wish): Promise<CgroupProcess> {
  const { resources, layout, joinAll, script } = wish;
  const name = `pivot-test-process-${process.pid}-${count++}`;
  const request = { name, resources, kernel, rootless: false, joinAll };
  const cgroup = planCgroup({ ...request, ...readCgroupFacts(request, layout) }, layout);
  if (Array.isArray(cgroup)) throw new Error(cgroup.map(formatProblem).join("\n"));
  const argv = ["sh", "-c", script];
  const env = ["PATH=/usr/bin:/bin"];
  const clone: Op = {
    op: "clone",
    namespaces: ["mount"],
    cgroup: cgroup.clone,
    user: null,
    process: null,
    join: [],
    proc: null,
  };
  const steps = [
    ...cgroup.make,
    by("parent", clone),
    ...cgroup.join,
    by("init", { op: "close_fds", from: 3 }),
    by("init", { op: "exec", paths: ["/bin/sh"], argv, env }),
    by("parent", {
      op: "supervise",
      signals: true,
      parent: true,
      status: null,
      replace: false,
      oom: null,
    }),
  ];
  const execution = executePlan({ version: 1, steps }, "ignore");
  const pid = await execution.started;
  if (pid === null) throw new Error(JSON.stringify((await execution.outcome).failure));
  return {
    pid,
    paths: cgroup.paths,
    end: async () => {
      execution.end();
      await execution.outcome;
    },
  };
}
