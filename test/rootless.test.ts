// Containers of an ordinary user, with subordinate ids and without.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { OrdinaryUser, type UserMode, userId, whyNoUser } from "./ordinary-user.ts";
import { pivotPath } from "./pivot.ts";

const why = whyNoUser();

const about = (name: string): string => (why === undefined ? name : `${name} (skipped: ${why})`);

/** A directory that the user may write to. */
function give(user: OrdinaryUser, name: string): string {
  const directory = `${user.home}/${name}`;
  mkdirSync(directory);
  spawnSync("chown", [`${userId}:${userId}`, directory]);
  return directory;
}

/** Owners of a file as the host has them. */
const ownersOf = (path: string): string =>
  spawnSync("stat", ["-c", "%u:%g", path], { encoding: "utf8" }).stdout.trim();

/** Debian's passt; the user's /dev/net/tun is everybody's. */
const hasPasta = Bun.which("pasta") !== null && existsSync("/dev/net/tun");

describe.skipIf(why !== undefined).each(["range", "single"] as const)(
  about("an ordinary user's containers: %s"),
  (mode: UserMode) => {
    const user = new OrdinaryUser(mode);
    // Both modes do what follows alike: all of it is for who asks (npm run test:rootless).
    const isShort = mode === "single" && process.env["PIVOT_TEST_ALL"] === undefined;
    const alike = (name: string): string => (isShort ? `${name} (as with a range)` : name);
    const data = () => `${user.home}/.local/share/pivot${mode === "single" ? "-single" : ""}`;
    const quiet = ["--network", "none"] as const;
    const run = (...words: readonly string[]) => user.ok("run", "--rm", ...quiet, ...words);
    // The first start imports the image.
    beforeAll(() => run("busybox", "true").then(() => {}));
    afterEach(() => user.expectNobody());
    afterAll(() => {
      user.drop();
    });

    test("root inside is the user outside", async () => {
      const map = await run("busybox", "cat", "/proc/self/uid_map");
      expect(map.trim().split(/\s+/).slice(0, 3)).toEqual(["0", String(userId), "1"]);
      expect(await run("busybox", "id", "-u")).toBe("0");
      const directory = give(user, "root");
      await run("-v", `${directory}:/d`, "busybox", "touch", "/d/f");
      expect(ownersOf(`${directory}/f`)).toBe(`${userId}:${userId}`);
    });

    test("exit codes, names, a root that is read-only, and the filter", async () => {
      expect(
        (await user.pivot(["run", "--rm", ...quiet, "busybox", "sh", "-c", "exit 7"])).code,
      ).toBe(7);
      expect((await user.pivot(["run", "--rm", ...quiet, "busybox", "nothing"])).code).toBe(127);
      expect(await run("--hostname", "box", "busybox", "hostname")).toBe("box");
      const look =
        "touch /x 2>&1; grep -h Seccomp: /proc/self/status; grep -h NoNewPrivs /proc/self/status";
      expect((await run("--read-only", "busybox", "sh", "-c", look)).split("\n")).toEqual([
        "touch: /x: Read-only file system",
        "Seccomp:\t2",
        "NoNewPrivs:\t0",
      ]);
    });

    test("a terminal", async () => {
      const line = `${pivotPath} run -it --rm --network none busybox sh -c 'tty; id -u'`;
      const { stdout } = await user.command(["script", "-qec", line, "/dev/null"]);
      // script(1) types an end of file, which is echoed.
      expect(stdout.replaceAll(/\^[@D]|[\0\b\r]/g, "")).toMatch(/^\/dev\/pts\/0\n0\n/);
    });

    test("limits are named that are not in force, and nothing is said without any", async () => {
      const { stderr } = await user.pivot(["run", "--rm", ...quiet, "busybox", "true"]);
      expect(stderr).toBe("");
      const limited = [
        "run",
        "--rm",
        ...quiet,
        "-m",
        "64m",
        "--pids-limit",
        "9",
        "busybox",
        "true",
      ];
      const told = await user.pivot(limited);
      expect(told.code).toBe(0);
      if (told.stderr !== "") {
        expect(told.stderr).toMatch(
          /^pivot: warning: not in force: limits of memory and pids; .*\n$/,
        );
      }
    });

    test("networks: the machine's own, loopback, and none by name", async () => {
      expect(await run("busybox", "ip", "-o", "link")).toMatch(/^1: lo: <LOOPBACK,UP[^\n]*$/);
      const host = await user.ok("run", "--rm", "--network", "host", "busybox", "ip", "-o", "link");
      expect(host).toContain("1: lo:");
      if (hasPasta) {
        const own = await user.ok("run", "--rm", "-p", "0:80", "busybox", "ip", "-o", "link");
        expect(own).toMatch(/^\d+: (?!lo)\w+: <BROADCAST,MULTICAST,UP,/m);
        const list = ["--egress", "allow=example.com"];
        const lookUp = [...list, "busybox", "nslookup", "other.example"];
        const said = await user.command([pivotPath, "run", "--rm", ...lookUp]);
        expect(said.stderr).toContain("egress refused: other.example (not on the list");
      }
      expect(await user.fails("run", "--rm", "--network", "bridge", "busybox", "true")).toMatch(
        /^pivot: --network bridge: networks by name are root's: use --network pasta/,
      );
    });

    test.skipIf(isShort)(
      alike("what is written is kept, told, committed and taken out"),
      async () => {
        const write =
          "mkdir -p /a/b; echo x >/a/b/f; rm -r /home; mkdir /home; echo y >/home/n; sleep 1000";
        await user.ok("run", "-d", "--name", "web", ...quiet, "busybox", "sh", "-c", write);
        for (
          let i = 0;
          i < 100 && (await user.pivot(["exec", "web", "cat", "/home/n"])).stdout === "";
          i++
        ) {
          await Bun.sleep(50);
        }
        expect((await user.ok("diff", "web")).split("\n")).toEqual([
          "A /a",
          "A /a/b",
          "A /a/b/f",
          "C /home",
          "A /home/n",
        ]);
        await user.ok("cp", "web:/a", `${user.home}/tmp/a`);
        expect(readFileSync(`${user.home}/tmp/a/b/f`, "utf8")).toBe("x\n");
        expect(ownersOf(`${user.home}/tmp/a/b/f`)).toBe(`${userId}:${userId}`);
        await user.ok("cp", `${user.home}/tmp/a/b/f`, "web:/in");
        expect(await user.ok("exec", "web", "cat", "/in")).toBe("x");
        await user.ok("commit", "web", "mine");
        await user.ok("stop", "-t", "0", "web");
        await user.ok("start", "web");
        expect(await user.ok("exec", "web", "cat", "/in")).toBe("x");
        await user.ok("rm", "-f", "web");
        await user.ok("save", "-o", `${user.home}/tmp/mine.tar`, "mine");
        await user.ok("rmi", "mine");
        expect(await user.ok("images", "-q", "mine")).toBe("");
        await user.ok("load", "-i", `${user.home}/tmp/mine.tar`);
        expect(await run("mine", "cat", "/a/b/f", "/home/n", "/in")).toBe("x\ny\nx");
        await user.ok("rmi", "mine");
      },
    );

    test.skipIf(isShort)(alike("the engine: logs, a policy, restart, volumes"), async () => {
      const script = "echo from; echo start >>/data/starts; sleep 0.1; exit 3";
      await user.ok(
        ..."run -d --name again --restart on-failure:2 -v data:/data".split(" "),
        ...quiet,
        "busybox",
        "sh",
        "-c",
        script,
      );
      expect(await user.ok("wait", "again")).toBe("3");
      for (let i = 0; i < 100; i++) {
        const state = await user.ok(
          "inspect",
          "-f",
          "{{.RestartCount}} {{.State.Status}}",
          "again",
        );
        if (state === "2 exited") break;
        await Bun.sleep(50);
      }
      expect(await user.ok("logs", "again")).toBe("from\nfrom\nfrom");
      expect(await run("-v", "data:/data", "busybox", "cat", "/data/starts")).toBe(
        "start\nstart\nstart",
      );
      await user.ok("rm", "again");
      await user.ok("volume", "rm", "data");
      expect(readdirSync(`${data()}/containers`)).toEqual([]);
    });

    test("what a kill leaves, prune takes away", async () => {
      await user.ok("run", "-d", "--name", "gone", ...quiet, "busybox", "sleep", "1000");
      const pid = Number(await user.ok("inspect", "-f", "{{.State.Pid}}", "gone"));
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      process.kill(Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), "SIGKILL");
      await user.expectNobody();
      await user.ok("system", "prune", "-f");
      expect(await user.ok("ps", "-aq")).toBe("");
      expect(readdirSync(`${data()}/containers`)).toEqual([]);
    });

    test.skipIf(isShort)(alike("a holder that was killed is done without"), async () => {
      await user.ok("run", "-d", "--name", "held", ...quiet, "busybox", "sleep", "1000");
      const holder = `${user.home}/run/pivot-namespace/holder`;
      process.kill(Number.parseInt(readFileSync(holder, "latin1"), 10), "SIGKILL");
      expect(await user.ok("exec", "held", "echo", "in")).toBe("in");
      await user.ok("rm", "-f", "held");
    });

    test.skipIf(isShort)(alike("many at once share a namespace, and none is left"), async () => {
      const all = Array.from({ length: 8 }, () => run("busybox", "echo", "ok"));
      expect(await Promise.all(all)).toEqual(all.map(() => "ok"));
      expect(
        readdirSync(`${user.home}/run/pivot`).filter((name) => /^[0-9a-f]{64}$/.test(name)),
      ).toEqual([]);
    });
  },
);

