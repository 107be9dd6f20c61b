// What `pivot learn` sees of a machine with containers on it, and what it refuses.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { shownImage } from "../src/cli/ps.ts";
import { liveContainers } from "../src/learn/containers.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("learn");

describe.skipIf(whyNot !== undefined)(`pivot learn (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("containers of pivot's with their mounts, and those of others", async () => {
    const container = await ground.start(["--tmpfs", "/learned"]);
    const script = "echo ready; exec sleep 1000";
    const args = ["--pid", "--mount", "--fork", "--kill-child", "sh", "-c", script];
    const other = spawn("unshare", args, { stdio: ["ignore", "pipe", "ignore"] });
    await once(other.stdout, "data");
    const list = `/proc/${other.pid}/task/${other.pid}/children`;
    const children = new Set(readFileSync(list, "utf8").trim().split(" ").map(Number));
    const roots = { dataRoot: ground.root, runRoot: ground.runRoot };
    const live = await liveContainers(roots, shownImage);
    other.kill("SIGKILL");
    await container.stop();

    const own = live.containers.find(({ name }) => name === container.name);
    expect(own).toMatchObject({ image: "busybox", pid: container.pid });
    expect(own?.command).toContain("sh -c");
    expect(own?.mountinfo).toMatch(/ \/learned .* - tmpfs /);
    expect(live.containers.filter(({ pid }) => pid === container.pid)).toHaveLength(1);
    const foreign = live.containers.filter(({ pid }) => children.has(pid));
    expect(foreign).toMatchObject([{ image: null, name: "sleep", command: "sleep" }]);
    expect(live.host).not.toContain(" /learned ");
  });

  test.each([
    [["learn", "chroot"], "usage: pivot learn [OPTIONS]"],
    [["learn", "--port", "70000"], '--port takes a number from 1 to 65535, received "70000"'],
    [["learn", "--port", "http"], '--port takes a number from 1 to 65535, received "http"'],
  ])("%j is refused in a line", (words, message) => {
    const { code, stderr } = ground.pivot(words);
    expect(stderr.split("\n")[0]).toContain(message);
    expect(code).not.toBe(0);
  });
});
