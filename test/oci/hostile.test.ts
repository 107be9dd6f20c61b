// What a hostile image, a hostile state or bad luck could make of the runtime: programs reached by
// descriptors, commands that come while a container is being made, hooks with too many rights.

import { describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { patience } from "../patience.ts";
import { bindMount, type Change, cgroupsNamed, OciGround, type State, textOf } from "./ground.ts";
import { demand, runtimeName, runtimeWords, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("hostile"), () => {
  const ground = new OciGround("hostile");
  const args =
    (...words: string[]): Change =>
    (config) => {
      config.process["args"] = words;
    };

  /** How the runtime ends with these words, left to itself meanwhile. */
  function begin(
    words: readonly string[],
    meanwhile: (child: ChildProcess) => void = () => undefined,
  ): Promise<string> {
    const [program = "", ...rest] = [...runtimeWords, "--root", ground.root, ...words];
    const child = spawn(program, rest, { stdio: "ignore" });
    meanwhile(child);
    return new Promise((resolve) =>
      child.once("exit", (code, signal) => resolve(signal ?? String(code))),
    );
  }

  const before = ["sh", "-c", 'exec 9</; exec "$0" "$@"'];
  const hostProgram = ["/proc/self/fd/9/bin/busybox", "echo", "host"];

  demand("no program is found by way of a descriptor of the caller", () => {
    const ran = ground.run(args(...hostProgram), [], { before });
    expect(ran).toMatchObject({ stdout: "" });
    expect(ran.code).not.toBe(0);
    const execd = ground.call(["exec", ground.lasting().id, ...hostProgram], { before });
    expect(execd).toMatchObject({ stdout: "" });
    expect(execd.code).not.toBe(0);
    const hook = { path: hostProgram[0] ?? "", args: ["busybox", "true"] };
    const hooked = ground.run(
      (config) => {
        args("/bin/true")(config);
        config.hooks = { startContainer: [hook] };
      },
      [],
      { before },
    );
    expect(hooked.code).not.toBe(0);
  });

  demand("a created container holds nothing of the caller's, nor of the host's files", () => {
    const { pid } = ground.create(undefined, [], { before });
    const links = readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => Number(fd) > 2)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(links.filter((link) => link.startsWith("/") && !link.startsWith(ground.root))).toEqual(
      [],
    );
  });

  for (const flags of [[], ["--detach"]]) {
    const words = ["run", ...flags];
    demand(`exec while \`${words.join(" ")}\` makes the container is refused`, async () => {
      const id = ground.id();
      const mark = ground.path("mark");
      const bundle = ground.bundle((config) => {
        const script = `echo > ${mark}; sleep 1`;
        config.hooks = { createContainer: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
      });
      const run = begin([...words, "--bundle", bundle, id]);
      await textOf(mark);
      const called = ground.call(["exec", id, "/bin/busybox", "ls", "/"]);
      expect(called).toMatchObject({ stdout: "" });
      expect(called.code).not.toBe(0);
      const status = (): string =>
        (JSON.parse(ground.call(["state", id]).stdout || "{}") as Partial<State>).status ?? "";
      for (let i = 0; i < 200 * patience && status() !== "running"; i++) await Bun.sleep(20);
      expect(ground.ok(["exec", id, "/bin/ls", "/this-is-the-container"]).stdout).not.toBe("");
      ground.ok(["delete", "--force", id]);
      expect(await run).toBe(flags.length > 0 ? "0" : "137");
    });
  }

  const hookStatus = async (change: Change): Promise<string> => {
    const out = ground.path("status");
    writeFileSync(out, "");
    chmodSync(out, 0o666);
    ground.start((config) => {
      const mount = { source: out, destination: "/status", type: "bind", options: ["bind", "rw"] };
      config.mounts.push(mount);
      const script = "cat /proc/self/status > /status";
      config.hooks = { startContainer: [{ path: "/bin/busybox", args: ["sh", "-c", script] }] };
      change(config);
    });
    return textOf(out, /nonvoluntary/);
  };

  for (const noNewPrivileges of [true, false]) {
    demand(
      `startContainer hooks have the process's rights, noNewPrivileges ${noNewPrivileges}`,
      async () => {
        const asRoot = await hookStatus((config) => {
          config.process["noNewPrivileges"] = noNewPrivileges;
        });
        expect(asRoot).toMatch(/^CapEff:\s0000000020000420$/m);
        expect(asRoot).toMatch(/^CapBnd:\s0000000020000420$/m);
        const asSomebody = await hookStatus((config) => {
          config.process["noNewPrivileges"] = noNewPrivileges;
          config.process["user"] = { uid: 1234, gid: 1234 };
        });
        expect(asSomebody).toMatch(/^Uid:\s1234\s1234/m);
        expect(asSomebody).toMatch(/^CapEff:\s0000000000000000$/m);
      },
    );
  }

  demand("delete --force ends a container that `run` watches, and hooks run once", async () => {
    const log = ground.path("log");
    for (const flags of [[], ["--keep"]]) {
      writeFileSync(log, "");
      const id = ground.id();
      const bundle = ground.bundle((config) => {
        config.hooks = {
          poststop: [{ path: "/bin/sh", args: ["sh", "-c", `echo once >> ${log}`] }],
        };
      });
      const run = begin(["run", ...flags, "--bundle", bundle, id]);
      for (let i = 0; i < 200 * patience && ground.call(["exec", id, "/bin/true"]).code !== 0; i++)
        await Bun.sleep(20);
      ground.ok(["delete", "--force", id]);
      expect(await run).toBe("137");
      expect(readFileSync(log, "utf8")).toBe("once\n");
      ground.refused(["state", id]);
    }
  });

  demand("SIGKILL ends a paused container", async () => {
    const { id } = ground.start();
    ground.ok(["pause", id]);
    ground.ok(["kill", id, "KILL"]);
    await ground.until(id, "stopped");
  });

  demand("a process file that says no rights gets the container's", () => {
    const file = ground.path("process");
    const words = { args: ["/bin/grep", "CapEff", "/proc/self/status"] };
    writeFileSync(file, JSON.stringify({ cwd: "/", user: { uid: 0, gid: 0 }, ...words }));
    const { stdout } = ground.ok(["exec", "--process", file, ground.lasting().id]);
    expect(stdout).toBe("CapEff:\t0000000020000420\n");
  });

  for (const [command, kind] of [
    ["create", "createRuntime"],
    ["create", "createContainer"],
    ["start", "startContainer"],
    ["start", "poststart"],
    ["run", "poststart"],
  ] as const) {
    demand(`SIGTERM ends a ${command} of which a hook of ${kind} does not end`, async () => {
      const log = ground.path("log");
      mkdirSync(log);
      const isInside = kind === "startContainer";
      const change: Change = (config) => {
        bindMount(config, log, "/out");
        const mark = isInside ? "/out/mark" : `${log}/mark`;
        const path = isInside ? "/bin/busybox" : "/bin/sh";
        const script = `echo $$ > ${mark}; exec sleep 1000`;
        config.hooks = { [kind]: [{ path, args: ["sh", "-c", script], env: ["PATH=/bin"] }] };
      };
      const id = command === "start" ? ground.create(change).id : ground.id();
      const more = command === "start" ? [] : ["--bundle", ground.bundle(change)];
      const ended = begin([command, ...more, id], (child) =>
        textOf(`${log}/mark`).then(() => child.kill("SIGTERM")),
      );
      expect(await ended).not.toBe("0");
      ground.ok(["delete", "--force", id]);
      await ground.expectNothingLeft();
    });
  }

  demand("a start whose seccomp agent hangs up leaves no process that waits for it", async () => {
    const path = `${ground.directory}/agent`;
    const agent = createServer((connection) => connection.destroy()).listen(path);
    await new Promise((resolve) => agent.once("listening", resolve));
    try {
      const { id } = ground.create((config) => {
        // More than a socket holds: the agent has gone before all of it is said.
        config.annotations = { long: "x".repeat(1 << 20) };
        config.linux["seccomp"] = {
          defaultAction: "SCMP_ACT_ALLOW",
          listenerPath: path,
          syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
        };
      });
      expect(await begin(["start", id])).not.toBe("0");
      await ground.until(id, "stopped");
    } finally {
      agent.close();
    }
  });

  for (const text of ["", "{", "null", '{"version":1}', '{"version":1,"bundle":1,"cgroups":"x"}']) {
    test.skipIf(runtimeName !== "pivot")(
      `a state.json of ${JSON.stringify(text)} is cleared by delete --force`,
      () => {
        const { id } = ground.create();
        const cgroups = cgroupsNamed(ground.tag).filter((path) => !path.endsWith("-lasting"));
        unlinkSync(`${ground.root}/${id}/delete.plan`);
        writeFileSync(`${ground.root}/${id}/state.json`, text);
        ground.ok(["list"]);
        ground.ok(["delete", "--force", id]);
        ground.refused(["state", id]);
        for (const path of cgroups.reverse()) rmdirSync(path); // nothing says any more whose they are
      },
    );
  }
});