describe.skipIf(why !== undefined)(about("subordinate ids"), () => {
  const user = new OrdinaryUser("range");
  const quiet = ["--network", "none"] as const;
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  test("are the other users' of a container", async () => {
    const directory = give(user, "shared");
    const script = "touch /d/f; chown 7:8 /d/f; id -u nobody";
    await user.ok("run", "--rm", ...quiet, "-v", `${directory}:/d`, "busybox", "sh", "-c", script);
    expect(ownersOf(`${directory}/f`)).toBe("3000006:4000007");
    const args = ["run", "--rm", ...quiet, "-u", "1000:1000", "busybox", "id"];
    expect(await user.ok(...args)).toBe("uid=1000 gid=1000 groups=1000");
    // Nobody but the user's own namespace can remove it.
    expect((await user.command(["rm", "-r", `${directory}/f`])).code).toBe(0);
    expect(await user.ok("unshare", "id", "-u")).toBe("0");
  });

  test("unshare ends as a shell does when there is no such program, or none that may run", async () => {
    expect(await user.pivot(["unshare", "no-such-program"])).toMatchObject({
      code: 127,
      stderr: "pivot: no-such-program: no such program\n",
    });
    expect((await user.pivot(["unshare", "/etc/passwd"])).code).toBe(126);
  });

  test("without a cgroup nobody counts, and nothing can be limited: said, and not made up", async () => {
    await user.ok("run", "-d", "--name", "uncounted", ...quiet, "busybox", "sleep", "100");
    const row = await user.ok(
      "stats",
      "--no-stream",
      "--format",
      "{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}",
    );
    expect(row).toBe("-- -- / -- 1");
    expect(await user.fails("update", "-m", "64m", "uncounted")).toMatch(
      /^pivot: container uncounted has no cgroup, and so no limits [^\n]+$/,
    );
    await user.ok("rm", "-f", "uncounted");
  });

  test("end where /etc/subuid says", async () => {
    expect(await user.fails("run", "--rm", ...quiet, "-u", "70000", "busybox", "true")).toMatch(
      /the user 70000 does not exist in its user namespace; more come from \/etc\/subuid and [^\n]*$/,
    );
  });
});

