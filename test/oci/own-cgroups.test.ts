// Cgroups that a container makes below its own, where it may: whatever they are called and however deep
// they lie, who ends the container finds what is in them.

import { describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cgroupsNamed, isAlive, OciGround, textOf } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("cgroups of a container's own"), () => {
  const ground = new OciGround("owncg");

  /** With the host's pids, so that the end of the first process ends no other. */
  const withOthers = async (script: string) => {
    const made = ground.start((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
      config.process["args"] = ["/bin/sh", "-c", script];
    });
    const [other = 0] = (await textOf(made.out, /\n/)).trim().split("\n").map(Number);
    return { ...made, other };
  };

  /** Below each of the container's cgroups: what a process of it could do by a writable mount. */
  const hide = (pid: number, below: string): void => {
    for (const cgroup of cgroupsNamed(ground.tag)) {
      let at = cgroup;
      for (const name of below.split("/")) {
        mkdirSync(`${at}/${name}`);
        // Version 1 takes nobody into a cpuset that has no CPUs.
        for (const file of ["cpuset.cpus", "cpuset.mems"].filter((each) =>
          existsSync(`${at}/${name}/${each}`),
        )) {
          const own = readFileSync(`${at}/${file}`, "utf8").trim();
          if (own !== "") writeFileSync(`${at}/${name}/${file}`, own);
        }
        at = `${at}/${name}`;
      }
      writeFileSync(`${at}/cgroup.procs`, String(pid));
    }
  };

  demand("kill --all reaches those in a cgroup whose name begins with a dot", async () => {
    const { id, pid, other } = await withOthers("sleep 1000 & echo $!; wait; sleep 1000");
    hide(other, ".hidden");
    ground.ok(["kill", "--all", id, "KILL"]);
    await ground.until(id, "stopped");
    for (let i = 0; i < 100 && isAlive(other); i++) await Bun.sleep(10);
    expect([isAlive(pid), isAlive(other)]).toEqual([false, false]);
  });

  demand("kill --all and delete reach those a hundred cgroups deep", async () => {
    const { id, other } = await withOthers("sleep 1000 & echo $!; sleep 1000");
    hide(other, Array(100).fill("d").join("/"));
    ground.ok(["kill", "--all", id, "TERM"]);
    for (let i = 0; i < 100 && isAlive(other); i++) await Bun.sleep(10);
    expect(isAlive(other)).toBe(false);
    const { code, stderr } = ground.call(["delete", "--force", id], { timeout: 30_000 });
    expect([stderr, code]).toEqual(["", 0]);
    expect(cgroupsNamed(ground.tag)).toEqual([]);
  });

  demand("delete --force ends a container that has frozen its own first process", async () => {
    const { id, pid } = ground.start();
    hide(pid, "frozen");
    for (const cgroup of cgroupsNamed(ground.tag)) {
      for (const [file, word] of [
        ["freezer.state", "FROZEN"],
        ["cgroup.freeze", "1"],
      ] as const) {
        const path = `${cgroup}/frozen/${file}`;
        if (existsSync(path)) writeFileSync(path, word);
      }
    }
    const { code, stderr } = ground.call(["delete", "--force", id], { timeout: 30_000 });
    expect([stderr, code, isAlive(pid)]).toEqual(["", 0, false]);
    expect(cgroupsNamed(ground.tag)).toEqual([]);
  });
});
