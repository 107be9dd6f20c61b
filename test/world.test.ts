// tools/world.sh: whatever happens within, a world ends, and nothing of it stays on the host.

import { afterAll, describe, expect, test } from "bun:test";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { patience } from "./patience.ts";

const directory = mkdtempSync(join(tmpdir(), "pivot-worlds-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const world = join(import.meta.dir, "../tools/world.sh");
const freezer = "/sys/fs/cgroup/freezer";
const isMade = process.getuid?.() === 0 && existsSync(`${freezer}/cgroup.procs`);

/** A process that is frozen, as one does to itself: nobody else knows of it. */
const frozen = `mkdir ${freezer}/a ${freezer}/a/b; sleep 300 &
  echo $! >${freezer}/a/b/cgroup.procs
  echo FROZEN >${freezer}/a/b/freezer.state
  until [ "$(cat ${freezer}/a/b/freezer.state)" = FROZEN ]; do sleep 0.01; done
  echo frozen in $PIVOT_WORLD`;

const leftOf = (said: string): string[] => {
  const name = /frozen in (\/tmp\/pv\.(\S+))/.exec(said);
  if (name?.[1] === undefined) throw new Error(`it is not frozen: ${said}`);
  const cgroups = readdirSync("/sys/fs/cgroup")
    .map((each) => `/sys/fs/cgroup/${each}/pivot-world-${name[2]}`)
    .filter((path) => existsSync(path));
  return existsSync(name[1]) ? [name[1], ...cgroups] : cgroups;
};

describe.skipIf(!isMade)("a world in which a process is frozen", () => {
  const timeout = 20_000 * patience;

  test(
    "ends with its command",
    async () => {
      const { stdout } = await promisify(execFile)(world, ["sh", "-c", frozen], { timeout });
      expect(leftOf(stdout)).toEqual([]);
    },
    2 * timeout,
  );

  test(
    "ends by a signal",
    async () => {
      const child = spawn(world, ["sh", "-c", `${frozen}; sleep 300`], { stdio: "pipe" });
      const complaints: string[] = [];
      child.stderr.on("data", (data) => complaints.push(String(data)));
      const [said] = await once(child.stdout, "data");
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([143, null]);
      expect(leftOf(String(said))).toEqual([]);
      expect(complaints).toEqual([]);
    },
    2 * timeout,
  );
});
