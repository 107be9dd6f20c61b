// `exec`: another process in a container that is there, as which user, with what, and its end.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from "node:fs";
import { patience } from "../patience.ts";
import { type Sight, statusOf } from "../sight.ts";
import { openConsole } from "./console.ts";
import {
  type CallSettings,
  type Container,
  cgroupsNamed,
  isAlive,
  type JsonObject,
  OciGround,
  sight,
  textOf,
} from "./ground.ts";
import { demand, runtimeName, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("exec"), () => {
  const ground = new OciGround("exec");

  /** What the probe sees when it is executed with these flags. */
  const look = (
    { id }: Container,
    flags: readonly string[] = [],
    attempts: readonly string[] = [],
    settings?: CallSettings,
  ): Sight => sight(ground.call(["exec", ...flags, id, "/probe", ...attempts], settings));

  const processFile = (fields: JsonObject): string => {
    const path = ground.path("process.json");
    const whole = { terminal: false, user: { uid: 0, gid: 0 }, cwd: "/", env: [], ...fields };
    writeFileSync(path, JSON.stringify(whole));
    return path;
  };
  const lookBy = (container: Container, fields: JsonObject, flags: readonly string[] = []): Sight =>
    sight(
      ground.call([
        "exec",
        ...flags,
        "--process",
        processFile({ args: ["/probe"], ...fields }),
        container.id,
      ]),
    );

  demand("output, error, input and the exit code are the program's", () => {
    const { id } = ground.lasting();
    const script = "cat; echo out; echo err >&2; exit 7";
    const called = ground.call(["exec", id, "/bin/sh", "-c", script], { input: "in\n" });
    expect(called).toMatchObject({ code: 7, stdout: "in\nout\n", stderr: "err\n" });
  });

  demand("a program that a signal ended: 128 and its number", () => {
    const { id } = ground.lasting();
    expect(ground.call(["exec", id, "/bin/sh", "-c", "kill -9 $$"]).code).toBe(137);
  });

  demand("arguments are passed on as they are, flags after the id too", () => {
    const { id } = ground.lasting();
    const args = ["/bin/echo", "--user", "-x", "", "two words", "$HOME"];
    expect(ground.ok(["exec", id, ...args]).stdout).toBe("--user -x  two words $HOME\n");
  });

  demand("namespaces, cgroup and root are the container's", () => {
    const container = ground.lasting();
    const seen = look(container);
    for (const name of ["ipc", "mnt", "net", "pid", "uts"] as const) {
      expect(seen.ns[name]).toBe(readlinkSync(`/proc/${container.pid}/ns/${name}`));
    }
    expect(seen.cgroup).toBe(readFileSync(`/proc/${container.pid}/cgroup`, "utf8"));
    expect(seen.cwd).toBe("/");
  });

  demand("user, environment, directory, limits and rights are those of the config", () => {
    const container = ground.start((config) => {
      Object.assign(config.process, {
        user: { uid: 0, gid: 7, additionalGids: [8, 9] },
        env: ["PATH=/bin", "A=1"],
        cwd: "/home",
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
      });
    });
    const seen = look(container);
    expect(seen.gids).toEqual([7, 7, 7]);
    expect([...seen.groups].sort()).toEqual([8, 9]);
    expect(seen.env).toContain("A=1");
    expect(seen.cwd).toBe("/home");
    expect(seen.rlimits[7]).toEqual([100, 200]);
    expect(seen.noNewPrivs).toBe(1);
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
      expect(statusOf(seen.status, set)).toBe("0000000020000420");
    }
  });

  demand("seccomp filters and a process-wide no_new_privs are those of the container", () => {
    const container = ground.start((config) => {
      config.linux["seccomp"] = {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
      };
    });
    const seen = look(container, [], ["mkdir:/tmp/x"]);
    expect(seen.seccomp).toBe(2);
    expect(seen.attempts["mkdir:/tmp/x"]?.errno).toBe("EOPNOTSUPP");
    expect(seen.noNewPrivs).toBe(1);
    const byFile = lookBy(container, { noNewPrivileges: true });
    expect(byFile.seccomp).toBe(2);
  });

  demand("no inheritable and no ambient capabilities, with --cap too (CVE-2022-29162)", () => {
    const container = ground.lasting();
    for (const flags of [[], ["--cap", "CAP_NET_RAW"], ["--user", "1000"]]) {
      const { status } = look(container, flags);
      expect({ flags, inh: statusOf(status, "CapInh") }).toEqual({ flags, inh: "0".repeat(16) });
      expect({ flags, amb: statusOf(status, "CapAmb") }).toEqual({ flags, amb: "0".repeat(16) });
    }
  });

  demand("--cap adds to what the config gives", () => {
    const { status } = look(ground.lasting(), ["--cap", "CAP_NET_RAW", "--cap", "CAP_SYS_CHROOT"]);
    expect(statusOf(status, "CapEff")).toBe("0000000020042420");
    expect(statusOf(status, "CapBnd")).toBe("0000000020042420");
  });

  demand("a user that is not root has no effective capabilities (CVE-2016-8867)", () => {
    const { status, uids } = look(ground.lasting(), ["--user", "1000:1000"]);
    expect(uids).toEqual([1000, 1000, 1000]);
    expect(statusOf(status, "CapEff")).toBe("0".repeat(16));
  });

  demand("--env, --cwd, --additional-gids", () => {
    const flags = ["--env", "B=2 3", "--env", "C=", "--cwd", "/home", "--additional-gids", "77"];
    const seen = look(ground.lasting(), flags);
    expect(seen.env).toContain("B=2 3");
    expect(seen.env).toContain("C=");
    expect(seen.cwd).toBe("/home");
    expect(seen.groups).toContain(77);
  });

  demand(
    "of several values of a variable the last counts: the config's, then those of --env",
    () => {
      const container = ground.start((config) => {
        config.process["env"] = ["PATH=/bin", "A=1", "B=2", "A=3"];
      });
      const valuesOf = (flags: string[]): string[] =>
        look(container, flags).env.filter((entry) => /^[ABC]=/.test(entry));
      expect(valuesOf([])).toEqual(["A=3", "B=2"]);
      const flags = ["--env", "B=4", "--env", "C=5", "--env", "C=6"];
      expect(valuesOf(flags)).toEqual(["A=3", "B=4", "C=6"]);
    },
  );

  demand("--additional-gids with anything but one number is an error, and nothing is run", () => {
    const { id } = ground.lasting();
    for (const group of ["5:6", "5:", "-1", "x", "", "4294967296"]) {
      const called = ground.call([
        "exec",
        "--additional-gids",
        group,
        id,
        "/bin/sh",
        "-c",
        "id -G",
      ]);
      // A peer prints its help.
      const ids = called.stdout.split("\n").filter((line) => /^\d[\d ]*$/.test(line));
      expect({ group, ids, isError: called.code !== 0 }).toEqual({ group, ids: [], isError: true });
    }
  });

  // ── users: exact, or an error (CVE-2026-30892) ───────────────────────────────────────────────
  const ran = ({ id }: Container, user: string): { code: number | null; stdout: string } => {
    const script = "echo $(id -u) $(id -g)";
    const { code, stdout } = ground.call(["exec", "--user", user, id, "/bin/sh", "-c", script]);
    return { code, stdout };
  };

  demand("--user with numbers is exactly these", () => {
    const container = ground.lasting();
    for (const [user, ids] of Object.entries({
      "0": "0 0",
      "1": "1 0",
      "1:1": "1 1",
      "1000:4321": "1000 4321",
      "2147483647:2147483647": "2147483647 2147483647",
    })) {
      expect({ user, ...ran(container, user) }).toEqual({ user, code: 0, stdout: `${ids}\n` });
    }
  });

  demand("--user with what is nearly a number is that number, or an error", () => {
    const container = ground.lasting();
    for (const [user, ids] of Object.entries({
      "1:": "1 0",
      " 1": "1 0",
      "1 ": "1 0",
      "+1": "1 0",
      "+1:+1": "1 1",
      "1:+1": "1 1",
      "01:01": "1 1",
      ":": "0 0",
      ":1": "0 1",
    })) {
      const { code, stdout } = ran(container, user);
      expect({ user, stdout }).toEqual({ user, stdout: code === 0 ? `${ids}\n` : "" });
    }
  });

  demand("--user out of range or unknown is an error, and nothing is run", () => {
    const container = ground.lasting();
    for (const user of [
      "-1",
      "1:-1",
      "0x1",
      "1e3",
      "4294967295",
      "4294967296",
      "1:4294967296",
      "18446744073709551616",
      "18446744073709551617:1",
      "99999999999999999999999999",
      "1:2:3",
      "nobody-knows",
      "1:nobody-knows",
    ]) {
      const { code, stdout } = ran(container, user);
      expect({ user, stdout, isError: code !== 0 }).toEqual({ user, stdout: "", isError: true });
    }
  });

  demand("--user with a name is looked up in the container, or refused", () => {
    const { id } = ground.lasting();
    for (const [user, ids] of [
      ["somebody", "1234 1234"],
      ["somebody:somegroup", "1234 4321"],
      ["1234:somegroup", "1234 4321"],
    ] as const) {
      const called = ground.call([
        "exec",
        "--user",
        user,
        id,
        "/bin/sh",
        "-c",
        "echo $(id -u) $(id -g)",
      ]);
      if (called.code === 0) expect(called.stdout).toBe(`${ids}\n`);
      else expect(called.stdout).toBe("");
    }
  });

  // ── --process ────────────────────────────────────────────────────────────────────────────────
  demand(
    "--process FILE: user, groups, umask, env, cwd, capabilities, limits, no_new_privs",
    () => {
      const seen = lookBy(
        ground.start((config) => {
          config.process["noNewPrivileges"] = false;
        }),
        {
          user: { uid: 5, gid: 6, additionalGids: [7], umask: 0o27 },
          env: ["ONLY=this"],
          cwd: "/home",
          capabilities: {
            bounding: ["CAP_KILL"],
            permitted: ["CAP_KILL"],
            effective: ["CAP_KILL"],
          },
          rlimits: [{ type: "RLIMIT_NOFILE", soft: 64, hard: 64 }],
          noNewPrivileges: true,
          oomScoreAdj: 500,
        },
      );
      expect(seen).toMatchObject({ uids: [5, 5, 5], gids: [6, 6, 6], groups: [7], umask: 0o27 });
      expect(seen.env.filter((each) => !each.startsWith("HOME="))).toEqual(["ONLY=this"]);
      expect(seen.cwd).toBe("/home");
      expect(statusOf(seen.status, "CapBnd")).toBe("0000000000000020");
      expect(seen.rlimits[7]).toEqual([64, 64]);
      expect(seen.noNewPrivs).toBe(1);
      expect(seen.oomScoreAdj).toBe("500\n");
    },
  );

  demand("--process without capabilities has none, or those of the container", () => {
    const { status } = lookBy(ground.lasting(), {});
    expect(["0000000000000000", "0000000020000420"]).toContain(statusOf(status, "CapEff") ?? "");
    expect(statusOf(status, "CapInh")).toBe("0".repeat(16));
    expect(statusOf(status, "CapAmb")).toBe("0".repeat(16));
  });

  for (const [what, text] of Object.entries({
    "that is not there": undefined,
    "that is not JSON": "nonsense",
    "that is an empty object": "{}",
    "with no args": '{"cwd":"/","args":[],"user":{"uid":0,"gid":0}}',
    "with a relative cwd": '{"cwd":"home","args":["/bin/true"],"user":{"uid":0,"gid":0}}',
  })) {
    demand(`--process FILE ${what} is an error in one line, and the container runs on`, () => {
      const { id } = ground.lasting();
      const path = ground.path("process.json");
      if (text !== undefined) writeFileSync(path, text);
      ground.refused(["exec", "--process", path, id]);
      expect(ground.state(id).status).toBe("running");
    });
  }

  // ── detached ─────────────────────────────────────────────────────────────────────────────────
  demand(
    "--detach --pid-file: returns at once, the pid is the process's, and is written last",
    async () => {
      const { id, pid } = ground.start();
      const file = ground.path("pid");
      const called = ground.call([
        "exec",
        "--detach",
        "--pid-file",
        file,
        id,
        "/bin/sleep",
        "1000",
      ]);
      expect(called).toMatchObject({ code: 0, stderr: "" });
      expect(called.stdout).toBe("");
      const second = Number(readFileSync(file, "utf8"));
      expect(readFileSync(file, "utf8")).toBe(String(second));
      expect(readlinkSync(`/proc/${second}/exe`)).toEndWith("/bin/busybox");
      expect(readlinkSync(`/proc/${second}/ns/pid`)).toBe(readlinkSync(`/proc/${pid}/ns/pid`));
      ground.ok(["kill", id, "KILL"]);
      await ground.until(id, "stopped");
      for (let i = 0; i < 50 * patience && isAlive(second); i++) await Bun.sleep(10);
      expect(isAlive(second)).toBe(false);
    },
  );

  demand("--detach writes where its caller's output went, after the call has ended", async () => {
    const { id } = ground.lasting();
    const words = ["exec", "--detach", id, "/bin/sh", "-c", "sleep 0.2; echo later"];
    const { out, code } = ground.call(words);
    expect(code).toBe(0);
    expect(await textOf(out)).toBe("later\n");
  });

  demand("--pid-file of an exec in the foreground", () => {
    const { id } = ground.lasting();
    const file = ground.path("pid");
    ground.ok(["exec", "--pid-file", file, id, "/bin/true"]);
    expect(readFileSync(file, "utf8")).toMatch(/^\d+$/);
  });

  // ── errors ───────────────────────────────────────────────────────────────────────────────────
  demand("255 for the runtime's own errors: no container, a stopped one, no program", async () => {
    const { id } = await ground.stopped();
    for (const words of [
      ["nobody-knows-it", "/bin/true"],
      [id, "/bin/true"],
      [ground.lasting().id, "/no/such/program"],
    ]) {
      expect(ground.call(["exec", ...words])).toMatchObject({ code: 255, stdout: "" });
    }
  });

  demand("a program that is not there: what docker reads as 127", () => {
    const { id } = ground.lasting();
    expect(ground.refused(["exec", id, "/no/such/program"])).toMatch(
      /exec: \\*"\/no\/such\/program\\*": stat \/no\/such\/program: no such file or directory/,
    );
    expect(ground.refused(["exec", id, "nosuchprogram"])).toMatch(
      /exec: \\*"nosuchprogram\\*": executable file not found in \$PATH/,
    );
    expect(ground.refused(["exec", id, "/etc/passwd"])).toMatch(/permission denied/i);
  });

  demand("a working directory that is not there is an error that names it, or is made", () => {
    const { id } = ground.lasting();
    const called = ground.call(["exec", "--cwd", "/not-there", id, "/bin/true"]);
    if (called.code !== 0) expect(called.stderr).toContain("/not-there");
  });

  demand("exec into a stopped container is an error", async () => {
    const { id } = await ground.stopped();
    ground.refused(["exec", id, "/bin/true"]);
  });

  demand("exec into a created container works, before its program runs", () => {
    const { id, out } = ground.create((config) => {
      config.process["args"] = ["/bin/echo", "begun"];
    });
    expect(ground.ok(["exec", id, "/bin/echo", "inside"]).stdout).toBe("inside\n");
    expect(readFileSync(out, "utf8")).toBe("");
    expect(ground.state(id).status).toBe("created");
  });

  demand("exec into a paused container is an error at once", () => {
    const { id } = ground.start();
    ground.ok(["pause", id]);
    ground.refused(["exec", id, "/bin/true"], { timeout: 5000 });
    expect(ground.state(id).status).toBe("paused");
    ground.ok(["resume", id]);
    ground.ok(["exec", id, "/bin/true"]);
  });

  // ── descriptors ──────────────────────────────────────────────────────────────────────────────
  demand(
    "no descriptors but the three streams, for exec as for the container (CVE-2024-21626)",
    () => {
      const script = 'exec 5</etc/passwd 6</ 7<>/dev/null; exec "$@"';
      const before = ["sh", "-c", script, "sh"];
      const seen = look(ground.lasting(), [], [], { before });
      expect(Object.keys(seen.fds)).toEqual(["0", "1", "2"]);
      const called = ground.run(
        (config) => {
          config.process["args"] = ["/probe"];
        },
        [],
        { before },
      );
      expect(Object.keys(sight(called).fds)).toEqual(["0", "1", "2"]);
    },
  );

  demand("--preserve-fds N passes on the next N descriptors, and no more", () => {
    const script = 'exec 3</etc/hostname 4</etc/passwd 5</; exec "$@"';
    const seen = look(ground.lasting(), ["--preserve-fds", "2"], [], {
      before: ["sh", "-c", script, "sh"],
    });
    expect(Object.keys(seen.fds)).toEqual(["0", "1", "2", "3", "4"]);
    expect(seen.fds["4"]?.size).toBe(Bun.file("/etc/passwd").size);
  });

  for (const path of ["/proc/self/fd/7", "/proc/self/fd/8", "/proc/1/fd/7", "/proc/self/cwd"]) {
    demand(`--cwd ${path} is refused, or lies inside (CVE-2024-21626)`, () => {
      const { id } = ground.lasting();
      const words = ["exec", "--cwd", path, id, "/bin/sh", "-c"];
      const script = "ls ../../../../this-is-the-container";
      const called = ground.call([...words, script], {
        before: ["sh", "-c", 'exec 7</sys/fs/cgroup 8</; exec "$@"', "sh"],
      });
      if (called.code === 0) {
        expect(called.stdout).toBe("../../../../this-is-the-container\n");
      }
    });
  }

  demand(
    "cwd in the config through a descriptor is refused, or lies inside (CVE-2024-21626)",
    () => {
      for (let fd = 3; fd < 12; fd++) {
        const called = ground.run((config) => {
          config.process["cwd"] = `/proc/self/fd/${fd}`;
          config.process["args"] = ["/bin/ls", "../../../../this-is-the-container"];
        });
        if (called.code === 0) expect(called.stdout).toContain("this-is-the-container");
      }
    },
  );

  // ── what the container could do to who enters it ─────────────────────────────────────────────
  /** A container with an attacker in it, that says what it met and could open for writing. */
  async function attacked(): Promise<Container> {
    const container = ground.start((config) => {
      config.process["args"] = ["/overwrite"];
      config.process["capabilities"] = {
        bounding: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
        effective: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
        permitted: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"],
      };
    });
    await textOf(container.out, /looking\n/);
    return container;
  }

  demand("the program that enters cannot be opened for writing (CVE-2019-5736)", async () => {
    await Bun.write(`${ground.rootfs}/poisoned`, "#!/proc/self/exe\n");
    await Bun.$`chmod 755 ${ground.rootfs}/poisoned`.quiet();
    const { id, out } = await attacked();
    for (let i = 0; i < 15; i++) ground.call(["exec", id, i % 3 === 0 ? "/bin/true" : "/poisoned"]);
    await Bun.sleep(50);
    ground.ok(["kill", id, "KILL"]);
    await ground.until(id, "stopped");
    expect(readFileSync(out, "utf8")).toStartWith("looking\n");
    expect(readFileSync(out, "utf8")).not.toContain("writable");
  });

  demand(
    "who enters is not dumpable: its memory and descriptors are closed to the container (CVE-2016-9962)",
    async () => {
      const script = `while :; do for p in /proc/[0-9]*; do
      e=$(readlink $p/exe) || continue
      case $e in /bin/busybox|"") ;; *) ls -l $p/fd 2>/dev/null | grep -q -- '->' && echo open $e;; esac
    done; done`;
      const container = ground.start((config) => {
        config.process["args"] = ["/bin/busybox", "sh", "-c", script];
      });
      for (let i = 0; i < 10; i++) ground.call(["exec", container.id, "/bin/true"]);
      expect(readFileSync(container.out, "utf8")).toBe("");
    },
  );

  // ── terminals ────────────────────────────────────────────────────────────────────────────────
  demand(
    "--tty --console-socket: a terminal of the container's, that controls its session",
    async () => {
      const { id } = ground.lasting();
      const console = await openConsole(`${ground.directory}/console`, [33, 99]);
      try {
        const flags = ["--tty", "--detach", "--console-socket", console.socket];
        const words = ["exec", ...flags, "-e", "PS1=> ", id, "/bin/busybox", "sh"];
        expect(ground.call(words)).toMatchObject({ code: 0 });
        expect(await console.received()).toContain(", a terminal\n");
        await console.until(/> /);
        console.type("busybox tty; busybox stty size; echo $((6*7))\n");
        expect(await console.until(/42\r\n/)).toMatch(/\/dev\/pts\/\d+\r\n33 99\r\n42\r\n$/);
        console.type("busybox sleep 100\n");
        await console.until(/sleep 100\r\n/);
        await Bun.sleep(150);
        console.type("\x03");
        await console.until(/> /);
        console.type("echo code $?; exit\n");
        await console.until(/code 130\r\n/);
      } finally {
        await console.close();
      }
    },
  );

  demand(
    "--process with a terminal and --console-socket, as podman and dockerd call it",
    async () => {
      const { id } = ground.lasting();
      const console = await openConsole(`${ground.directory}/console`);
      try {
        const file = processFile({
          terminal: true,
          consoleSize: { height: 21, width: 71 },
          args: ["/bin/busybox", "stty", "size"],
        });
        const flags = ["--process", file, "--detach", "--console-socket", console.socket];
        const pid = ground.path("pid");
        expect(ground.call(["exec", ...flags, "--pid-file", pid, id])).toMatchObject({ code: 0 });
        expect(await console.until(/\d+ \d+\r\n/)).toBe("21 71\r\n");
      } finally {
        await console.close();
      }
    },
  );

  test.skipIf(runtimeName !== "pivot")(
    "--cgroup: a cgroup below the container's, which has to be there",
    () => {
      const { id } = ground.lasting();
      const found = cgroupsNamed(`${ground.tag}-lasting`);
      const v1 = found.find((each) => each.includes("/pids/"));
      const path = v1 ?? found[0];
      mkdirSync(`${path}/below`);
      try {
        const show = ["/bin/grep", v1 === undefined ? "0::" : ":pids:", "/proc/self/cgroup"];
        const inside = ground.ok(["exec", "--cgroup", "pids:below", id, ...show]);
        expect(inside.stdout).toEndWith("-lasting/below\n");
        expect(ground.ok(["exec", id, ...show]).stdout).toEndWith("-lasting\n");
        expect(ground.refused(["exec", "--cgroup", "pids:none", id, "/bin/true"])).toContain(
          "none",
        );
        expect(ground.refused(["exec", "--cgroup", "../..", id, "/bin/true"])).toContain(
          "--cgroup",
        );
      } finally {
        rmdirSync(`${path}/below`);
      }
    },
  );

  demand("--tty --detach without a console socket is an error", () => {
    const { id } = ground.lasting();
    ground.refused(["exec", "--tty", "--detach", id, "/bin/true"]);
  });

  demand("many at once: 12 processes executed in parallel", () => {
    const { id } = ground.lasting();
    const script = `for n in 1 2 3 4 5 6 7 8 9 10 11 12; do "$@" /bin/echo $n & done; wait`;
    const called = ground.call(["exec", id], { before: ["sh", "-c", script, "sh"] });
    expect(called).toMatchObject({ code: 0, stderr: "" });
    expect(
      called.stdout
        .trim()
        .split("\n")
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});