describe.skipIf(why !== undefined)(about("a single id"), () => {
  const user = new OrdinaryUser("single");
  const quiet = ["--network", "none"] as const;
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  test("owners that an image names are noted, and given back", async () => {
    const root = give(user, "image");
    writeFileSync(`${root}/Dockerfile`, "");
    const tar = [
      "tar",
      "--owner=5",
      "--group=6",
      "-cf",
      `${user.home}/tmp/l.tar`,
      "-C",
      root,
      "Dockerfile",
    ];
    expect((await user.command(tar)).code).toBe(0);
    await user.ok("import", `${user.home}/tmp/l.tar`, "owned");
    const layers = `${user.home}/.local/share/pivot-single/layers`;
    const noted = spawnSync(
      "sh",
      ["-c", `getfattr -n user.containers.override_stat --only-values ${layers}/*/Dockerfile`],
      {
        encoding: "utf8",
      },
    );
    if (!noted.stderr.includes("not found")) expect(noted.stdout).toBe("5:6:0644:file");
    await user.ok("create", "--name", "owned", ...quiet, "owned", "/none");
    const listed = await user.command([
      "sh",
      "-c",
      `${pivotPath} export owned | tar tvf - --numeric-owner`,
    ]);
    expect(listed.stdout).toMatch(/^-rw-r--r-- 5\/6 .* Dockerfile$/m);
    await user.ok("rm", "owned");
  });

  test("a user that the map has not is named", async () => {
    expect(await user.fails("run", "--rm", ...quiet, "-u", "5", "busybox", "true")).toMatch(
      /the user 5 does not exist in its user namespace; more come from \/etc\/subuid and [^\n]*$/,
    );
  });
});

describe.skipIf(why !== undefined)(about("what stands in the way"), () => {
  const user = new OrdinaryUser("range");
  const true_ = ["run", "--rm", "--network", "none", "busybox", "true"];
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  test("no_new_privs is named, and one id needs no helper", async () => {
    const bare = ["setpriv", "--no-new-privs", pivotPath, ...true_];
    const { code, stderr } = await user.command(bare);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: expect.stringMatching(/^pivot: no_new_privs is in force here, .*PIVOT_SINGLE_ID=1/),
    });
    const single = await user.command(bare, { env: { PIVOT_SINGLE_ID: "1" } });
    expect(single).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  });

  test("a runtime directory that others can write to is not used", async () => {
    const directory = give(user, "open");
    chmodSync(directory, 0o777);
    const refused = async (path: string, how: string) => {
      const { code, stderr } = await user.pivot(true_, { env: { XDG_RUNTIME_DIR: path } });
      expect({ code, stderr }).toEqual({
        code: 125,
        stderr: `pivot: ${path} is not used (${how}): it has to be a directory of yours in which nobody else may write: set XDG_RUNTIME_DIR to one that is\n`,
      });
    };
    await refused(directory, "EPERM: Operation not permitted");
    spawnSync("ln", ["-s", `${user.home}/run`, `${directory}/link`]);
    await refused(`${directory}/link`, "ENOTDIR: Not a directory");
    await refused("/root", "EACCES: Permission denied");
  });
});
