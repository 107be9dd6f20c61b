// What `state` says of a container, and what `kill` does with names and numbers of signals.

import { describe, expect } from "bun:test";
import { copyFileSync, readFileSync, readlinkSync } from "node:fs";
import { patience } from "../patience.ts";
import { compileC } from "../pivot.ts";
import { isAlive, OciGround, textOf } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

/** Says which signal it got, and ends by TERM, INT, HUP or KILL alone. */
const listener =
  'for s in USR1 USR2 WINCH; do trap "echo $s" $s; done; ' +
  'for s in TERM INT HUP; do trap "echo $s; exit" $s; done; echo ready; while :; do sleep 0.02; done';

describe.skipIf(whyNot !== undefined)(title("state and kill"), () => {
  const ground = new OciGround("state");
  const listening = async () => {
    const container = ground.start((config) => {
      config.process["args"] = ["/bin/sh", "-c", listener];
    });
    await textOf(container.out, /ready\n/);
    return container;
  };

  demand("of a created container: version, id, status, pid, bundle, annotations", () => {
    const { id, bundle } = ground.create((config) => {
      config.annotations = { "com.example.key": "a value", empty: "" };
    });
    const { pid = 0, ociVersion, ...rest } = ground.state(id);
    expect(ociVersion).toMatch(/^1\.\d+\.\d+(-.+)?$/);
    expect(rest).toMatchObject({ id, status: "created", bundle });
    expect(rest.annotations).toMatchObject({ "com.example.key": "a value", empty: "" });
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^NSpid:\s+\d+\s+1$/m);
  });

  demand("of a running, a paused, a stopped container", async () => {
    const { id, pid } = ground.start();
    expect(ground.state(id)).toMatchObject({ status: "running", pid });
    expect(readlinkSync(`/proc/${pid}/exe`)).toEndWith("/bin/busybox");
    ground.ok(["pause", id]);
    expect(ground.state(id)).toMatchObject({ status: "paused", pid });
    ground.ok(["resume", id]);
    expect(ground.state(id)).toMatchObject({ status: "running", pid });
    ground.ok(["kill", id, "KILL"]);
    const { pid: last = 0 } = await ground.until(id, "stopped");
    expect(last).toBe(0);
  });

  demand("the bundle is an absolute path, however it was given", () => {
    const id = ground.id();
    const bundle = ground.bundle();
    const cwd = ground.directory;
    ground.ok(["create", "--bundle", bundle.slice(cwd.length + 1), id], { cwd });
    expect(ground.state(id).bundle).toBe(bundle);
  });

  demand(
    "a process that has died unseen is told as stopped, also when it is a zombie",
    async () => {
      const { id, pid } = ground.start();
      process.kill(pid, "SIGKILL");
      await ground.until(id, "stopped");
    },
  );

  demand("state is JSON, and one object alone", () => {
    const { id } = ground.create();
    const { stdout, stderr } = ground.ok(["state", id]);
    expect(stderr).toBe("");
    expect(Object.keys(JSON.parse(stdout) as object)).toContain("ociVersion");
  });

  for (const signal of ["TERM", "SIGTERM", "15"]) {
    demand(`kill ${signal}`, async () => {
      const { id, out } = await listening();
      ground.ok(["kill", id, signal]);
      expect(await textOf(out, /ready\n.*\n/)).toBe("ready\nTERM\n");
      await ground.until(id, "stopped");
    });
  }

  demand("kill without a signal sends TERM", async () => {
    const { id, out } = await listening();
    ground.ok(["kill", id]);
    expect(await textOf(out, /ready\n.*\n/)).toBe("ready\nTERM\n");
  });

  demand("kill of signals that do not end it: USR1, 12, SIGWINCH", async () => {
    const { id, out } = await listening();
    let heard = "ready\n";
    for (const [signal, name] of [
      ["USR1", "USR1"],
      ["12", "USR2"],
      ["SIGWINCH", "WINCH"],
    ] as const) {
      ground.ok(["kill", id, signal]);
      heard += `${name}\n`;
      expect(await textOf(out, new RegExp(`${name}\n`))).toBe(heard);
    }
    expect(ground.state(id).status).toBe("running");
  });

  demand("kill of 0 asks whether there is a process", async () => {
    const { id } = ground.start();
    ground.ok(["kill", id, "0"]);
    ground.ok(["kill", id, "KILL"]);
    await ground.until(id, "stopped");
    ground.refused(["kill", id, "0"]);
  });

  demand("a real-time signal by its number", () => {
    const { id } = ground.start();
    ground.ok(["kill", id, "34"]);
  });

  for (const signal of ["NOSUCH", "SIGNOSUCH", "-1", "65", "1000", "9x"]) {
    demand(`kill of the signal ${JSON.stringify(signal)} is an error, and nothing ends`, () => {
      const { id, pid } = ground.lasting();
      const called = ground.call(["kill", id, signal]);
      expect(called.code).not.toBe(0);
      expect(isAlive(pid)).toBe(true);
      expect(ground.state(id).status).toBe("running");
    });
  }

  demand("kill reaches the first process alone", async () => {
    const { id, out } = ground.start((config) => {
      config.process["args"] = ["/bin/sh", "-c", `(${listener}) & wait`];
    });
    await textOf(out, /ready\n/);
    ground.ok(["kill", id, "USR1"]);
    await Bun.sleep(100);
    expect(await textOf(out)).toBe("ready\n");
  });

  demand("kill --all reaches every process", async () => {
    const { id, out } = ground.start((config) => {
      const script = `trap 'echo first' USR1; (${listener}) & while :; do wait; done`;
      config.process["args"] = ["/bin/sh", "-c", script];
    });
    await textOf(out, /ready\n/);
    ground.ok(["kill", "--all", id, "USR1"]);
    await textOf(out, /USR1\n/);
    await textOf(out, /first\n/);
  });

  demand(
    "kill --all reaches processes that are forked meanwhile",
    async () => {
      copyFileSync(compileC("oci/hop.c"), `${ground.rootfs}/hop`);
      const { id, out } = ground.start((config) => {
        config.process["args"] = ["/hop"];
      });
      await textOf(out, /hops\n/);
      // By the word of version 1's freezer, which may come late when a machine forks a lot.
      ground.ok(["kill", "--all", id, "TERM"], { timeout: 30_000 });
      await textOf(out, /alone\n/);
      expect(ground.state(id).status).toBe("running");
    },
    120_000,
  );

  demand("kill --all of a paused container leaves it paused", async () => {
    const { id } = ground.start();
    ground.ok(["pause", id]);
    ground.ok(["kill", "--all", id, "USR1"]);
    expect(ground.state(id).status).toBe("paused");
    ground.ok(["resume", id]);
    await ground.until(id, "running");
  });

  demand("kill --all KILL ends a container that has the host's pid namespace", async () => {
    const { id, pid, out } = ground.start((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
      config.process["args"] = ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"];
    });
    const second = Number(await textOf(out, /\n/));
    expect([isAlive(pid), isAlive(second)]).toEqual([true, true]);
    ground.ok(["kill", "--all", id, "KILL"]);
    await ground.until(id, "stopped");
    // It has been told; the kernel ends it in its own time.
    for (let i = 0; i < 50 * patience && isAlive(second); i++) await Bun.sleep(10);
    expect([isAlive(pid), isAlive(second)]).toEqual([false, false]);
    ground.ok(["delete", id]);
  });

  demand(
    "delete clears the processes that a dead first one left in the host's pid namespace",
    async () => {
      const { id, out } = ground.start((config) => {
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
        config.process["args"] = ["/bin/sh", "-c", "sleep 1000 & echo $!"];
      });
      const second = Number(await textOf(out, /\n/));
      await ground.until(id, "stopped");
      const { code, stderr } = ground.call(["delete", "--force", id]);
      expect([stderr, code]).toEqual(["", 0]);
      for (let i = 0; i < 50 * patience && isAlive(second); i++) await Bun.sleep(10);
      expect(isAlive(second)).toBe(false);
    },
  );

  demand("a paused container can be killed: it ends when it is resumed, or at once", async () => {
    const { id } = ground.start();
    ground.ok(["pause", id]);
    ground.ok(["kill", id, "KILL"]);
    ground.call(["resume", id]);
    await ground.until(id, "stopped");
  });
});
