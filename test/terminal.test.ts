// A container with a terminal, driven through a pseudo-terminal as a person would at a keyboard.

import { afterAll, describe, expect, test } from "bun:test";
import { Ground, pivotPath, probeProgram, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";
import type { Sight } from "./sight.ts";

const ground = new Ground("terminal");

const run = (...words: string[]): string[] => [
  pivotPath,
  ...ground.roots(),
  "run",
  "--rm",
  ...words,
];
const shell = (...flags: string[]): string[] => run(...flags, "-e", "PS1=> ", "busybox", "sh");

describe.skipIf(whyNot !== undefined)(`terminals (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());
  ground.shell([], "true"); // the image

  test("-it: a shell with a prompt, an echo, and the code of its end", async () => {
    const session = new Session(shell("-it"));
    await session.until(/> $/);
    session.type("echo $((6*7)); tty\n");
    expect(await session.until(/> $/)).toBe("echo $((6*7)); tty\r\n42\r\n/dev/pts/0\r\n> ");
    session.type("exit 5\n");
    expect(await session.end()).toBe(5);
  });

  test("the terminal is the container's own, controls its session, and has the caller's size", async () => {
    const probe = `${probeProgram()}:/probe`;
    const session = new Session(
      run(
        "-it",
        "-v",
        probe,
        "busybox",
        "sh",
        "-c",
        "/probe >/tmp/p; cat /tmp/p | base64 | tr -d '\\n'; echo",
      ),
      101,
      37,
    );
    const text = await session.until(/[\w+/=]{1000,}\r\n/);
    expect(await session.end()).toBe(0);
    const sight = JSON.parse(Buffer.from(text.trim(), "base64").toString()) as Sight;
    expect(sight.terminal).toMatchObject({ in: 1, err: 1, rows: 37, columns: 101 });
    expect(sight.controllingTerminal).toBe(1);
    expect(sight.fds["0"]?.target).toBe("/dev/pts/0");
    expect(sight.env).toContain("TERM=xterm");
    const { major, minor, mode } = sight.devices["/dev/console"] ?? {};
    expect({ major, minor, mode }).toMatchObject({ major: 136, minor: 0 });
    expect(sight.devices["/dev/pts/0"]?.ino).toBe(sight.devices["/dev/console"]?.ino ?? -1);
  });

  test("a new size of the window is seen inside at once, with SIGWINCH", async () => {
    const script = "stty size; trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.05; done";
    const session = new Session(run("-it", "busybox", "sh", "-c", script), 80, 24);
    expect(await session.until(/up\r\n/)).toBe("24 80\r\nup\r\n");
    session.resize(132, 50);
    await session.until(/50 132\r\n/);
    expect(await session.end()).toBe(0);
  });

  test("job control: ^Z stops, jobs lists, fg goes on, ^C ends", async () => {
    const session = new Session(shell("-it"));
    await session.until(/> $/);
    session.type("sleep 100\n");
    await session.until(/sleep 100\r\n/);
    await Bun.sleep(150);
    session.type("\x1a");
    await session.until(/Stopped.*\r\n> $/);
    session.type("jobs\n");
    expect(await session.until(/Stopped[^\n]*sleep 100\r\n> $/)).toContain("[1]");
    session.type("fg\n");
    await session.until(/fg\r\nsleep 100\r\n/);
    await Bun.sleep(150);
    session.type("\x03");
    await session.until(/> $/);
    session.type("echo $?\n");
    expect(await session.until(/\d+\r\n> $/)).toContain("130\r\n");
    session.type("\x04");
    expect(await session.end()).toBe(0);
  });

  test("^C, ^\\ and ^Z reach the container as keys: pivot itself neither ends nor stops", async () => {
    const session = new Session(
      run(
        "-it",
        "busybox",
        "sh",
        "-c",
        "trap 'echo int' INT; trap 'echo quit' QUIT; echo up; while :; do sleep 0.05; done",
      ),
    );
    await session.until(/up\r\n/);
    session.type("\x03");
    await session.until(/int\r\n/);
    session.type("\x1c");
    await session.until(/quit\r\n/);
    session.signal("SIGKILL");
    expect(await session.end()).not.toBe(0);
    ground.pivot(["system", "prune", "-f"]);
  });

  test("with --init the program has the foreground, and ^C reaches it once", async () => {
    const session = new Session(shell("-it", "--init"));
    await session.until(/> $/);
    session.type("trap 'echo caught' INT\n");
    await session.until(/> $/);
    session.type("\x03");
    await session.until(/> $/);
    session.type("exit 4\n");
    expect(await session.end()).toBe(4);
  });

  test("the caller's terminal is raw meanwhile, and afterwards as it was", async () => {
    const words = run("-it", "busybox", "sh", "-c", "echo up; read x; exit 3")
      .map((each) => `'${each}'`)
      .join(" ");
    const host = `stty -a | md5sum; ${words}; echo code $?; stty -a | md5sum; echo $(tty)`;
    const session = new Session(["sh", "-c", host]);
    const [before] = (await session.until(/up\r\n/)).split(" ");
    const raw = ground.command(["stty", "-a", "-F", `/proc/${session.pid}/fd/0`]).stdout;
    expect(raw).toContain("-icanon");
    expect(raw).toContain("-isig");
    expect(raw).toContain("-echo ");
    session.type("\n");
    const after = await session.until(/code 3\r\n(\S+) /);
    expect(after.trim().split(/\s+/).at(-1)).toBe(before ?? "none");
    expect(await session.end()).toBe(0);
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    test(`after ${signal} the caller's terminal is as it was`, async () => {
      const words = run("-it", "--init", "busybox", "sh", "-c", "echo up; sleep 50")
        .map((each) => `'${each}'`)
        .join(" ");
      const session = new Session(["sh", "-c", `stty -a | md5sum; ${words}; stty -a | md5sum`]);
      const [before] = (await session.until(/up\r\n/)).split(" ");
      const pivot = ground.command(["pgrep", "-P", String(session.pid)]).stdout.trim();
      process.kill(Number(pivot), signal);
      const after = await session.until(/[0-9a-f]{32} /);
      expect(after.trim().split(/\s+/).at(-1)).toBe(before ?? "none");
      await session.end();
    });
  }

  test("10 000 lines come out complete and in order", async () => {
    const session = new Session(run("-it", "busybox", "seq", "10000"));
    expect(await session.end()).toBe(0);
    const lines = Array.from({ length: 10_000 }, (_, i) => `${i + 1}\r\n`).join("");
    expect(session.screen).toBe(lines);
  });

  test("-t without -i: output at a terminal, nothing to read", async () => {
    const session = new Session(
      run("-t", "busybox", "sh", "-c", "test -t 1 && echo at a terminal"),
    );
    expect(await session.end()).toBe(0);
    // The caller's own terminal makes the line's end complete once more.
    expect(session.screen).toBe("at a terminal\r\r\n");
  });

  test("-t into a pipe: the container has a terminal, the pipe gets its bytes", () => {
    const ran = ground.run([
      "-t",
      "busybox",
      "sh",
      "-c",
      "test -t 0 && tty; test -t 2 && echo two",
    ]);
    expect(ran).toMatchObject({ code: 0, stdout: "/dev/pts/0\r\ntwo\r\n", stderr: "" });
  });

  test("-i without -t at a terminal: no terminal inside, keys arrive by the line", async () => {
    const session = new Session(run("-i", "busybox", "sh", "-c", "test -t 0 || echo none; cat"));
    await session.until(/none\r\n/);
    session.type("hello\n\x04");
    expect(await session.end()).toBe(0);
    expect(session.screen).toBe("hello\r\nhello\r\n");
  });

  test("without -t no terminal of the caller can be reached from inside", async () => {
    const attempts = ["tiocsti", "tiocsti-high", "tioclinux"];
    const words = run("-i", "-v", `${probeProgram()}:/probe`, "busybox", "sh", "-c");
    const script = `/probe ${attempts.join(" ")} | base64 | tr -d '\\n'; echo`;
    const session = new Session([...words, script]);
    const text = await session.until(/[\w+/=]{1000,}\r\n/);
    expect(await session.end()).toBe(0);
    const sight = JSON.parse(Buffer.from(text.trim(), "base64").toString()) as Sight;
    expect(sight.controllingTerminal).toBe(0);
    expect(sight.terminal).toMatchObject({ in: 0, out: 0, err: 0 });
    for (const each of attempts) expect(sight.attempts[each]?.errno).toBeString();
  });

  test("when the caller's terminal goes away the container's does, and its shell ends", async () => {
    const session = new Session(shell("-it"));
    await session.until(/> $/);
    session.hangUp();
    const code = await session.end(2000);
    const killed = ground.pivot(["system", "prune", "-f"]).stdout;
    expect({ code, killed }).not.toEqual({ code: 137, killed: expect.stringContaining("Deleted") });
    await ground.expectNothingLeft();
  });

  test("-it without a terminal is refused in one line", () => {
    const ran = ground.run(["-it", "busybox", "true"], { input: "" });
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toStartWith(
      "pivot: -it: standard input is no terminal: leave -t out, or use `script`\n",
    );
  });

  test("a user that is not root can open its own terminal", async () => {
    const script =
      "echo a >/dev/pts/0; echo b >/dev/stdout; echo c >/dev/tty; echo d >/dev/console";
    const session = new Session(run("-it", "-u", "daemon", "busybox", "sh", "-c", script));
    expect(await session.end()).toBe(0);
    expect(session.screen).toBe("a\r\nb\r\nc\r\nd\r\n");
  });
});
