// Streams, terminals, descriptors, pid files and logs of a container's creation.

import { describe, expect } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { patience } from "../patience.ts";
import { compileC } from "../pivot.ts";
import { openConsole } from "./console.ts";
import { bindMount, OciGround, sight, textOf } from "./ground.ts";
import { demand, runtimeName, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("streams"), () => {
  const ground = new OciGround("streams");
  const shell =
    (script: string) =>
    (config: { process: Record<string, unknown> }): void => {
      config.process["args"] = ["/bin/busybox", "sh", "-c", script];
    };

  demand("the streams of create are the container's: files", async () => {
    const { id, out } = ground.create(shell("echo out; echo err >&2"));
    ground.ok(["start", id]);
    expect(await textOf(out, /out\n/)).toBe("out\n");
    expect(await textOf(out.replace(/out$/, "err"))).toBe("err\n");
  });

  demand(
    "the streams of create are the container's: pipes, which live on after create has ended",
    async () => {
      const id = ground.id();
      const bundle = ground.bundle(shell("cat"));
      const script = `mkfifo $D/in $D/out; exec 8<>$D/in 9<>$D/out
      "$@" create --bundle ${bundle} ${id} <$D/in >$D/out && "$@" start ${id}
      echo through >&8; read -r line <&9; exec 8>&-; echo "got $line"`;
      const env = { D: ground.path("pipes"), PATH: process.env["PATH"] ?? "" };
      const before = ["sh", "-c", `mkdir $D; ${script}`, "sh"];
      expect(ground.ok([], { before, env }).stdout).toBe("got through\n");
    },
  );

  demand("without a terminal there is none, and no controlling one", () => {
    const seen = ground.probe();
    expect(seen.terminal).toMatchObject({ in: 0, out: 0, err: 0 });
    expect(seen.controllingTerminal).toBe(0);
    expect(seen.sid).toBe(seen.pid);
  });

  demand(
    "closed streams: the container is made all the same, and holds nothing of the host",
    () => {
      const called = ground.run(shell("/probe >/tmp/seen 2>&1; exit 0"), [], {
        before: ["sh", "-c", 'exec "$@" <&- 2>&-', "sh"],
      });
      expect(called.code).toBe(0);
      const { fds } = sight({
        code: 0,
        stderr: "",
        stdout: readFileSync(`${ground.rootfs}/tmp/seen`, "utf8"),
      });
      for (const fd of Object.keys(fds)) expect(["0", "1", "2"]).toContain(fd);
    },
  );

  // ── terminals ────────────────────────────────────────────────────────────────────────────────
  demand(
    "--console-socket: the container's own terminal, its size, job control, /dev/console",
    async () => {
      const console = await openConsole(`${ground.directory}/console`);
      try {
        const { id } = ground.create(
          (config) => {
            config.process["terminal"] = true;
            config.process["consoleSize"] = { height: 31, width: 91 };
            config.process["env"] = ["PATH=/bin", "PS1=> "];
            config.process["args"] = ["/bin/sh"];
          },
          ["--console-socket", console.socket],
        );
        expect(await console.received()).toContain(", a terminal\n");
        ground.ok(["start", id]);
        await console.until(/> /);
        console.type(
          "busybox tty; busybox stty size; busybox test -c /dev/console && echo $((6*7))\n",
        );
        expect(await console.until(/42\r\n/)).toMatch(
          /\/dev\/(console|pts\/0)\r\n31 91\r\n42\r\n$/,
        );
        console.type("echo seen >/dev/console; echo also >/dev/tty\n");
        await console.until(/seen\r\nalso\r\n/);
        console.type("busybox sleep 100\n");
        await console.until(/sleep 100\r\n/);
        await Bun.sleep(150);
        console.type("\x1a");
        await console.until(/Stopped/);
        console.type("fg\n");
        await console.until(/fg\r\n/);
        await Bun.sleep(150);
        console.type("\x03");
        await console.until(/> /);
        console.type("echo code $?; exit 3\n");
        await console.until(/code 130\r\n/);
        await ground.until(id, "stopped");
      } finally {
        await console.close();
      }
    },
  );

  demand(
    "the terminal belongs to the user of the process, and lies in the container's devpts",
    async () => {
      const console = await openConsole(`${ground.directory}/console`);
      try {
        const { id } = ground.create(
          (config) => {
            config.process["terminal"] = true;
            config.process["user"] = { uid: 1000, gid: 1000 };
            config.process["args"] = [
              "/bin/busybox",
              "sh",
              "-c",
              "echo x >$(busybox tty); busybox stat -c %u:%t /dev/pts/0",
            ];
          },
          ["--console-socket", console.socket],
        );
        ground.ok(["start", id]);
        expect(await console.until(/\d+:\d+\r\n/)).toBe("x\r\n1000:88\r\n");
      } finally {
        await console.close();
      }
    },
  );

  const refusedTerminal = (flags: readonly string[], isTerminal: boolean): string => {
    const bundle = ground.bundle((config) => {
      config.process["terminal"] = isTerminal;
    });
    return ground.refused(["create", "--bundle", bundle, ...flags, ground.id()]);
  };

  demand("a terminal without a console socket is an error for create", async () => {
    expect(refusedTerminal([], true)).toMatch(/console|terminal|tty/i);
    await ground.expectNothingLeft();
  });

  demand("a console socket without a terminal is an error for create", () => {
    expect(refusedTerminal(["--console-socket", "/nowhere"], false)).toMatch(
      /console|terminal|tty/i,
    );
  });

  demand("a console socket that is not there is an error that names it", async () => {
    expect(refusedTerminal(["--console-socket", "/no/such/socket"], true)).toMatch(/socket/);
    await ground.expectNothingLeft();
  });

  demand("run --detach with a terminal and no socket is an error", () => {
    const bundle = ground.bundle((config) => {
      config.process["terminal"] = true;
    });
    ground.refused(["run", "--detach", "--bundle", bundle, ground.id()]);
  });

  // ── descriptors ──────────────────────────────────────────────────────────────────────────────
  const withDescriptors = {
    before: ["sh", "-c", 'exec 3</etc/hostname 4</etc/passwd 5</; exec "$@"', "sh"],
  };
  const probe = (config: { process: Record<string, unknown> }): void => {
    config.process["args"] = ["/probe"];
  };

  demand("--preserve-fds N of create and run passes on the next N descriptors", () => {
    const { fds } = sight(ground.run(probe, ["--preserve-fds", "2"], withDescriptors));
    expect(Object.keys(fds)).toEqual(["0", "1", "2", "3", "4"]);
    expect(fds["4"]?.size).toBe(Bun.file("/etc/passwd").size);
  });

  demand(
    "--preserve-fds of a descriptor that is not open is an error, or passes on what there is",
    () => {
      const called = ground.run(probe, ["--preserve-fds", "9"]);
      if (called.code === 0) expect(Object.keys(sight(called).fds)).toEqual(["0", "1", "2"]);
    },
  );

  demand("LISTEN_FDS: the descriptors are passed on, with LISTEN_PID=1", () => {
    const script = 'exec 3</etc/hostname 4</etc/passwd 5</; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"';
    const seen = sight(ground.run(probe, [], { before: ["sh", "-c", script, "sh"] }));
    expect(Object.keys(seen.fds)).toEqual(["0", "1", "2", "3", "4"]);
    expect(seen.env).toContain("LISTEN_FDS=2");
    expect(seen.env).toContain("LISTEN_PID=1");
  });

  demand(
    "NOTIFY_SOCKET: what the container says there arrives at the caller's socket",
    async () => {
      const socket = `${ground.directory}/notify`;
      const heard = ground.path("heard");
      const words = [compileC("oci/notify.c"), "listen", socket];
      const receiver = Bun.spawn(words, { stdout: Bun.file(heard) });
      try {
        for (let i = 0; i < 300 * patience && !existsSync(socket); i++) await Bun.sleep(10);
        ground.start(shell("/notify READY=1; sleep 1000"), [], {
          env: { PATH: process.env["PATH"] ?? "", NOTIFY_SOCKET: socket },
        });
        expect(await textOf(heard, /READY=1/)).toContain("READY=1");
      } finally {
        receiver.kill("SIGKILL");
        await receiver.exited;
      }
    },
  );

  demand("the environment of the runtime is not the container's", () => {
    const seen = sight(ground.run(probe, [], { env: { PATH: "/usr/bin:/bin", SECRET: "x" } }));
    expect(seen.env.filter((each) => !each.startsWith("HOME="))).toEqual(["PATH=/bin"]);
  });

  demand("a program found by the container's PATH, not the runtime's", () => {
    const called = ground.run((config) => {
      config.process["args"] = ["echo", "found"];
      config.process["env"] = ["PATH=/nowhere:/bin"];
    });
    expect(called).toMatchObject({ code: 0, stdout: "found\n" });
  });

  demand("a program that is not there is an error of create, in docker's words", () => {
    const refused = (program: string): string =>
      ground.refused([
        "create",
        "--bundle",
        ground.bundle((config) => {
          config.process["args"] = [program];
        }),
        ground.id(),
      ]);
    expect(refused("/no/such/program")).toMatch(
      /exec: \\*"\/no\/such\/program\\*": stat \/no\/such\/program: no such file or directory/,
    );
    expect(refused("nosuchprogram")).toMatch(
      /exec: \\*"nosuchprogram\\*": executable file not found in \$PATH/,
    );
  });

  // ── surroundings ─────────────────────────────────────────────────────────────────────────────
  demand("--pid-file has the pid in decimal and nothing else", () => {
    const file = ground.path("pid");
    const { pid } = ground.create(undefined, ["--pid-file", file]);
    expect(readFileSync(file, "utf8")).toBe(String(pid));
  });

  demand("--pid-file that cannot be written is an error, and nothing is left", async () => {
    const flags = ["--bundle", ground.bundle(), "--pid-file", "/no/such/directory/pid"];
    ground.refused(["create", ...flags, ground.id()]);
    await ground.expectNothingLeft();
  });

  demand("works with an empty environment, and so without PATH", () => {
    const env = {};
    const id = ground.id();
    // The wrapper of a peer needs a PATH of its own.
    const before = ["/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
    for (const words of [
      ["create", "--bundle", ground.bundle(), id],
      ["start", id],
      ["exec", id, "/bin/true"],
      ["kill", id, "KILL"],
    ]) {
      ground.ok(words, { env, before: runtimeName === "crun" ? before : [] });
    }
    ground.call(["delete", "--force", id], { env });
  });

  demand("works from a working directory that is gone", () => {
    const script = 'd=$(mktemp -d); cd $d; rmdir $d; exec "$@"';
    const called = ground.run(shell("echo inside"), [], { before: ["sh", "-c", script, "sh"] });
    // Where the runtime is a script, its shell has a word of its own about that.
    const stderr = called.stderr.replace(/^[^\n]*getcwd\(\) failed[^\n]*\n/, "");
    expect({ ...called, stderr }).toMatchObject({ code: 0, stdout: "inside\n", stderr: "" });
  });

  demand("ignored signals of the caller are not the container's, and none is blocked", () => {
    const seen = sight(
      ground.run(probe, [], { before: ["sh", "-c", `trap "" HUP INT USR1; exec "$@"`, "sh"] }),
    );
    expect(seen.blockedSignals).toEqual([]);
    expect(seen.ignoredSignals).toEqual([]);
  });

  // ── logs ─────────────────────────────────────────────────────────────────────────────────────
  const failing = (log: string, format: readonly string[]): string => {
    const global = ["--root", ground.root, "--log", log, ...format];
    const called = ground.call(["create", "--bundle", "/no/such/bundle", ground.id()], { global });
    expect(called.code).not.toBe(0);
    return readFileSync(log, "utf8");
  };

  demand("--log FILE --log-format json: an object for each line, with level, msg and time", () => {
    const log = ground.path("log");
    const lines = failing(log, ["--log-format", "json"]).trimEnd().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as Record<string, string>);
    const last = entries.at(-1) ?? {};
    expect(last).toMatchObject({ level: "error" });
    expect(last["msg"]).toContain("/no/such/bundle");
    expect(new Date(last["time"] ?? "").getFullYear()).toBeGreaterThan(2020);
  });

  demand("--log-format json escapes what it quotes", () => {
    const log = ground.path("log");
    const global = ["--root", ground.root, "--log", log, "--log-format", "json"];
    ground.call(["state", 'no\n"such\\container'], { global });
    for (const line of readFileSync(log, "utf8").trimEnd().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String),
        msg: expect.any(String),
      });
    }
  });

  demand("--log FILE: text, one line for the error", () => {
    const log = ground.path("log");
    expect(failing(log, [])).toMatch(/^[^\n]*\/no\/such\/bundle[^\n]*\n$/);
  });

  demand("--log adds to the file that is there, and makes one that is not", () => {
    const log = ground.path("log");
    const first = failing(log, []);
    expect(failing(log, [])).toStartWith(first);
    expect(failing(log, []).length).toBeGreaterThan(first.length * 2);
  });

  demand("--log of a FIFO that nobody reads is not waited for", () => {
    const log = ground.path("fifo");
    spawnSync("mkfifo", [log]);
    const global = ["--root", ground.root, "--log", log];
    const called = ground.call(["state", "nobody"], { global });
    expect(called.code).toBe(1);
    expect(called.stderr).toContain("nobody");
  });

  demand("--log of a FIFO with a reader is written to", async () => {
    const log = ground.path("fifo");
    spawnSync("mkfifo", [log]);
    const reader = spawn("cat", [log], { stdio: ["ignore", "pipe", "inherit"] });
    await Bun.sleep(50);
    ground.call(["state", "nobody"], { global: ["--root", ground.root, "--log", log] });
    const said = await new Response(reader.stdout as unknown as ReadableStream).text();
    expect(said).toMatch(/exist|No such file/);
  });

  demand("--log leaves the log alone when all is well", () => {
    const log = ground.path("log");
    const global = ["--root", ground.root, "--log", log, "--log-format", "json"];
    ground.ok(["run", "--bundle", ground.bundle(shell("exit 0")), ground.id()], { global });
    expect(existsSync(log) ? readFileSync(log, "utf8") : "").toBe("");
  });

  demand("--log-format of no known name is an error", () => {
    const global = ["--root", ground.root, "--log-format", "nonsense"];
    expect(ground.call(["list"], { global }).code).not.toBe(0);
  });

  demand("--version: name and version, spec", () => {
    const { stdout } = ground.ok(["--version"], { global: [] });
    expect(stdout).toMatch(/^\S+ version \S+\n/);
    expect(stdout).toMatch(/^spec: 1\.\d/m);
  });

  demand("a bind mount shows what the host has, and output through it", async () => {
    const shown = ground.path("shown");
    await Bun.$`mkdir ${shown}`.quiet();
    const called = ground.run((config) => {
      shell("echo written >/out/file")(config);
      bindMount(config, shown, "/out");
    });
    expect(called).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(`${shown}/file`, "utf8")).toBe("written\n");
  });
});
