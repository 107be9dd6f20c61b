// How a container ends: exit codes, signals passed on, process 1, and what stays of it by name.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Ground, type Ran, type Running, whyNot } from "./pivot.ts";

const ground = new Ground("lifecycle");

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until pivot has ended; its exit code, or the signal that ended it. */
async function endOf({ process }: Running): Promise<number | string | null> {
  for (let i = 0; i < 500 && process.exitCode === null && process.signalCode === null; i++) {
    await wait(10);
  }
  return process.exitCode ?? process.signalCode;
}

/** The lines that a background container says from now on. */
function listen({ process }: Running): () => string {
  let said = "";
  process.stdout?.on("data", (bytes) => {
    said += bytes;
  });
  return () => said;
}

const sh = (script: string): string[] => ["busybox", "sh", "-c", script];

describe.skipIf(whyNot !== undefined)(`lifecycle (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const codes: readonly (readonly [title: string, words: string[], code: number, said: string])[] =
    [
      ["success is 0", ["busybox", "true"], 0, ""],
      ["the program's own code is passed on", sh("exit 42"), 42, ""],
      ["255 stays 255", sh("exit 255"), 255, ""],
      [
        "a signal to a child is the shell's 128 + n",
        sh("(sh -c 'kill -9 $$'; exit $?) 2>&-"),
        137,
        "",
      ],
      ["with --init a signal is 128 + n", ["--init", ...sh("kill -TERM $$")], 143, ""],
      ["with --init the program's own code is passed on", ["--init", ...sh("exit 7")], 7, ""],
      [
        "a program that is not there is 127",
        ["busybox", "no-such-program"],
        127,
        "ENOENT: No such file or directory; the image has no such program: no-such-program",
      ],
      [
        "a path that is not there is 127",
        ["busybox", "/no/such/program"],
        127,
        "ENOENT: No such file or directory; the image has no such program: /no/such/program",
      ],
      [
        "an empty name is 127",
        ["busybox", ""],
        127,
        "ENOENT: No such file or directory; the image has no such program: ",
      ],
      [
        "a file that may not be executed is 126",
        ["busybox", "/etc/passwd"],
        126,
        "EACCES: Permission denied; it is no regular file, or nobody may execute it",
      ],
      [
        "a directory is 126",
        ["busybox", "/etc"],
        126,
        "EACCES: Permission denied; it is no regular file, or nobody may execute it",
      ],
      [
        "with --init a program that is not there is 127, too",
        ["--init", "busybox", "no-such-program"],
        127,
        "ENOENT: No such file or directory; the image has no such program: no-such-program",
      ],
    ];
  for (const [title, words, code, said] of codes) {
    test(title, () => {
      const ran = ground.run(words);
      expect(ran).toMatchObject({ code, stdout: "" });
      const line =
        /^pivot: cannot execute [^\n]* \(step \d+ of \d+, exec argv=\[[^\n]*\]\): (.*)\n$/;
      expect(said === "" ? ran.stderr : (line.exec(ran.stderr)?.[1] ?? ran.stderr)).toBe(said);
    });
  }

  test("a text without #! is 126", () => {
    const text = `${ground.directory}/text`;
    writeFileSync(text, "echo hi\n", { mode: 0o755 });
    const ran = ground.run(["-v", `${text}:/text`, "busybox", "/text"]);
    expect(ran).toMatchObject({ code: 126, stdout: "" });
    expect(ran.stderr).toMatch(
      /^pivot: cannot execute \/text [^\n]*ENOEXEC[^\n]*a script without #!\n$/,
    );
  });

  test("of several directories in PATH the first with the program is taken", () => {
    const ran = ground.run(["-e", "PATH=/nowhere::/bin", "-w", "/usr", "busybox", "pwd"]);
    expect(ran).toMatchObject({ code: 0, stdout: "/usr\n", stderr: "" });
  });

  for (const signal of ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "WINCH"] as const) {
    test(`SIG${signal} to pivot is passed on`, async () => {
      const script = `trap 'echo got; exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`;
      const running = await ground.start([], sh(script));
      const said = listen(running);
      running.process.kill(`SIG${signal}`);
      expect(await endOf(running)).toBe(9);
      expect(said()).toBe("got\n");
    });
  }

  test("--sig-proxy=false: a signal ends the container, which does not see it", async () => {
    const script = "trap 'echo got' TERM; echo ready; while :; do sleep 0.05; done";
    const running = await ground.start(["--sig-proxy=false"], sh(script));
    const said = listen(running);
    running.process.kill("SIGTERM");
    expect(await endOf(running)).toBe(137);
    expect(said()).toBe("");
  });

  test("when process 1 is killed the code is 137, and all others end with it", async () => {
    const running = await ground.start([], sh("sleep 500 & echo ready; wait"));
    process.kill(running.pid, "SIGKILL");
    expect(await endOf(running)).toBe(137);
  });

  test("without --init a program is process 1 itself", () => {
    expect(ground.shell([], "echo $$")).toBe("1");
  });

  test("with --init process 1 is pivot-init, which shows nothing of the host", () => {
    const script = "echo $$; cat /proc/1/comm; tr '\\0' ' ' </proc/1/cmdline; cat /proc/1/environ";
    const { stdout, stderr } = ground.run(["--init", ...sh(script)]);
    const [pid, comm, ...rest] = stdout.split("\n");
    expect([pid, comm]).toEqual(["2", "pivot-init"]);
    expect(stderr).toMatch(/\/proc\/1\/environ'?: Permission denied/);
    expect(rest.join("\n")).not.toContain("/build/");
  });

  test("with --init orphans are reaped, without it the program has to", async () => {
    const orphans = "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; sleep 0.3; exec 2>/dev/null;";
    const count = `${orphans} grep -l '^State:.Z' /proc/[0-9]*/status | wc -l`;
    expect(ground.shell(["--init"], count)).toBe("0");
    // exec: a shell would reap, sleep does not.
    const running = await ground.start([], sh("(sleep 0.05 &); echo ready; exec sleep 100"));
    await wait(300);
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "utf8");
    const states = children
      .trim()
      .split(" ")
      .map((pid) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1]);
    expect(states).toEqual(["Z"]);
    await running.stop();
  });

  test("with --init a signal reaches the program, and its group is its own", async () => {
    const script = "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    const running = await ground.start(["--init"], sh(script));
    const said = listen(running);
    running.process.kill("SIGTERM");
    expect(await endOf(running)).toBe(3);
    expect(said()).toBe("got\n");
  });

  test("a name is taken once: the second is told so, the first does not notice", async () => {
    const running = await ground.start([]);
    const ran: Ran = ground.run(["--name", running.name, "busybox", "true"]);
    expect(existsSync(`/proc/${running.pid}`)).toBeTrue();
    expect(existsSync(`${ground.stateOf(running)}/state.json`)).toBeTrue();
    await running.stop();
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toContain(`the container name "/${running.name}" is already in use by`);
    await ground.expectNothingLeft();
    expect(ground.run(["--name", running.name, "busybox", "true"]).code).toBe(0);
  });

  test("without --rm its code and layer stay until it is removed", async () => {
    const ran = ground.pivot(["run", "--name", "kept", ...sh("echo here >/file; exit 6")]);
    expect(ran.code).toBe(6);
    const { stdout } = ground.pivot(["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Status}}"]);
    const [, id = "", status] = /^(\w+) (.*)\n$/.exec(stdout) ?? [];
    expect(status).toMatch(/^Exited \(6\) /);
    expect(readFileSync(`${ground.root}/containers/${id}/exit`, "utf8")).toBe("6");
    expect(readFileSync(`${ground.root}/containers/${id}/upper/file`, "utf8")).toBe("here\n");
    const removed = ground.pivot(["rm", "kept"]);
    expect(removed).toMatchObject({ code: 0, stdout: "kept\n", stderr: "" });
    await ground.expectNothingLeft();
  });

  test("a container that could not start is as if it never had been", async () => {
    expect(ground.pivot(["run", "--name", "never", "busybox", "no-such-program"]).code).toBe(127);
    const { stdout } = ground.pivot(["ps", "-a", "--format", "{{.Names}} {{.Status}}"]);
    expect(stdout).toBe("never Created\n");
    expect(readdirSync(ground.runRoot).sort()).toEqual(["events", "names"]);
    expect(ground.pivot(["rm", "never"]).code).toBe(0);
    await ground.expectNothingLeft();
  });
});
