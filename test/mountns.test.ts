// pivot mountns: a script in the simulator, and by the kernel in namespaces that are thrown away.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { runByKernel } from "../src/mountns/kernel.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const ground = new Ground("mountns");
afterAll(() => ground.close());

const script = `# why runtimes make mounts private first
mount --make-rshared /
mkdir -p /new/old
mount --bind /new /new
pivot_root /new /new/old

mount --make-rprivate /
pivot_root /new /new/old
umount -l /old
findmnt
`;

const said = `  2  mount --make-rshared /
  3  mkdir -p /new/old
  4  mount --bind /new /new
  5  pivot_root /new /new/old
     EINVAL
     rule: The mount that holds put_old is shared: the old root would appear on its peers.
     cure: Make it private first: mount --make-private NEW_ROOT.
  7  mount --make-rprivate /
  8  pivot_root /new /new/old
  9  umount -l /old
 10  findmnt
     TARGET  SOURCE       FSTYPE  OPTIONS      PROPAGATION
     /       tmpfs[/new]  tmpfs   rw,relatime  private
`;

function descendants(pid: number): number[] {
  const { stdout } = ground.command(["ps", "-o", "pid=", "--ppid", String(pid)]);
  const children = stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function whyNoKernel(): string | undefined {
  if (whyNot !== undefined) return whyNot;
  try {
    runByKernel([[]], pivotPath);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
const noKernel = whyNoKernel();

describe.skipIf(whyNot !== undefined)(`mountns${whyNot ? `: skipped, ${whyNot}` : ""}`, () => {
  test("says of each line what comes of it", () => {
    const file = `${ground.directory}/script`;
    writeFileSync(file, script);
    expect(ground.pivot(["mountns", file])).toMatchObject({ code: 0, stdout: said, stderr: "" });
    expect(ground.pivot(["mountns", "-"], { input: script }).stdout).toBe(said);
    expect(ground.pivot(["mountns"], { input: script }).stdout).toBe(said);
  });

  test("at a terminal it says what it is, what there is to say, and how to leave", async () => {
    const session = new Session([pivotPath, "mountns"], 110, 30);
    await session.until(/nothing of this machine is changed[^]*`help`[^]*> $/);
    session.type("help\r");
    await session.until(/pivot_root NEW PUT_OLD[^]*exit, or ctrl-d[^]*> $/);
    session.type("cd /x\r");
    await session.until(/ENOENT[^]*cure: [^]*> $/);
    session.type("exit\r");
    expect(await session.end()).toBe(0);
  });

  test("for programs: a line of JSON for each", () => {
    const { stdout } = ground.pivot(["mountns", "--format", "json"], { input: "cd /x\np2: cd /" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { line: 1, text: "cd /x", process: 1, errno: "ENOENT", rule: "There is no x here." },
      { line: 2, process: 2, errno: null, rule: null, cure: null },
    ]);
    expect(lines[1]?.["table"]).toHaveLength(1);
  });

  test("begins where a process is", () => {
    const { stdout } = ground.pivot(["mountns", "--from", "self"], { input: "mount" });
    const own = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
    expect(stdout.trim().split("\n")).toHaveLength(own.length + 2);
  });

  test("other kernels", () => {
    const input =
      "mkdir /a\nmount -t tmpfs x /a\nmount --make-unbindable /a\nunshare -m --propagation unchanged\nmount";
    expect(ground.pivot(["mountns", "--linux", "6.12"], { input }).stdout).toContain(
      "unbindable\n",
    );
    expect(ground.pivot(["mountns"], { input }).stdout.split("\n").at(-2)).toEndWith("private");
  });

  for (const [words, input, stderr] of [
    [[], "muont a", "pivot: standard input, line 1: there is no command muont here, only "],
    [["/gone"], "", "pivot: cannot read /gone: ENOENT: No such file or directory\n"],
    [["--from", "/gone"], "", "pivot: cannot read /gone: ENOENT: No such file or directory\n"],
    [["--linux", "2.6"], "", "pivot: --linux takes 6.12, 6.18, 7.0, received 2.6\n"],
    [["--kernel", "--from", "self"], "", "pivot: --from is for the simulator: "],
    [["--format", "xml"], "", "pivot: --format takes text or json, "],
    [["a", "b"], "", "pivot: mountns takes one script, or none\n"],
  ] as const) {
    test(`refuses ${words.join(" ")}${input}`, () => {
      const ran = ground.pivot(["mountns", ...words], { input });
      expect(ran.code).toBe(1);
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toStartWith(stderr);
    });
  }
});

describe.skipIf(noKernel !== undefined)(
  `mountns --kernel${noKernel ? `: skipped, ${noKernel}` : ""}`,
  () => {
    test("says the same, and leaves nothing behind", () => {
      const before = readFileSync("/proc/self/mountinfo", "utf8");
      expect(ground.pivot(["mountns", "--kernel"], { input: script }).stdout).toBe(said);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
    });

    test("the rest of a line is not tried when its first call fails", () => {
      const input =
        "mount -o bind,ro /gone /new\nmkdir /new\nmount -o bind,ro /new /new\nmkdir /new/x";
      const { stdout } = ground.pivot(["mountns", "-k"], { input });
      expect(stdout).toStartWith("  1  mount -o bind,ro /gone /new\n     ENOENT\n");
      expect(stdout).toContain("mkdir /new/x\n     EROFS\n");
      expect(stdout).not.toContain("expected");
    });

    test("nothing of the host can be changed: neither its files nor its file systems", () => {
      const input = `umount -l /
nsenter -t p1 -m
umount -l /
mount -o remount,ro /
touch /x
umount /
mount -t devtmpfs dev /x
`;
      const { stdout } = ground.pivot(["mountns", "-k", "-t"], { input });
      expect(stdout).not.toContain("rootfs");
      expect(stdout).not.toContain("devtmpfs  devtmpfs");
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(" /x ");
    });

    test("killed, it takes its processes along", async () => {
      const child = spawn(pivotPath, ["mountns"], {
        argv0: "pivot-executor",
        stdio: ["pipe", "pipe", "inherit"],
      });
      const answered = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
      child.stdin.write("begin\n1\tfork\t2\n2\tunshare\t131072\n1\tmkdir\t/a\ntable\t1\n");
      // More than a buffer, so that the program writes what it has.
      child.stdin.write("table\t2\n".repeat(2000));
      await answered;
      const all = descendants(child.pid ?? 0);
      expect(all.length).toBe(2);
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await gone;
      for (let i = 0; i < 100 * patience && all.some(isAlive); i++) await Bun.sleep(20);
      expect(all.filter(isAlive)).toEqual([]);
    });

    test("the end of a terminal's input leaves the shell a line of its own", async () => {
      const session = new Session([pivotPath, "mountns"]);
      await session.until(/> $/);
      session.type("\u0004");
      expect(await session.end()).toBe(0);
      expect(session.screen).toBe("\r\n");
    });

    const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    const denied = spawnSync("setpriv", [...nobody.slice(1), "unshare", "-U", "true"]).status !== 0;
    const skipped = denied ? ": skipped, they may not make user namespaces here" : "";
    test.skipIf(denied)(`ordinary users can do it too${skipped}`, () => {
      const input = "mkdir /a\nmount -t tmpfs x /a\nunshare -rm\numount /a\n";
      const ran = ground.command([...nobody, pivotPath, "mountns", "--kernel"], { input });
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(ran.stdout).toContain("umount /a\n     EINVAL\n     rule: The mount came from a more");
    });
  },
);
