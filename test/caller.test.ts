// What the caller's own surroundings must not change: its directory, environment, limits, signals.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, probeProgram, whyNot } from "./pivot.ts";
import type { Sight } from "./sight.ts";

const ground = new Ground("caller");

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A shell on the host, in which `pivot` is the command with this ground's roots. */
function host(script: string, settings: Parameters<Ground["command"]>[1] = {}) {
  const pivot = [pivotPath, ...ground.roots()].map(word).join(" ");
  return ground.command(["/bin/bash", "-c", `pivot() { ${pivot} "$@"; }; ${script}`], settings);
}

/** What the probe sees in a container that such a shell has started. */
const sightOf = (before: string, flags = ""): Sight =>
  ground.sight(
    host(`${before}; pivot run --rm -v ${word(probeProgram())}:/probe ${flags} busybox /probe`),
  );

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A directory whose files would run code in a Bun program, and the file that tells of it. */
function hostileDirectory(): { directory: string; evidence: string; preload: string } {
  const directory = mkdtempSync(`${ground.directory}/hostile-`);
  const evidence = `${directory}/ran`;
  const preload = `${directory}/preload.ts`;
  writeFileSync(preload, `await Bun.write(${JSON.stringify(evidence)}, "ran");\n`);
  writeFileSync(`${directory}/bunfig.toml`, `preload = ["./preload.ts"]\n`);
  writeFileSync(`${directory}/.env`, "PIVOT_TRACE=1\nFROM_ENV_FILE=leaked\n");
  writeFileSync(`${directory}/tsconfig.json`, "{ broken");
  writeFileSync(`${directory}/package.json`, "{ broken");
  return { directory, evidence, preload };
}

