// What takes longer of an ordinary user's containers: registries, builds, starts that are killed in any
// moment, pivot in pivot, and what stands in its way. `npm run test:rootless`.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { DockerRegistry, whyNoRegistry } from "./docker-registry.ts";
import { OrdinaryUser, userId, whyNoUser } from "./ordinary-user.ts";
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
    await user.expectNobody(); // the holder goes after the last command
    expect(readdirSync(`${user.home}/run/pivot-namespace`).sort()).toEqual(["making", "users"]);
  });
});

describe.skipIf(why !== undefined)(about("pivot in pivot", why), () => {
  const user = new OrdinaryUser("range");
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  const clone = pivotPath.slice(0, pivotPath.lastIndexOf("/build/"));
  type Said = { readonly code: number | null; readonly said: string };

  /** Runs a program in a container that has the programs, the libraries and the clone of this machine. */
  const inside = async (
    options: readonly string[],
    argv: readonly string[],
    isBare = false,
  ): Promise<Said> => {
    const machine = `-v ${clone}:${clone}:ro -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro`;
    const scratch = "--tmpfs /var/lib/pivot --tmpfs /root --tmpfs /tmp --tmpfs /run";
    const { code, stdout, stderr } = await user.pivot([
      ..."run --rm --network none -e PIVOT_NETWORK=none -e HOME=/tmp".split(" "),
      ...machine.split(" "),
      ...(isBare ? [] : scratch.split(" ")),
      ...options,
      "busybox",
      ...argv,
    ]);
    return { code, said: `${stdout}${stderr}`.trim() };
  };
  const pivot = `${clone}/build/pivot`;
  const run = [pivot, ..."run --rm busybox id -u".split(" ")];
  /** The library's `run`, and what it says of an error. */
  const library = [
    `${clone}/node_modules/.bin/bun`,
    "-e",
    `import { run } from "${clone}/src/mod.ts";
     const request = { image: "busybox", command: ["id", "-u"], network: "none" };
     await run(request).then(({ stdout }) => console.log(stdout.trim()), ({ message }) => console.log(message));`,
  ];
  type Doctor = {
    readonly Usable: boolean;
    readonly Findings: readonly { About: string; Level: string; Finding: string; Cure: string }[];
  };
  const doctor = async (options: readonly string[]): Promise<Doctor> => {
    const { said } = await inside(options, [pivot, "doctor", "--format", "json"]);
    return JSON.parse(said) as Doctor;
  };
  const works = { code: 0, said: "0" };
  const noFilter = ["--security-opt", "seccomp=unconfined"];
  const noMasks = ["--security-opt", "systempaths=unconfined"];
  const belowUnshare = /the library runs containers as root, or below `pivot unshare`$/;
  const filter =
    /^a seccomp filter [^\n]*: start that container with --security-opt seccomp=unconfined, or --privileged$/;
  const hidden =
    /^cannot mount proc on \/proc [^\n]*EPERM[^\n]*start that one with --security-opt systempaths=unconfined$/;

  describe.each([
    ["as root of a container that is privileged", ["--privileged"], true],
    ["as another user of one, rootless in rootless", ["--privileged", "-u", "1000"], false],
    ["without rights, where neither filter nor masks are", [...noFilter, ...noMasks], false],
  ])("%s", (_name, options, isRoot) => {
    test("it runs, and doctor says so", async () => {
      expect(await inside(options, run)).toEqual(works);
      const { Usable, Findings } = await doctor(options);
      expect(Findings.filter(({ Level }) => Level === "fatal")).toEqual([]);
      expect(Usable).toBe(true);
    });

    test("the library does as root, and below `pivot unshare`", async () => {
      const { said } = await inside(options, library);
      if (isRoot) expect(said).toBe("0");
      else expect(said).toMatch(belowUnshare);
      if (!isRoot) expect(await inside(options, [pivot, "unshare", ...library])).toEqual(works);
    });
  });

  describe.each([
    ["a filter is named", [], "user", filter],
    ["a filter is named to another user", ["-u", "1000"], "user", filter],
    ["a /proc that is partly hidden is named", noFilter, "fresh /proc, /sys", hidden],
    ["and to another user", [...noFilter, "-u", "1000"], "fresh /proc, /sys", hidden],
  ] as const)("%s", (_name, options, finding, line) => {
    test("by run", async () => {
      const { code, said } = await inside(options, run);
      expect(code).toBe(125);
      expect(said).toStartWith("pivot: ");
      expect(said.slice("pivot: ".length)).toMatch(line);
    });

    test("by doctor, with the cure", async () => {
      const { Usable, Findings } = await doctor(options);
      expect(Usable).toBe(false);
      const found = Findings.find(({ About, Level }) => About === finding && Level === "fatal");
      expect(found?.Cure).toMatch(
        line === filter ? /seccomp=unconfined, or --privileged$/ : /systempaths=unconfined$/,
      );
      // Nothing else is said to be amiss that is not.
      const cures = Findings.filter(({ Level }) => Level === "fatal").map(({ Cure }) => Cure);
      expect(new Set(cures).size).toBe(1);
    });

    test("by the library", async () => {
      expect((await inside(options, library)).said).toMatch(belowUnshare);
      const { said } = await inside(options, [pivot, "unshare", ...library]);
      expect(said.replace(/^pivot: /, "")).toMatch(line);
    });
  });

  test("a user namespace in a user namespace: keep-id, and auto where there are ids", async () => {
    const words = (...more: string[]) => [pivot, "run", "--rm", ...more, "busybox", "id", "-u"];
    expect(await inside(["--privileged"], words("--userns", "auto"))).toEqual(works);
    expect(await inside(["--privileged"], words("--userns", "keep-id:uid=7,gid=7"))).toEqual({
      code: 0,
      said: "7",
    });
    const other = ["--privileged", "-u", "1000"];
    expect(await inside(other, words("--userns", "keep-id"))).toEqual({ code: 0, said: "1000" });
    const refused = await inside(other, words("--userns", "auto"));
    expect(refused.said).toMatch(/^pivot: --userns auto: it takes subordinate ids[^\n]*$/);
  });

  describe("rootless in rootless, with a range within the range", () => {
    let mounts: readonly string[] = [];
    beforeAll(() => {
      const directory = `${user.home}/tmp/inner`;
      mkdirSync(directory);
      const files = {
        passwd: "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/tmp:/bin/sh\n",
        subuid: "me:2000:5000\n",
        subgid: "me:2000:5000\n",
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(`${directory}/${name}`, text);
      // The machine's are its root's, who is nobody there: these are the container's root's.
      for (const name of ["newuidmap", "newgidmap"]) {
        copyFileSync(Bun.which(name) ?? "", `${directory}/${name}`);
      }
      spawnSync("chown", ["-R", `${userId}:${userId}`, directory]);
      for (const name of ["newuidmap", "newgidmap"]) chmodSync(`${directory}/${name}`, 0o4755);
      mounts = [
        ...Object.keys(files).flatMap((name) => ["-v", `${directory}/${name}:/etc/${name}:ro`]),
        ...["newuidmap", "newgidmap"].flatMap((name) => [
          "-v",
          `${directory}/${name}:/bin/${name}:ro`,
        ]),
        "-e",
        "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
        "-u",
        "1000",
      ];
    });

    const look = "cat /proc/self/uid_map; touch /x; chown 7:8 /x; stat -c %u:%g /x";
    const nested = async (options: readonly string[], more: readonly string[] = []) => {
      const argv = [pivot, "run", "--rm", ...more, "busybox", "sh", "-c", look];
      const { code, said } = await inside([...mounts, ...options], argv);
      return { code, lines: said.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")) };
    };

    test.each([
      ["privileged", ["--privileged"]],
      ["with CAP_SYS_ADMIN", ["--cap-add", "sys_admin", ...noFilter, ...noMasks]],
    ])("in a container that is %s", async (_name, options) => {
      expect(await nested(options)).toEqual({
        code: 0,
        lines: ["0 1000 1", "1 2000 5000", "7:8"],
      });
      expect(await nested(options, ["--userns", "auto"])).toEqual({
        code: 0,
        lines: ["0 1 1024", "65534 1025 1", "7:8"],
      });
    });

    test("what newuidmap lacks is named, and one id does without", async () => {
      const { code, lines } = await nested([...noFilter, ...noMasks]);
      expect(code).toBe(125);
      expect(lines).toEqual([
        "pivot: the container around this takes CAP_SYS_ADMIN away, without which newuidmap maps no subordinate ids: start that container with --cap-add SYS_ADMIN, or --privileged; PIVOT_SINGLE_ID=1 goes on with your own id alone",
      ]);
      const single = [...noFilter, ...noMasks, "-e", "PIVOT_SINGLE_ID=1"];
      const one = await inside([...mounts, ...single], run);
      expect(one).toEqual(works);
    });
  });

  test("where the file system takes no overlay, the layers are copied", async () => {
    expect(await inside(["--privileged"], run, true)).toEqual(works);
    const look = "stat -c %u:%g /bin/busybox; touch /x; chown 5:6 /x; stat -c %u:%g /x";
    const auto = [pivot, "run", "--rm", "--userns", "auto", "busybox", "sh", "-c", look];
    expect(await inside(["--privileged"], auto, true)).toEqual({ code: 0, said: "0:0\n5:6" });
  });
});
