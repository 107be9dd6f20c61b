// `start`, `kill`, `delete` and `state` by what lies beside a container: without the program, which is in
// JavaScript. pivot's own affair, so no peer is asked.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { OciGround, textOf } from "./ground.ts";
import { runtimeName, title, whyNot } from "./runtime.ts";

const isOther = runtimeName !== "pivot";
const skipped = whyNot !== undefined || isOther;

describe.skipIf(skipped)(`${title("kept plans")}${isOther ? ": not pivot" : ""}`, () => {
  if (isOther) {
    test("pivot's own affair", () => undefined);
    return; // the ground of tests that are skipped would stay
  }
  const ground = new OciGround("kept");
  // Without `pivot-oci-program` beside it: whatever this one does, it does alone.
  const alone = `${ground.path("bin")}`;
  mkdirSync(alone);
  const launcher = `${alone}/pivot-oci`;
  copyFileSync(new URL("../../build/pivot", import.meta.url).pathname, launcher);
  chmodSync(launcher, 0o755);

  const call = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(launcher, ["--root", ground.root, ...words], {
      encoding: "utf8",
      env: {},
    });
    return { status, stdout, stderr };
  };
  const done = { status: 0, stdout: "", stderr: "" };
  const leftToProgram = { status: 125, stdout: "", stderr: expect.stringContaining("-program") };
  const directoryOf = (id: string) => `${ground.root}/${id}`;

  test("a container is started and deleted by the launcher alone", async () => {
    const { id } = ground.create((config) => {
      config.process["args"] = ["/bin/sh", "-c", "echo begun >/tmp/begun"];
    });
    expect(call("start", id)).toEqual(done);
    await ground.until(id, "stopped");
    expect(existsSync(`${ground.rootfs}/tmp/begun`)).toBe(true);
    expect(call("delete", id)).toEqual(done);
    expect(existsSync(directoryOf(id))).toBe(false);
    await ground.expectNothingLeft();
  });

  test("one that is only created is deleted, one that runs by force alone", async () => {
    const created = ground.create();
    expect(call("--log-format", "json", "delete", created.id)).toEqual(done);
    const running = ground.start();
    expect(call("delete", running.id)).toEqual(leftToProgram);
    expect(ground.state(running.id).status).toBe("running");
    expect(call("delete", running.id, "--force")).toEqual(done);
    await ground.expectNothingLeft();
  });

  test("a paused one is thawed and deleted", async () => {
    const { id } = ground.start();
    ground.ok(["pause", id]);
    expect(call("delete", "-f", id)).toEqual(done);
    await ground.expectNothingLeft();
  });

  test("a signal by its number is sent by the launcher alone, to one that runs", async () => {
    const { id, out } = ground.start((config) => {
      const script =
        "trap 'echo 10' USR1; trap 'echo 15' TERM; echo ready; while :; do sleep 0.02; done";
      config.process["args"] = ["/bin/sh", "-c", script];
    });
    await textOf(out, /ready\n/);
    for (const signal of ["10", "15"]) {
      expect(call("kill", id, signal)).toEqual(done);
      await textOf(out, new RegExp(`^${signal}$`, "m"));
    }
    expect(call("kill", id, "0")).toEqual(done);
    for (const words of [["TERM"], [], ["--all", "15"], ["099"], ["65"]]) {
      expect({ words, ...call("kill", id, ...words) }).toEqual({ words, ...leftToProgram });
    }
    expect(call("kill", id, "9")).toEqual(done);
    await ground.until(id, "stopped");
    expect(call("kill", id, "9")).toEqual(leftToProgram);
    expect(ground.refused(["kill", id, "9"])).toContain("container not running");
  });

  test("SIGKILL ends one that is paused, and one that is only created", async () => {
    const paused = ground.start();
    ground.ok(["pause", paused.id]);
    expect(call("kill", paused.id, "9")).toEqual(done);
    await ground.until(paused.id, "stopped");
    const created = ground.create();
    expect(call("kill", created.id, "9")).toEqual(done);
    await ground.until(created.id, "stopped");
  });

  test("the state is told by the launcher alone, in the program's words", async () => {
    const { id } = ground.create((config) => {
      config.annotations = { 'a "quote"': 'one\nline, %s, "status": "created"', empty: "" };
    });
    const file = `${directoryOf(id)}/state.text`;
    const expectTold = (status: string): void => {
      const told = call("state", id);
      expect(JSON.parse(told.stdout)).toMatchObject({ id, status });
      expect(told.stdout).toContain(`  "status": "${status}",\n`);
      renameSync(file, `${file}-away`);
      expect(call("state", id)).toEqual(leftToProgram);
      expect(told).toEqual({ ...done, stdout: ground.ok(["state", id]).stdout });
      renameSync(`${file}-away`, file);
    };
    expectTold("created");
    ground.ok(["start", id]);
    expectTold("running");
    ground.ok(["pause", id]);
    expectTold("paused");
    ground.ok(["resume", id]);
    expectTold("running");
    ground.ok(["kill", id, "9"]);
    await ground.until(id, "stopped");
    expectTold("stopped");
  });

  test("a state that is not whole, not ours alone, or of one that is being made is the program's", () => {
    const { id } = ground.create();
    const directory = directoryOf(id);
    const file = `${directory}/state.text`;
    const whole = readFileSync(file);
    const head = whole.indexOf(0);
    for (const size of [
      0,
      1,
      head,
      head + 1,
      head + 2,
      whole.indexOf(0, head + 1),
      whole.length - 1,
    ]) {
      writeFileSync(file, whole.subarray(0, size));
      expect({ size, ...call("state", id) }).toEqual({ size, ...leftToProgram });
    }
    writeFileSync(file, whole);
    chmodSync(file, 0o622);
    expect(call("state", id)).toEqual(leftToProgram);
    chmodSync(file, 0o600);
    writeFileSync(`${directory}/making`, "");
    expect(call("state", id)).toEqual(leftToProgram);
    rmSync(`${directory}/making`);
    renameSync(`${directory}/pid`, `${directory}/no-pid`);
    expect(call("state", id)).toEqual(leftToProgram);
    renameSync(`${directory}/no-pid`, `${directory}/pid`);
    expect(call("state", id).status).toBe(0);
  });

  test("an answer that nobody can take is told by the program", () => {
    const { id } = ground.create();
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(launcher, ["--root", ground.root, "state", id], {
      encoding: "utf8",
      stdio: ["ignore", full, "pipe"],
      env: {},
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({ status: 125, stderr: leftToProgram.stderr });
  });

  test("what is out of the ordinary is left to the program", () => {
    const { id } = ground.start();
    for (const words of [
      ["start", id], // runs already
      ["start", "none"],
      ["start", "../x"],
      ["start", id, id],
      ["start"],
      ["delete", "--wrong", id],
      ["--rootless", "false", "start", id],
      ["--log", "relative", "delete", "--force", id],
      ["--log-format", "xml", "delete", "--force", id],
      ["state", id, id],
      ["state", "none"],
    ]) {
      expect({ words, ...call(...words) }).toEqual({ words, ...leftToProgram });
    }
    expect(ground.state(id).status).toBe("running");
  });

  test("a plan that somebody else may have written is none", () => {
    const { id } = ground.create();
    const file = `${directoryOf(id)}/start.plan`;
    chmodSync(file, 0o622);
    expect(call("start", id)).toEqual(leftToProgram);
    chmodSync(file, 0o600);
    chownSync(file, 1000, 1000);
    expect(call("start", id)).toEqual(leftToProgram);
    chownSync(file, 0, 0);
    expect(call("start", id)).toEqual(done);
  });

  test("one that its writer was killed over, or of another release, is none", async () => {
    const { id } = ground.create();
    for (const [name, words, begin] of [
      ["start.plan", ["start", id], 0],
      ["kill.plan", ["kill", id, "0"], 4],
      ["kill-9.plan", ["kill", id, "9"], 0],
      ["delete.plan", ["delete", "--force", id], 0],
    ] as const) {
      const file = `${directoryOf(id)}/${name}`;
      const whole = readFileSync(file);
      const other = Buffer.from(whole);
      other.writeUInt16LE(other.readUInt16LE(begin + 6) + 1, begin + 6);
      const cuts = [0, 1, begin + 8, begin + 15, begin + 16, whole.length - 1];
      const broken = [...cuts.map((size) => whole.subarray(0, size)), other];
      for (const bytes of [...broken, Buffer.concat([whole, Buffer.alloc(1)])]) {
        writeFileSync(file, bytes);
        expect({ name, size: bytes.length, ...call(...words) }).toEqual({
          name,
          size: bytes.length,
          ...leftToProgram,
        });
      }
    }
    ground.ok(["start", id]);
    ground.ok(["kill", id, "9"]);
    ground.ok(["delete", "--force", id]);
    await ground.expectNothingLeft();
  });
});
