// The state machine of runtime.md: what each command may be given when, and what it does to it.

import { describe, expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { isAlive, OciGround, textOf } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("lifecycle"), () => {
  const ground = new OciGround("lifecycle");

  demand(
    "create, start, end, delete: creating nothing that start should, and leaving nothing",
    async () => {
      const out = ground.path("out");
      const { id, pid } = ground.create(
        (config) => {
          config.process["args"] = ["/bin/sh", "-c", "echo begun >/tmp/begun; echo said"];
        },
        ["--pid-file", out],
      );
      expect(readFileSync(out, "utf8")).toBe(String(pid));
      expect(existsSync(`${ground.rootfs}/tmp/begun`)).toBe(false);
      expect(ground.state(id).status).toBe("created");
      ground.ok(["start", id]);
      await ground.until(id, "stopped");
      expect(existsSync(`${ground.rootfs}/tmp/begun`)).toBe(true);
      ground.ok(["delete", id]);
      await ground.expectNothingLeft();
    },
  );

  demand("create, start, kill and delete say nothing when all is well", () => {
    const id = ground.id();
    const quiet = { code: 0, stdout: "", stderr: "" };
    expect(ground.call(["create", "--bundle", ground.bundle(), id])).toMatchObject(quiet);
    expect(ground.call(["start", id])).toMatchObject(quiet);
    expect(ground.call(["kill", id, "KILL"])).toMatchObject(quiet);
    expect(ground.call(["delete", "--force", id])).toMatchObject(quiet);
  });

  demand("start twice is an error, and the container runs on", () => {
    const { id, pid } = ground.start();
    ground.refused(["start", id]);
    expect(ground.state(id)).toMatchObject({ status: "running", pid });
  });

  demand("start of a stopped container is an error", async () => {
    const { id } = await ground.stopped();
    ground.refused(["start", id]);
    expect(ground.state(id).status).toBe("stopped");
  });

  demand("kill of a stopped container is an error", async () => {
    const { id } = await ground.stopped();
    ground.refused(["kill", id, "TERM"]);
    expect(ground.state(id).status).toBe("stopped");
  });

  demand("kill of a created container reaches its process", async () => {
    const { id } = ground.create();
    ground.ok(["kill", id, "KILL"]);
    await ground.until(id, "stopped");
    ground.ok(["delete", id]);
  });

  demand("delete of a running container is an error, and it runs on", () => {
    const { id, pid } = ground.start();
    ground.refused(["delete", id]);
    expect(ground.state(id)).toMatchObject({ status: "running", pid });
    expect(isAlive(pid)).toBe(true);
  });

  demand("delete of a created container ends it", async () => {
    const { id, pid } = ground.create();
    ground.ok(["delete", id]);
    expect(isAlive(pid)).toBe(false);
    await ground.expectNothingLeft();
  });

  for (const flags of [[], ["--force"]]) {
    demand(
      `${["delete", ...flags].join(" ")} of several containers takes all of them away`,
      async () => {
        const ids = Array.from({ length: 5 }, () => ground.create().id);
        ground.ok(["delete", ...flags, ...ids]);
        await ground.expectNothingLeft();
      },
    );
  }

  for (const how of ["created", "running", "paused", "stopped"] as const) {
    demand(`delete --force of a ${how} container takes everything away`, async () => {
      const { id, pid } =
        how === "stopped"
          ? await ground.stopped()
          : how === "created"
            ? ground.create()
            : ground.start();
      if (how === "paused") ground.ok(["pause", id]);
      ground.ok(["delete", "--force", id]);
      expect(isAlive(pid)).toBe(false);
      await ground.expectNothingLeft();
    });
  }

  demand("delete --force of what is already gone, or never was, exits 0", async () => {
    const { id } = await ground.stopped();
    ground.ok(["delete", id]);
    expect(ground.call(["delete", "--force", id]).code).toBe(0);
    expect(ground.call(["delete", "--force", `${ground.tag}-never`]).code).toBe(0);
  });

  const commands = "state start delete pause resume ps".split(" ");
  const ofNothing = (words: readonly string[]): string => {
    const line = ground.refused(words);
    expect(line).toMatch(/nobody-knows-it|does not exist|not found/);
    return line;
  };

  demand("each command for what is not there is an error", () => {
    for (const command of commands) ofNothing([command, "nobody-knows-it"]);
    ofNothing(["kill", "nobody-knows-it", "KILL"]);
    ofNothing(["exec", "nobody-knows-it", "true"]);
    ofNothing(["update", "--memory", "67108864", "nobody-knows-it"]);
  });

  demand("events for what is not there is an error", () => {
    ofNothing(["events", "--stats", "nobody-knows-it"]);
  });

  demand("the error for what is not there names it", () => {
    for (const command of commands) {
      expect(ofNothing([command, "nobody-knows-it"])).toContain("nobody-knows-it");
    }
  });

  demand("a command without an id, or with one too many, is an error", () => {
    for (const command of commands) expect(ground.call([command]).code).not.toBe(0);
    for (const command of ["state", "start"]) {
      expect(ground.call([command, "one", "two"]).code).not.toBe(0);
    }
  });

  demand("an unknown command or flag is an error that names it", () => {
    const unknown = ground.call(["frobnicate"]);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stdout + unknown.stderr).toContain("frobnicate");
    const flag = ground.call(["state", "--frobnicate", "one"]);
    expect(flag.code).not.toBe(0);
    expect(flag.stdout + flag.stderr).toContain("frobnicate");
  });

  demand("the root may be deleted from under a container that has ended", async () => {
    const { id, bundle } = await ground.stopped();
    await Bun.$`rm -r ${bundle}`.quiet();
    expect(ground.state(id).status).toBe("stopped");
    ground.ok(["delete", id]);
  });

  demand("a container lives on config.json as it was at create", async () => {
    const container = ground.create((config) => {
      config.process["args"] = ["/bin/echo", "as it was"];
      config.annotations = { colour: "red" };
    });
    await Bun.write(`${container.bundle}/config.json`, "{");
    ground.ok(["start", container.id]);
    expect(await textOf(container.out)).toBe("as it was\n");
    expect(ground.state(container.id).annotations).toMatchObject({ colour: "red" });
  });

  demand("run passes on output and code, and deletes the container", async () => {
    const called = ground.run((config) => {
      config.process["args"] = ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"];
    });
    expect(called).toMatchObject({ code: 7, stdout: "out\n", stderr: "err\n" });
    await ground.expectNothingLeft();
  });

  demand("run tells a death by a signal as 128 and its number", () => {
    const id = ground.id();
    const bundle = ground.bundle();
    const pid = `${ground.directory}/run-pid`;
    const script = `"$@" & until [ -s ${pid} ]; do sleep 0.05; done; sleep 0.3; kill -9 $(cat ${pid}); wait $!; echo $?`;
    const flags = ["run", "--pid-file", pid, "--bundle", bundle];
    const killed = ground.call([...flags, id], { before: ["sh", "-c", script, "sh"] });
    expect(killed.stdout).toBe("137\n");
  });

  demand("run --detach leaves a running container and says nothing", async () => {
    const id = ground.id();
    const bundle = ground.bundle();
    const called = ground.call(["run", "--detach", "--bundle", bundle, id]);
    expect(called).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(ground.state(id).status).toBe("running");
  });

  demand("run --keep leaves the container stopped", async () => {
    const id = ground.id();
    const bundle = ground.bundle((config) => {
      config.process["args"] = ["/bin/true"];
    });
    ground.ok(["run", "--keep", "--bundle", bundle, id]);
    expect(ground.state(id).status).toBe("stopped");
    ground.ok(["delete", id]);
  });

  demand("many at once: 8 containers made and removed in parallel", async () => {
    const ids = Array.from({ length: 8 }, () => ground.id());
    const bundles = ids.map(() => ground.bundle());
    const script = `for n in 0 1 2 3 4 5 6 7; do eval "b=\\$B$n i=\\$I$n"
      ( "$@" run --detach --bundle $b $i && "$@" delete --force $i || echo failed ) & done; wait`;
    const env: Record<string, string> = { PATH: process.env["PATH"] ?? "" };
    for (const [n, id] of ids.entries()) {
      env[`I${n}`] = id;
      env[`B${n}`] = bundles[n] ?? "";
    }
    const called = ground.call([], { before: ["sh", "-c", script, "sh"], env });
    expect(called).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await ground.expectNothingLeft();
  });
});
