// What a container may do with the cgroup that is the root of its namespace, in version 2: part it among
// its processes, but neither raise its own limits nor see what is above (cgroups(7), "nsdelegate").

import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { Ground, whyNot } from "./pivot.ts";

const isDelegating = readFileSync("/proc/self/mountinfo", "utf8")
  .split("\n")
  .some((line) => / - cgroup2 \S+ \S*\bnsdelegate\b/.test(line));
const reason =
  whyNot ??
  (readCgroupLayout().mode !== "v2"
    ? "cgroups are not of version 2 alone"
    : isDelegating
      ? undefined
      : "they are mounted without nsdelegate");
const ground = new Ground("delegation", reason);

const at = "/sys/fs/cgroup";

describe.skipIf(reason !== undefined)(`delegated cgroups (${reason ?? "v2"})`, () => {
  afterAll(() => ground.close());

  const flags = ["-m", "64m", "--pids-limit", "50", "--cgroupns", "private"];

  test("it is read-only unless the container is privileged", () => {
    const said = ground.shell(flags, `cat /proc/self/cgroup; mkdir ${at}/own 2>&1 || true`);
    expect(said).toBe(`0::/\nmkdir: can't create directory '${at}/own': Read-only file system`);
  });

  test("a privileged one parts it among its processes, whose limits are in force", () => {
    const script = `cd ${at} && mkdir rest small && echo $$ >rest/cgroup.procs &&
      echo '+memory +pids' >cgroup.subtree_control && echo 8388608 >small/memory.max &&
      echo 0 >small/memory.swap.max 2>/dev/null
      sh -c "echo \\$\\$ >small/cgroup.procs; cat /proc/self/cgroup; exec tail /dev/zero"
      echo "code $?"; cat memory.max; sed -n 's/^oom_kill //p' small/memory.events`;
    expect(ground.shell(["--privileged", ...flags], script)).toBe(
      "0::/small\nKilled\ncode 137\n67108864\n1".replace("Killed\n", ""),
    );
  });

  test("what limits it is not its own to raise, and nothing of other cgroups is there", () => {
    const script = `cd ${at}; for file in memory.max pids.max cgroup.subtree_control; do
        (echo max >$file) 2>/dev/null && echo "$file was written"; done
      cat memory.max pids.max; ls -d ../cgroup/*.slice ../cgroup/init 2>/dev/null; true`;
    expect(ground.shell(["--privileged", ...flags], script)).toBe("67108864\n50");
  });

  test("cgroups made inside are gone with it, with processes that would not end", async () => {
    const script = `cd ${at} && mkdir -p a/b && trap '' TERM HUP &&
      for each in a/b a; do (echo 0 >$each/cgroup.procs; trap '' TERM HUP; sleep 1000) & done
      sleep 0.2; echo ready; sleep 1000`;
    const running = await ground.start(["--privileged", ...flags], ["busybox", "sh", "-c", script]);
    await running.stop();
    await ground.expectNothingLeft();
  });
});
