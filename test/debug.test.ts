// `pivot debug`: stops, tables, shells, records; and that nothing stays, however it is left.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

// Real containers, on machines that have other things to do as well.
setDefaultTimeout(30_000 * patience);

const ground = new Ground("debug");
afterAll(() => ground.close());

const debug = (lines: readonly string[], ...words: string[]): Ran =>
  ground.pivot(["debug", ...words], { input: lines.map((line) => `${line}\n`).join("") });

/** The number of the first step of an operation, in the plan of these words. */
function stepOf(operation: string, ...words: string[]): number {
  const { stdout } = ground.pivot(["plan", "--format", "json", "--rm", ...words]);
  const { steps } = JSON.parse(stdout) as { steps: { op: { op: string } }[] };
  return steps.findIndex(({ op }) => op.op === operation) + 1;
}

describe.skipIf(whyNot !== undefined)(`debug (${whyNot ?? "as root"})`, () => {
  test("goes to a breakpoint, shows what a step did to the mounts, and runs to the end", () => {
    const number = stepOf("pivot_root", "busybox", "echo", "hello");
    const lines = ["break pivot_root", "continue", "step", "step", "delete", "continue"];
    const { code, stdout, stderr } = debug(lines, "--rm", "busybox", "echo", "hello");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`-> +${number}  init    make the new root /\n`));
    // By pivot_root the new root gets its place, by umount the old one goes.
    const [, moved = "", gone = ""] = stdout.split("mounts of init:");
    expect(moved).toMatch(/~ \d+ +\d+ +\/ +overlay/);
    expect(gone).toMatch(/- \d+ +\d+ +\/ +\w+ +rw/);
    expect(stdout).toEndWith("hello\n");
  });

  test("several lines pasted at a terminal are done one after the other", async () => {
    const words = [pivotPath, ...ground.roots(), "debug", "--rm", "busybox", "true"];
    const session = new Session(words, 100, 40);
    await session.until(/\(pivot\) $/);
    session.type("b pivot_root\rc\rs\rqu");
    // What was begun stands at the prompt, to be ended by hand.
    await session.until(
      /make the new root[^]*mounts of init:[^]*take the mount \. away\r\n\(pivot\) qu$/,
      10,
    );
    session.type("it\r");
    expect(await session.end()).toBe(0);
    await ground.expectNothingLeft();
  });

  test("shells: inside they are where init is, on the parent's side on the host", () => {
    const host = readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
    const lines = [
      "shell hostname",
      "break pivot_root",
      "c",
      "shell hostname; cat /proc/1/comm; test -e /etc/hosts && echo half",
      "shell parent hostname",
      "shell",
      "quit",
    ];
    const { code, stdout } = debug(lines, "--hostname", "half-made", "busybox", "true");
    expect(code).toBe(0);
    expect(stdout).toContain("there is no container yet");
    // The root is the host's copy still, and process 1 of its namespace the executor's init.
    expect(stdout).toMatch(/\nhalf-made\n\S+\nhalf\n/);
    expect(stdout).toContain(`\n${host}\n`);
    expect(stdout).toContain("a shell needs a terminal");
  });

  test("all of a step, the plan around it, descriptors, and what is no command", () => {
    const lines = [
      "n",
      "print",
      "p clone",
      "p 2",
      "list 1",
      "fds parent",
      "mounts parent",
      "frobnicate",
      "b nothing",
      "b 9999",
      "b setns",
      "step x",
      "help",
    ];
    const { code, stdout } = debug(lines, "busybox", "true");
    expect(code).toBe(0);
    expect(stdout).toContain("clone: Start the container's first process");
    expect(stdout).toContain("system calls: clone3; see clone(2)");
    expect(stdout).toMatch(/undone by \w+/);
    expect(stdout).toContain("kept by the plan:");
    expect(stdout).toMatch(/parent \(\d+\)\n +ID +PARENT/);
    expect(stdout).toContain('what is "frobnicate"?');
    expect(stdout).toContain("there is no operation nothing");
    expect(stdout).toContain("there is no step 9999");
    expect(stdout).toContain("no step of this plan is a setns");
    expect(stdout).toContain('step takes a number, received "x"');
    expect(stdout).toContain("quit, q");
  });

  test("up to the program without a filter; with one only to it", () => {
    const unconfined = debug(
      ["b exec", "c", "w"],
      "--security-opt",
      "seccomp=unconfined",
      "busybox",
      "true",
    );
    expect(unconfined.stdout).toMatch(/-> +\d+ {2}init {4}execute true\n$/);
    const filtered = debug(["b exec", "b seccomp", "c", "s"], "busybox", "true");
    expect(filtered.stdout).toContain("it cannot stop before step");
    expect(filtered.stdout).toContain("under the filter, init takes no turns");
  });

  test("the program's exit code, and the line of a step that fails", () => {
    expect(debug(["c"], "busybox", "sh", "-c", "exit 7").code).toBe(7);
    const { code, stderr } = debug(["c"], "busybox", "nothing-there");
    expect(code).toBe(127);
    const number = stepOf("exec", "busybox", "nothing-there");
    expect(stderr).toContain(`(step ${number} of `);
    expect(stderr).toContain("the image has no such program: nothing-there");
  });

  test("what makes no sense is refused before anything is made", () => {
    const input = debug([], "-i", "busybox", "cat");
    expect({ code: input.code, stderr: input.stderr.split("\n")[0] }).toEqual({
      code: 125,
      stderr: "pivot: -i needs a terminal: without one, the commands come by standard input",
    });
    expect(debug([], "-d", "busybox").stderr).toContain("unknown shorthand flag: -d");
    expect(debug([]).stderr).toContain("which image?");
    expect(debug([], "--record", "/nowhere/at/all", "busybox").stderr).toContain("ENOENT");
  });

  test("a record has the kernel's tables after each step", () => {
    const file = `${ground.directory}/trace`;
    const ran = ground.pivot([
      "debug",
      "--record",
      file,
      "busybox",
      "sh",
      "-c",
      "sleep 0.3; exit 3",
    ]);
    expect({ code: ran.code, stdout: ran.stdout, stderr: ran.stderr }).toEqual({
      code: 3,
      stdout: "",
      stderr: "",
    });
    type Actor = { pid: number; mountinfo?: string } | null;
    type Line = { step: number; parent: Actor; init: Actor };
    const [head, ...rest] = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const end = rest.pop();
    const lines = rest as Line[];
    expect(end).toEqual({ end: { exitCode: 3, signal: 0, failure: null } });
    expect(head.version).toBe(1);
    const names = head.steps.map(({ op }: { op: { op: string } }) => op.op);
    const pivot = names.indexOf("pivot_root");
    const clone = names.indexOf("clone");
    expect(lines[0]).toMatchObject({ step: 0, init: null });
    expect(lines.slice(0, -1).map(({ step }) => step)).toEqual(lines.slice(0, -1).map((_, i) => i));
    expect(lines[clone]?.init).toBeNull();
    expect(lines[clone + 1]?.init?.mountinfo).toContain(" - proc ");
    // pivot_root changes the table, and the program has it at last.
    expect(lines[pivot + 1]?.init?.mountinfo).toContain("/ / rw");
    expect(lines.at(-1)?.step).toBe(names.indexOf("exec") + 1);
    expect(lines.at(-1)?.init).not.toBeNull();
  });

  for (const how of ["quit", "end of the input", "SIGTERM", "SIGKILL of the program"] as const) {
    test(`nothing stays after: ${how}`, async () => {
      const name = `left-${how.length}`;
      const child = spawn(pivotPath, [
        ...ground.roots(),
        "debug",
        "--name",
        name,
        "busybox",
        "true",
      ]);
      const closed = once(child, "close");
      let said = "";
      child.stdout.on("data", (bytes) => {
        said += bytes;
      });
      child.stdin.write("break pivot_root\ncontinue\n");
      for (let i = 0; i < 400 * patience && !said.includes("-> "); i++) await Bun.sleep(25);
      for (let i = 0; i < 400 * patience && !/-> +\d+ {2}init/.test(said); i++) await Bun.sleep(25);
      expect(existsSync(`${ground.runRoot}/names/${name}`)).toBe(true);
      const program = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
      if (how === "quit") child.stdin.write("quit\n");
      if (how === "end of the input") child.stdin.end();
      if (how === "SIGTERM") child.kill("SIGTERM");
      if (how === "SIGKILL of the program") process.kill(Number(program), "SIGKILL");
      await closed;
      await ground.expectNothingLeft();
    });
  }
});
