// /sys: the kernel's view cannot be written, and of the cgroups the container sees its own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { Ground, type Running, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";

const ground = new Ground("sys");
const layout = readCgroupLayout();

const hierarchies = layout.v1.length + (layout.v2 === null ? 0 : 1);
/** Where a container sees its limit of processes. */
const pidsInside = layout.mode === "v2" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";

/** The cgroup in which a process is, by hierarchy: the last field of /proc/PID/cgroup. */
function cgroupsOf(pid: number | "self"): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return [controllers, path.join(":")];
    }),
  );
}

describe.skipIf(whyNot !== undefined)(`/sys (${whyNot ?? "as root"})`, () => {
  let running: Running;
  beforeAll(async () => {
    running = await ground.start(["--pids-limit", "77", "--cpuset-cpus", "0"]);
  });
  afterAll(() => ground.close());

  test("is a sysfs of its own, read-only, and so is all that is mounted in it", () => {
    const lines = parseMountinfo(ground.probe([]).mountinfo).filter(({ at }) =>
      /^\/sys(\/|$)/.test(at),
    );
    expect(lines[0]).toMatchObject({ at: "/sys", type: "sysfs" });
    for (const { at, flags } of lines) {
      expect([at, ...flags]).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev", "noexec"]));
    }
  });

  test("refuses writes, even with every capability", () => {
    const words = ["write:/sys/kernel/profiling", "write:/sys/power/state", "mkdir:/sys/new"];
    const wanted = words.filter((word) => word.startsWith("mk") || existsSync(word.slice(6)));
    const { attempts } = ground.probe(["--cap-add", "ALL"], wanted);
    expect(wanted.length).toBeGreaterThan(1);
    for (const word of wanted) expect([word, attempts[word]?.errno]).toEqual([word, "EROFS"]);
  });

  test("can be written when --privileged", () => {
    const line = parseMountinfo(ground.probe(["--privileged"]).mountinfo).find(
      ({ at }) => at === "/sys",
    );
    expect(line?.flags).toContain("rw");
  });

  test("shows the network interfaces of the container's own network", () => {
    expect(ground.shell([], "ls /sys/class/net")).toBe("lo");
  });

  describe("cgroups", () => {
    test("this machine has some", () => {
      expect(hierarchies).toBeGreaterThan(0);
    });

    test("the container has one that is not the caller's", () => {
      const own = cgroupsOf("self");
      const its = cgroupsOf(running.pid);
      const id = ground.stateOf(running).replace(/^.*\//, "");
      const apart = [...its].filter(([name, path]) => path !== own.get(name));
      expect(apart.length).toBeGreaterThan(0);
      for (const [, path] of apart) expect(path).toEndWith(`/pivot-${id}`);
    });

    test("inside, each is the root", () => {
      const { cgroup } = ground.probe([]);
      const paths = (cgroup ?? "").trim().split("\n");
      expect(paths.length).toBe(hierarchies);
      for (const line of paths) expect(line).toMatch(/^\d+:[^:]*:\/$/);
    });

    test("the mount shows the container's own files at its top", () => {
      const script = `cat ${pidsInside}/pids.max; cat ${pidsInside}/cgroup.procs`;
      expect(ground.shell(["--pids-limit", "77"], script)).toBe("77\n1");
    });

    test("no cgroup of another container can be seen", () => {
      const id = ground.stateOf(running).replace(/^.*\//, "");
      const listed = ground.shell([], "find /sys/fs/cgroup -name 'pivot*'");
      expect(listed).toBe("");
      expect(ground.shell(["--privileged"], "find /sys/fs/cgroup -name 'pivot*'")).not.toContain(
        id,
      );
    });

    test("none can be made or joined, even with every capability", () => {
      const words = [`mkdir:${pidsInside}/new`, `write:${pidsInside}/cgroup.procs`];
      const { attempts } = ground.probe(["--cap-add", "ALL"], words);
      for (const word of words) expect([word, attempts[word]?.errno]).toEqual([word, "EROFS"]);
    });

    test("with --cgroupns host the container knows where it is", () => {
      const { cgroup } = ground.probe(["--cgroupns", "host"]);
      expect(cgroup).toMatch(/:[^:]*\/pivot-[0-9a-f]{64}$/m);
    });

    test("with --cgroupns host it sees at the top its own cgroup all the same", () => {
      const flags = ["--cgroupns", "host", "--pids-limit", "66"];
      expect(ground.shell(flags, `cat ${pidsInside}/pids.max`)).toBe("66");
    });

    test("with --userns private nothing of them can be written", () => {
      const words = [`mkdir:${pidsInside}/new`, `write:${pidsInside}/cgroup.procs`];
      const { attempts } = ground.probe(["--userns", "private"], words);
      for (const word of words)
        expect(attempts[word]?.errno).toBeOneOf(["EROFS", "EACCES", "EPERM"]);
    });
  });
});
