// What takes longer of an ordinary user's containers: registries, builds, starts that are killed in any
// moment, pivot in pivot, and what stands in its way. `npm run test:rootless`.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { DockerRegistry, whyNoRegistry } from "./docker-registry.ts";
import { OrdinaryUser, whyNoUser } from "./ordinary-user.ts";
import { pivotPath } from "./pivot.ts";

const why = whyNoUser();
const noRegistry = why ?? whyNoRegistry();
const noBuild =
  why ??
  (spawnSync("sh", ["-c", "command -v buildah"]).status === 0 ? undefined : "buildah is missing");
const about = (name: string, reason: string | undefined): string =>
  reason === undefined ? name : `${name} (skipped: ${reason})`;

const quiet = ["--network", "none"] as const;

describe.skipIf(noRegistry !== undefined).each(["range", "single"] as const)(
  about("a registry: %s", noRegistry),
  (mode) => {
    const user = new OrdinaryUser(mode);
    const directory = mkdtempSync("/tmp/pivot-registry-");
    let registry: DockerRegistry | undefined;
    beforeAll(async () => {
      registry = await DockerRegistry.start(directory);
    });
    afterAll(async () => {
      await registry?.stop();
      rmSync(directory, { recursive: true });
      user.drop();
    });

    test("pushed, removed, pulled and run", async () => {
      const name = `${registry?.host}/box:1`;
      await user.ok("run", "--name", "made", ...quiet, "busybox", "sh", "-c", "echo mine >/mine");
      await user.ok("commit", "made", name);
      await user.ok("push", "-q", name);
      await user.ok("rm", "made");
      await user.ok("rmi", name);
      const run = ["run", "--rm", ...quiet, name, "cat", "/mine"];
      const { code, stdout } = await user.pivot(run);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "mine\n" });
      await user.ok("system", "check");
      await user.ok("system", "prune", "-af");
      expect(await user.ok("images", "-q")).toBe("");
      await user.expectNobody();
    });
  },
);

describe.skipIf(noBuild !== undefined)(about("builds", noBuild), () => {
  const user = new OrdinaryUser("range");
  afterAll(() => {
    user.drop();
  });

  test("a file of another user's in an image", async () => {
    mkdirSync(`${user.home}/context`);
    writeFileSync(
      `${user.home}/context/Dockerfile`,
      "FROM busybox\nRUN echo x >/x && chown 7:8 /x\n",
    );
    await user.ok("run", "--rm", ...quiet, "busybox", "true");
    await user.ok("build", "-q", "-t", "built", `${user.home}/context`);
    const run = ["run", "--rm", ...quiet, "built", "stat", "-c", "%u:%g", "/x"];
    expect(await user.ok(...run)).toBe("7:8");
    await user.expectNobody();
  });
});

describe.skipIf(why !== undefined)(about("starts that are killed", why), () => {
  const user = new OrdinaryUser("range");
  beforeAll(() => user.ok("run", "--rm", ...quiet, "busybox", "true").then(() => {}));
  afterAll(() => {
    user.drop();
  });

  test("leave what prune takes away, and nobody running", async () => {
    for (let i = 0; i < 30; i++) {
      const detach = i % 2 === 0 ? ["-d"] : [];
      const script = new URL("../tools/as-user.sh", import.meta.url).pathname;
      // as-user.sh becomes the launcher, which becomes the executor: all is one process.
      const child = spawn(
        script,
        ["range", user.home, pivotPath, "run", ...detach, ...quiet, "busybox", "sleep", "0.2"],
        { stdio: "ignore" },
      );
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await Bun.sleep(5 * i);
      child.kill("SIGKILL");
      await ended;
    }
    await user.expectNobody();
    await user.ok("system", "prune", "-f");
    expect(await user.ok("ps", "-aq")).toBe("");
    const data = `${user.home}/.local/share/pivot`;
    expect(readdirSync(`${data}/containers`)).toEqual([]);
    const left = readdirSync(`${user.home}/run/pivot`).filter((name) =>
      /^[0-9a-f]{64}$/.test(name),
    );
    expect(left).toEqual([]);
    expect(readdirSync(`${user.home}/run/pivot-namespace`).sort()).toEqual(["making", "users"]);
  });
});

describe.skipIf(why !== undefined)(about("pivot in pivot", why), () => {
  const user = new OrdinaryUser("range");
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  const build = pivotPath.slice(0, pivotPath.lastIndexOf("/"));
  /** Runs `pivot run … id -u` in a container that has the programs and libraries of this machine. */
  const inside = async (
    options: readonly string[],
    isBare = false,
  ): Promise<{ code: number | null; said: string }> => {
    const machine = `-v ${build}:${build}:ro -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro`;
    const scratch = "--tmpfs /var/lib/pivot --tmpfs /root --tmpfs /tmp";
    const { code, stdout, stderr } = await user.pivot([
      ..."run --rm --network none -e PIVOT_NETWORK=none -e HOME=/tmp".split(" "),
      ...machine.split(" "),
      ...(isBare ? [] : scratch.split(" ")),
      ...options,
      "busybox",
      `${build}/pivot`,
      ..."run --rm busybox id -u".split(" "),
    ]);
    return { code, said: `${stdout}${stderr}`.trim() };
  };

  test("as root of a container that is privileged", async () => {
    expect(await inside(["--privileged"])).toEqual({ code: 0, said: "0" });
  });

  test("as another user of one", async () => {
    expect(await inside(["--privileged", "-u", "1000"])).toEqual({ code: 0, said: "0" });
  });

  test("without rights, where neither filter nor masks are in the way", async () => {
    const words = "--security-opt seccomp=unconfined --security-opt systempaths=unconfined";
    expect(await inside(words.split(" "))).toEqual({ code: 0, said: "0" });
  });

  test("a filter is named", async () => {
    const { code, said } = await inside([]);
    expect(code).toBe(125);
    expect(said).toMatch(/^pivot: a seccomp filter .*--security-opt seccomp=unconfined/);
  });

  test("a /proc that is partly hidden is named", async () => {
    const { code, said } = await inside(["--security-opt", "seccomp=unconfined"]);
    expect(code).toBe(125);
    expect(said).toMatch(/cannot mount proc .*EPERM.*--security-opt systempaths=unconfined$/);
  });

  test("where the file system takes no overlay, the layers are copied", async () => {
    expect(await inside(["--privileged"], true)).toEqual({ code: 0, said: "0" });
  });
});
