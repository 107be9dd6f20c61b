// Cgroups: where a container's is, limits as the kernel has them, update, pause, ps, list, events.

import { describe, expect } from "bun:test";
import { chownSync, existsSync, readFileSync, rmdirSync } from "node:fs";
import { readCgroupLayout } from "../../src/host/cgroups.ts";
import { type Change, type Container, OciGround, textOf } from "./ground.ts";
import { demand, patience, title, whyNot } from "./runtime.ts";

const layout = readCgroupLayout();
const isUnified = layout.v1.length === 0;

describe.skipIf(whyNot !== undefined)(title("resources"), () => {
  const ground = new OciGround("resources");

  /** The file of a controller in the container's cgroup, by its names in both versions. */
  const fileOf = ({ pid }: Pick<Container, "pid">, controller: string, name: string): string => {
    const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
    const line = lines.find((each) =>
      isUnified
        ? each.startsWith("0::")
        : (each.split(":")[1] ?? "").split(",").includes(controller),
    );
    const path = (line ?? "").split(":").slice(2).join(":");
    return `/sys/fs/cgroup${isUnified ? "" : `/${controller}`}${path}/${name}`;
  };
  const read = (
    container: Pick<Container, "pid">,
    controller: string,
    v1: string,
    v2: string,
  ): string => readFileSync(fileOf(container, controller, isUnified ? v2 : v1), "utf8").trim();

  const memory = (container: Container) =>
    read(container, "memory", "memory.limit_in_bytes", "memory.max");
  const pids = (container: Container) => read(container, "pids", "pids.max", "pids.max");
  const quota = (container: Container) =>
    isUnified
      ? read(container, "cpu", "", "cpu.max")
      : `${read(container, "cpu", "cpu.cfs_quota_us", "")} ${read(container, "cpu", "cpu.cfs_period_us", "")}`;
  const cpus = (container: Container) => read(container, "cpuset", "cpuset.cpus", "cpuset.cpus");

  const limited: Change = (config) => {
    Object.assign(config.linux.resources, {
      memory: { limit: 64 << 20 },
      cpu: { quota: 50_000, period: 100_000, shares: 512, cpus: "0" },
      pids: { limit: 32 },
    });
  };

  demand("an absolute cgroupsPath is below the root of each hierarchy", () => {
    const name = `${ground.tag}-absolute`;
    const { pid } = ground.start((config) => {
      config.linux["cgroupsPath"] = `/${name}/inner`;
    });
    try {
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`:/${name}/inner\n`);
    } finally {
      ground.clear();
      const parents = isUnified
        ? [`/sys/fs/cgroup/${name}`]
        : [...layout.v1.map(({ mount }) => `${mount}/${name}`), `/sys/fs/cgroup/unified/${name}`];
      for (const parent of parents) if (existsSync(parent)) rmdirSync(parent);
    }
  });

  demand("a relative cgroupsPath lies below a place of the runtime's choice", () => {
    const name = `${ground.tag}-relative`;
    const { pid } = ground.start((config) => {
      config.linux["cgroupsPath"] = name;
    });
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toMatch(new RegExp(`:/(.*/)?${name}\n`));
  });

  demand("without a cgroupsPath the id is the cgroup's name", () => {
    const { id, pid } = ground.start((config) => {
      Reflect.deleteProperty(config.linux, "cgroupsPath");
    });
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toMatch(
      new RegExp(`/(.*-)?${id}(\\.scope)?\n`),
    );
  });

  for (const path of ["/../../escaped", "../escaped", "/a/../../escaped"]) {
    demand(`cgroupsPath ${path} does not leave the hierarchy`, () => {
      const name = `${ground.tag}-dots`;
      const id = ground.id();
      const bundle = ground.bundle((config) => {
        config.linux["cgroupsPath"] = path.replace("escaped", name);
      });
      const called = ground.call(["create", "--bundle", bundle, id]);
      if (called.code !== 0) return;
      const { pid = 0 } = ground.state(id);
      const text = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      expect(text).toContain(name);
      expect(text).not.toContain("..");
    });
  }

  demand("limits are those of the config, read back from the kernel", () => {
    const container = ground.start(limited);
    expect(memory(container)).toBe(String(64 << 20));
    expect(pids(container)).toBe("32");
    expect(quota(container)).toBe("50000 100000");
    expect(cpus(container)).toBe("0");
  });

  demand("limits are in force before the program runs", async () => {
    const { out } = ground.start((config) => {
      limited(config);
      config.process["args"] = [
        "/bin/sh",
        "-c",
        "for n in $(busybox seq 60); do sleep 5 & done 2>&1",
      ];
    });
    await textOf(out, /fork|Resource|can't/);
  });

  demand("more memory than the limit ends the program by SIGKILL", () => {
    const called = ground.run((config) => {
      config.linux.resources["memory"] = { limit: 8 << 20, swap: 8 << 20 };
      config.process["args"] = ["/bin/busybox", "tail", "/dev/zero"];
    });
    expect(called.code).toBe(137);
  });

  demand("a limit that cannot be is an error in one line, and nothing is left", async () => {
    const bundle = ground.bundle((config) => {
      config.linux.resources["cpu"] = { cpus: "999" };
    });
    ground.refused(["create", "--bundle", bundle, ground.id()]);
    await ground.expectNothingLeft();
  });

  // ── update ───────────────────────────────────────────────────────────────────────────────────
  demand("update --resources - takes JSON from standard input, as dockerd sends it", () => {
    const container = ground.start(limited);
    const input = JSON.stringify({
      memory: { limit: 32 << 20 },
      pids: { limit: 16 },
      cpu: { quota: 20_000, period: 100_000 },
    });
    ground.ok(["update", "--resources", "-", container.id], { input });
    expect(memory(container)).toBe(String(32 << 20));
    expect(pids(container)).toBe("16");
    expect(quota(container)).toBe("20000 100000");
    expect(cpus(container)).toBe("0");
  });

  demand("update --resources=FILE", async () => {
    const container = ground.start(limited);
    const file = ground.path("resources.json");
    await Bun.write(file, JSON.stringify({ pids: { limit: 17 } }));
    ground.ok(["update", `--resources=${file}`, container.id]);
    expect(pids(container)).toBe("17");
    expect(memory(container)).toBe(String(64 << 20));
  });

  demand("update by flags", () => {
    const container = ground.start(limited);
    const flags = [
      "--memory",
      "33554432",
      "--pids-limit",
      "18",
      "--cpu-quota",
      "30000",
      "--cpu-period",
      "60000",
      "--cpuset-cpus",
      "0-1",
    ];
    ground.ok(["update", ...flags, container.id]);
    expect(memory(container)).toBe("33554432");
    expect(pids(container)).toBe("18");
    expect(quota(container)).toBe("30000 60000");
    expect(cpus(container)).toBe("0-1");
  });

  demand(
    "update with what is no JSON, no number or no container that runs is an error",
    async () => {
      const { id } = ground.start(limited);
      ground.refused(["update", "--resources", "-", id], { input: "nonsense" });
      expect(ground.call(["update", "--memory", "much", id]).code).not.toBe(0);
      const stopped = await ground.stopped();
      ground.refused(["update", "--pids-limit", "5", stopped.id]);
    },
  );

  // ── pause ────────────────────────────────────────────────────────────────────────────────────
  demand("pause stops every process, resume lets them go on", async () => {
    const { id, out } = ground.start((config) => {
      config.process["args"] = ["/bin/sh", "-c", "while :; do echo x; sleep 0.02; done"];
    });
    await textOf(out);
    ground.ok(["pause", id]);
    const { length } = readFileSync(out, "utf8");
    await Bun.sleep(120);
    expect(readFileSync(out, "utf8")).toHaveLength(length);
    expect(ground.state(id).status).toBe("paused");
    ground.ok(["resume", id]);
    await textOf(out, new RegExp(`^[^]{${length + 3}}`));
    expect(ground.state(id).status).toBe("running");
  });

  demand("pause of a stopped container, resume of a running one are errors", async () => {
    const { id } = await ground.stopped();
    ground.refused(["pause", id]);
    ground.refused(["resume", id]);
    ground.refused(["resume", ground.start().id]);
  });

  // ── ps, list, events ─────────────────────────────────────────────────────────────────────────
  const two: Change = (config) => {
    config.process["args"] = ["/bin/sh", "-c", "sleep 1000 & echo up; wait"];
  };

  demand("ps --format json: a list of pids as the host counts", async () => {
    const { id, pid, out } = ground.start(two);
    await textOf(out);
    const list = JSON.parse(ground.ok(["ps", "--format", "json", id]).stdout) as number[];
    expect(list).toHaveLength(2);
    expect(list).toContain(pid);
  });

  demand("ps: a table of these processes, by ps(1) with its options", async () => {
    const { id, pid, out } = ground.start(two);
    await textOf(out);
    const lines = ground.ok(["ps", id]).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/UID\s+PID\s+PPID/);
    expect(lines.some((line) => line.includes(` ${pid} `))).toBe(true);
    const chosen = ground.ok(["ps", id, "-o", "pid,args"]).stdout.trimEnd().split("\n");
    expect(chosen[0]).toMatch(/^\s*PID\s+COMMAND$/);
    expect(chosen).toHaveLength(3);
  });

  demand("list --format json, -q and the table name each container with its status", async () => {
    const running = ground.start();
    const created = ground.create();
    const stopped = await ground.stopped();
    const ids = [running.id, created.id, stopped.id].sort();
    const list = JSON.parse(ground.ok(["list", "--format", "json"]).stdout) as {
      id: string;
      status: string;
      pid: number;
      bundle: string;
      created: string;
    }[];
    expect(list.map(({ id }) => id).sort()).toEqual(ids);
    const byId = new Map(list.map((each) => [each.id, each]));
    expect(byId.get(running.id)).toMatchObject({
      status: "running",
      pid: running.pid,
      bundle: running.bundle,
    });
    expect(byId.get(created.id)).toMatchObject({ status: "created", pid: created.pid });
    expect(byId.get(stopped.id)).toMatchObject({ status: "stopped", pid: 0 });
    const age = Date.now() - new Date(byId.get(running.id)?.created ?? "").getTime();
    expect(Math.abs(age)).toBeLessThan(120_000);
    expect(ground.ok(["list", "-q"]).stdout.trimEnd().split("\n").sort()).toEqual(ids);
    const [head, ...rows] = ground.ok(["list"]).stdout.trimEnd().split("\n");
    expect(head).toMatch(/^(ID|NAME)\s+PID\s+STATUS\s+BUNDLE/);
    expect(rows.map((row) => row.split(/\s+/)[0]).sort()).toEqual(ids);
  });

  demand("list says whose a container is: who owns its state directory", () => {
    const { id } = ground.create();
    const owners = (): string[] => {
      const [, row = ""] = ground.ok(["list"]).stdout.trimEnd().split("\n");
      const [{ owner }] = JSON.parse(ground.ok(["list", "--format", "json"]).stdout) as [
        { owner: string },
      ];
      return [row.trimEnd().split(/\s+/).at(-1) ?? "", owner];
    };
    expect(owners()).toEqual(["root", "root"]);
    for (const [uid, name] of [
      [1, "daemon"],
      [1_234_567, "#1234567"],
    ] as const) {
      chownSync(`${ground.root}/${id}`, uid, 0);
      expect(owners()).toEqual([name, name]);
    }
    chownSync(`${ground.root}/${id}`, 0, 0);
  });

  demand("list of a root that is empty or not there: null or [], nothing, the head alone", () => {
    const { stdout } = ground.ok(["list", "--format", "json"]);
    expect((JSON.parse(stdout) as unknown[] | null) ?? []).toEqual([]);
    expect(ground.ok(["list", "-q"]).stdout).toBe("");
    const global = ["--root", ground.path("no-root")];
    expect(ground.ok(["list", "-q"], { global }).stdout).toBe("");
  });

  demand("events --stats: one object of type stats, with cpu, memory and pids", () => {
    const { id } = ground.start(limited);
    const event = JSON.parse(ground.ok(["events", "--stats", id]).stdout) as {
      type: string;
      id: string;
      data: Record<string, Record<string, unknown>>;
    };
    expect(event).toMatchObject({ type: "stats", id });
    expect(event.data["pids"]).toMatchObject({ current: 1, limit: 32 });
    expect(event.data["memory"]?.["usage"]).toMatchObject({ limit: 64 << 20 });
    expect(event.data["cpu"]?.["usage"]).toMatchObject({ total: expect.any(Number) });
  });

  demand("events goes on at its interval, and ends when the container does", async () => {
    const { id } = ground.start(limited);
    const told = ground.path("events");
    // It has begun when it has said something, however slow the machine is.
    const script = `"$@" >'${told}' & pid=$!
      for n in $(seq ${100 * patience}); do test -s '${told}' && break; sleep 0.05; done
      sleep ${patience / 2}; kill -KILL ${ground.state(id).pid}; wait $pid; echo "code $?"`;
    const { stdout } = ground.call(["events", "--interval", "100ms", id], {
      before: ["sh", "-c", script, "sh"],
    });
    expect(stdout).toBe("code 0\n");
    const lines = readFileSync(told, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ id });
  });

  demand("features: versions of the specification, hooks and namespaces", () => {
    const features = JSON.parse(ground.ok(["features"]).stdout) as Record<string, unknown>;
    expect(features).toMatchObject({ ociVersionMin: "1.0.0" });
    expect(features["hooks"]).toContain("createContainer");
    expect((features["linux"] as Record<string, unknown>)["namespaces"]).toContain("mount");
  });

  demand("spec writes a config.json that runs, and does not overwrite one", async () => {
    const bundle = ground.path("bundle");
    await Bun.$`mkdir ${bundle} && cp -r ${ground.rootfs} ${bundle}/rootfs`.quiet();
    ground.ok(["spec", "--bundle", bundle], { global: [] });
    const text = readFileSync(`${bundle}/config.json`, "utf8");
    const config = JSON.parse(text) as { process: { args: unknown; terminal: boolean } };
    expect(config).toMatchObject({
      process: { args: ["sh"], terminal: true },
      root: { path: "rootfs" },
    });
    expect(ground.call(["spec", "--bundle", bundle], { global: [] }).code).not.toBe(0);
    expect(readFileSync(`${bundle}/config.json`, "utf8")).toBe(text);
    config.process.args = ["true"];
    config.process.terminal = false;
    await Bun.write(`${bundle}/config.json`, JSON.stringify(config));
    expect(ground.call(["run", "--bundle", bundle, ground.id()]).code).toBe(0);
  });

  demand("the machine's options of cgroups stay, whatever namespace they are mounted in", () => {
    const options = () =>
      readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .flatMap((line) => / - (cgroup2 .*)$/.exec(line)?.[1] ?? []);
    const before = options();
    const namespaces = [
      [],
      [{ type: "cgroup" }],
      [{ type: "cgroup", path: `/proc/${process.pid}/ns/cgroup` }],
    ];
    for (const own of namespaces) {
      const { id } = ground.start((config) => {
        const others = config.linux.namespaces.filter(({ type }) => type !== "cgroup");
        config.linux.namespaces = [...others, ...own];
        config.mounts.push({
          destination: "/sys/fs/cgroup",
          type: "cgroup",
          source: "cgroup",
          options: ["nosuid", "nodev", "noexec", "ro"],
        });
      });
      expect([own, options()]).toEqual([own, before]);
      ground.ok(["delete", "--force", id]);
    }
  });

  demand(
    "two containers with the same cgroupsPath: the second is refused, or both live and die alone",
    async () => {
      const path = `/${ground.tag}-shared`;
      const shared: Change = (config) => {
        config.linux["cgroupsPath"] = path;
      };
      const first = ground.start(shared);
      const second = ground.id();
      const called = ground.call(["create", "--bundle", ground.bundle(shared), second]);
      ground.call(["delete", "--force", second]);
      if (called.code !== 0) expect(called.stderr).toMatch(/cgroup/);
      expect(ground.state(first.id).status).toBe("running");
      ground.ok(["delete", "--force", first.id]);
      await ground.expectNothingLeft();
    },
  );
});