describe.skipIf(whyNot !== undefined)(`the caller (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("a bunfig.toml, .env, tsconfig.json and package.json in the directory are not read", () => {
    const { directory, evidence } = hostileDirectory();
    const ran = ground.run(["-e", "FROM_ENV_FILE", "busybox", "env"], { cwd: directory });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).not.toContain("leaked");
    expect(existsSync(evidence)).toBeFalse();
  });

  test("no variable makes the runtime load something or become something else", () => {
    const { directory, evidence, preload } = hostileDirectory();
    const names = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT_PRELOAD", "NODE_OPTIONS"];
    const values = [`--preload=${preload}`, "1", preload, `--require=${preload}`];
    for (const [i, name] of names.entries()) {
      const env = { PATH: process.env["PATH"] ?? "", [name]: values[i] ?? "" };
      const ran = ground.run(["busybox", "echo", "fine"], { cwd: directory, env });
      expect({ name, ...ran }).toMatchObject({ name, code: 0, stdout: "fine\n", stderr: "" });
      expect(existsSync(evidence)).toBeFalse();
    }
  });

  test("what the launcher hands on cannot be handed on by the caller", () => {
    const { directory } = hostileDirectory();
    const env = {
      PATH: process.env["PATH"] ?? "",
      PIVOT_NO_CWD: "1",
      PIVOT_PLAN_FD: "2",
      PIVOT_GO_FD: "0",
    };
    mkdirSync(`${directory}/mine`);
    const words = ["-v", "./mine:/mine", "busybox", "touch", "/mine/here"];
    const ran = ground.run(words, { cwd: directory, env });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(`${directory}/mine/here`)).toBeTrue();
  });

  test("nothing of the caller's environment goes in, and what is asked for does", () => {
    const env = { PATH: "/usr/bin:/bin", SECRET: "of the host", LANG: "C", WANTED: "this one" };
    const flags = ["-h", "box", "-v", `${probeProgram()}:/probe`];
    const plain = ground.sight(ground.run([...flags, "busybox", "/probe"], { env }));
    expect([...plain.env].sort()).toEqual(["HOME=/root", "HOSTNAME=box", path].sort());
    const asked = ["-e", "WANTED", "-e", "A=1=2", "-e", "EMPTY=", "-e", "UNSET", "-e", "A=last"];
    const more = ground.sight(ground.run([...flags, ...asked, "busybox", "/probe"], { env }));
    const expected = ["HOME=/root", "HOSTNAME=box", path, "WANTED=this one", "A=last", "EMPTY="];
    expect([...more.env].sort()).toEqual(expected.sort());
  });

  test("an empty environment without HOME and PATH is enough", () => {
    expect(ground.run(["busybox", "echo", "fine"], { env: {} })).toEqual({
      code: 0,
      signal: null,
      stdout: "fine\n",
      stderr: "",
    });
  });

  test("the limits are the caller's, though the runtime raises one for itself", () => {
    const { rlimits } = sightOf("ulimit -Sn 512; ulimit -Sc 0; ulimit -Ss 4096");
    const hard = host("ulimit -Hn").stdout.trim();
    expect(rlimits[7]).toEqual([512, Number(hard)]);
    expect(rlimits[3]?.[0]).toBe(4096 * 1024);
    expect(sightOf("ulimit -n 256").rlimits[7]).toEqual([256, 256]);
  });

  test("--ulimit sets what it says, and only that", () => {
    const flags = "--ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=1000 --ulimit cpu=60";
    const { rlimits } = sightOf("ulimit -Sn 512", flags);
    expect([rlimits[7], rlimits[4], rlimits[6], rlimits[0]]).toEqual([
      [100, 200],
      [0, 0],
      [1000, 1000],
      [60, 60],
    ]);
  });

  test("signals that the caller ignores or blocks are back to their defaults inside", () => {
    const ignoring = sightOf("trap '' HUP INT QUIT TERM PIPE USR1 CHLD TSTP XFSZ");
    expect(ignoring.ignoredSignals).toEqual([]);
    expect(ignoring.blockedSignals).toEqual([]);
    const nohup = ground.command(
      [
        "nohup",
        pivotPath,
        ...ground.roots(),
        "run",
        "--rm",
        "busybox",
        "grep",
        "Sig",
        "/proc/self/status",
      ],
      {},
    );
    expect(nohup.code).toBe(0);
    for (const name of ["SigIgn", "SigBlk", "SigCgt"]) {
      expect(nohup.stdout).toContain(`${name}:\t0000000000000000\n`);
    }
  });

  test("umask and scheduling of the caller: the umask is 0022, or what --umask says", () => {
    expect(sightOf("umask 077").umask).toBe(0o022);
    expect(sightOf("umask 0", "--umask 0027").umask).toBe(0o027);
  });

  test("--oom-score-adj is in force; without it the caller's own value is", () => {
    expect(sightOf(":", "--oom-score-adj 321").oomScoreAdj).toBe("321\n");
    expect(sightOf("echo 17 >/proc/self/oom_score_adj").oomScoreAdj).toBe("17\n");
  });

  test("only the three standard streams are open inside, whatever the caller has open", () => {
    const opened = `exec 3<${word(ground.directory)}/../ 4>/dev/null 7</etc/passwd 19</ 200</dev/null`;
    expect(Object.keys(sightOf(opened).fds)).toEqual(["0", "1", "2"]);
    const few = sightOf("exec 3<&- 4<&- 5<&-; ulimit -Sn 64");
    expect(Object.keys(few.fds)).toEqual(["0", "1", "2"]);
  });

  test("with next to no descriptors to be had it says so, and leaves nothing", async () => {
    try {
      const ran = host("ulimit -n 63; pivot run --rm busybox true");
      const stderr = "pivot: too few open files are allowed: raise `ulimit -n` to 64 or more\n";
      expect(ran).toMatchObject({ code: 125, stdout: "", stderr });
      await ground.expectNothingLeft();
    } finally {
      ground.pivot(["system", "prune", "-f"]);
    }
  });

  test("a working directory that is gone does not matter to who needs none", () => {
    const gone = `d=$(mktemp -d); cd "$d"; rmdir "$d"`;
    const ran = host(`${gone}; pivot run --rm busybox echo fine`);
    expect(ran).toMatchObject({ code: 0, stdout: "fine\n", stderr: "" });
  });

  const relative: readonly (readonly [words: string, given: string])[] = [
    ["-v ./pivot-test-gone:/x busybox true", "./pivot-test-gone:/x"],
    ["-v .:/x busybox true", ".:/x"],
    [
      "--mount type=bind,source=./pivot-test-gone,target=/x busybox true",
      "type=bind,source=./pivot-test-gone,target=/x",
    ],
    ["--rootfs pivot-test-gone true", "pivot-test-gone"],
    ["--pid-file pivot-test-gone busybox true", "pivot-test-gone"],
    ["--env-file pivot-test-gone busybox true", "pivot-test-gone"],
    ["--device ./pivot-test-gone busybox true", "./pivot-test-gone"],
    ["--security-opt seccomp=pivot-test-gone busybox true", "seccomp=pivot-test-gone"],
    ["oci:pivot-test-gone true", "oci:pivot-test-gone"],
    ["--bundle pivot-test-gone", "pivot-test-gone"],
  ];
  for (const [words, given] of relative) {
    test(`without a working directory a relative path is refused: ${given}`, () => {
      const gone = `d=$(mktemp -d); cd "$d"; rmdir "$d"`;
      const ran = host(`${gone}; pivot run --rm ${words}`);
      expect(ran).toMatchObject({ code: 125, stdout: "" });
      expect(ran.stderr).toStartWith(`pivot: the working directory is gone, so ${given} `);
      expect(existsSync("/pivot-test-gone")).toBeFalse();
    });
  }
});
