/**
 * Golden plans: what the planner makes of typical wishes, on machines of each kind, written out.
 * A change of a plan shows here as a change of a text. `UPDATE_GOLDEN=1 bun test golden` writes
 * them anew; read the difference before it is committed.
 */

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { planCgroup } from "../src/cgroup/mod.ts";
import { containerSpec } from "../src/options/container-spec.ts";
import type { RunOptions } from "../src/options/options.ts";
import { type Capability, capabilities } from "../src/plan/constants.ts";
import { describeOp } from "../src/plan/describe.ts";
import type { Plan } from "../src/plan/op.ts";
import type { CgroupLayout, Facts } from "../src/planner/facts.ts";
import { planContainer } from "../src/planner/plan.ts";
import type { Monitor, RootSource, Setting } from "../src/planner/setting.ts";

const id = "0123456789ab".padEnd(64, "0");

const v2: CgroupLayout = {
  mode: "v2",
  v1: [],
  v2: {
    mount: "/sys/fs/cgroup",
    own: "/",
    controllers: ["cpuset", "cpu", "io", "memory", "pids"],
    enabled: ["memory", "pids"],
    options: [],
  },
};

const v1: CgroupLayout = {
  mode: "v1",
  v1: [
    { controllers: ["cpu", "cpuacct"], mount: "/sys/fs/cgroup/cpu,cpuacct", own: "/" },
    { controllers: ["memory"], mount: "/sys/fs/cgroup/memory", own: "/" },
    { controllers: ["devices"], mount: "/sys/fs/cgroup/devices", own: "/" },
    { controllers: ["pids"], mount: "/sys/fs/cgroup/pids", own: "/" },
  ],
  v2: null,
};

function factsOf(cgroups: CgroupLayout): Facts {
  return {
    uid: 0,
    gid: 0,
    kernel: [6, 12],
    arch: "x86_64",
    capabilities: Object.keys(capabilities) as Capability[],
    cgroups,
    streams: ["terminal", "terminal", "terminal"],
  };
}

type Wish = {
  readonly options?: RunOptions;
  readonly layout?: CgroupLayout;
  readonly root?: RootSource;
  readonly streams?: Setting["streams"];
  readonly monitor?: Monitor;
};

const layers: RootSource = { kind: "overlay", layers: ["/data/layers/base", "/data/layers/one"] };

function planOf({ options = {}, layout = v2, root = layers, streams, monitor }: Wish): Plan {
  const facts = factsOf(layout);
  const made = containerSpec({ Cmd: ["sh"], Env: ["PATH=/usr/bin:/bin"] }, [], options, {
    id,
    root: `/run/pivot/${id}`,
    hostname: "host",
    kernel: facts.kernel,
    capabilities: facts.capabilities,
    cgroups: layout.mode,
    rootless: false,
    hostDevices: [],
    cpus: 4,
    swapLimit: true,
  });
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  const { resources } = made.spec.linux ?? {};
  const cgroup = planCgroup(
    { name: `/pivot-${id}`, resources, kernel: [6, 12], rootless: false },
    layout,
  );
  if (!("make" in cgroup)) throw new Error(JSON.stringify(cgroup));
  const setting: Setting = {
    id,
    runRoot: "/run/pivot",
    dataRoot: "/data",
    name: options.name ?? null,
    root,
    user: made.extras.user,
    groups: made.extras.groups,
    files: [
      { name: "hosts", destination: "/etc/hosts", text: "127.0.0.1 localhost\n", why: "hosts" },
    ],
    volumes: [],
    makeDirectories: made.extras.createSources,
    streams: streams ?? ["null", "pipe", "pipe"],
    terminalInput: made.extras.interactive,
    init: made.extras.init,
    rootSwitch: made.extras.rootSwitch,
    keep: options.rm !== true,
    seccomp: made.extras.seccomp === "default" ? { program: new Uint8Array(16), flags: 4 } : null,
    state: "{}",
    pidFile: null,
    passSignals: true,
    endWithCaller: false,
    lifetime: "supervised",
    monitor: monitor ?? null,
    consoleSocket: null,
    preserveFds: 0,
    bundle: null,
    keptPlans: [],
  };
  const planned = planContainer(made.spec, setting, facts, cgroup);
  if (!planned.ok) throw new Error(planned.problems.join("\n"));
  return planned.plan;
}

/** Each step in a line: who, what, how, why; undos below, with what happens when it is kept. */
const print = ({ steps }: Plan): string =>
  steps
    .flatMap(({ by, op, why, undo, keep }) => {
      const { what, detail } = describeOp(op);
      const line = `${by.padEnd(6)} ${what} | ${detail} | ${why}`;
      if (undo === undefined) return [line];
      return [line, `  ${keep === true ? "on failure" : "at the end"}: ${describeOp(undo).what}`];
    })
    .join("\n")
    .replaceAll(id, "ID")
    .replaceAll(id.slice(0, 12), "SHORT-ID");

const monitor: Monitor = {
  announce: "ID\n",
  attach: null,
  log: { path: "/data/containers/ID/log", maxBytes: 1_000_000, files: 3 },
  exit: "/data/containers/ID/exit",
  events: { path: "/run/pivot/events", start: "start", end: "die" },
  afterwards: ["internal-ended", "ID"],
  health: {
    argv: ["internal-health", "ID"],
    interval: 30_000,
    startInterval: 5000,
    startPeriod: 0,
  },
  program: "/usr/bin/pivot",
  environment: ["PATH=/usr/bin:/bin"],
  delay: 0,
};

const cases: Readonly<Record<string, Wish>> = {
  "run-rm-v2": { options: { rm: true } },
  "run-rm-v1": { options: { rm: true }, layout: v1 },
  "run-it": {
    options: { rm: true, interactive: true, tty: true, name: "shell" },
    streams: ["terminal", "terminal", "terminal"],
  },
  "rootfs-read-only": {
    options: { readOnly: true, network: "host", pid: "host" },
    root: { kind: "directory", path: "/srv/root" },
  },
  "limits-mounts-user": {
    options: {
      rm: true,
      memory: 64n * 1024n * 1024n,
      cpus: 1.5,
      pidsLimit: 50,
      user: "www:www",
      groupAdd: ["audio"],
      init: true,
      capDrop: ["ALL"],
      securityOpt: { noNewPrivileges: true },
      mounts: [
        { type: "bind", source: "/srv/data", target: "/data", readonly: true },
        { type: "tmpfs", target: "/scratch", size: 1024 },
      ],
      ulimits: [{ name: "nofile", soft: 64, hard: 64 }],
      sysctls: { "net.core.somaxconn": "1024" },
    },
  },
  "run-detached": { options: { name: "web" }, monitor },
  "run-foreground": {
    options: { interactive: true, tty: true },
    streams: ["terminal", "terminal", "terminal"],
    monitor: {
      ...monitor,
      announce: null,
      attach: { input: true, keys: Uint8Array.of(16, 17), signals: true },
      afterwards: [],
      health: null,
      events: null,
    },
  },
  "restarted-by-policy": { options: {}, monitor: { ...monitor, announce: null, delay: 200 } },
  privileged: { options: { rm: true, privileged: true } },
  "user-and-time-namespace": {
    options: { rm: true, userns: "private", timeOffsets: { boottime: 3600 } },
  },
  "chroot-for-comparison": { options: { rm: true, rootSwitch: "chroot" } },
};

for (const [name, wish] of Object.entries(cases)) {
  test(`the plan of ${name} is as written down`, () => {
    const path = `${import.meta.dir}/golden/${name}.txt`;
    const text = `${print(planOf(wish))}\n`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
}

test("planning the same wish twice gives the same plan", () => {
  expect(planOf({ options: { rm: true } })).toEqual(planOf({ options: { rm: true } }));
});
