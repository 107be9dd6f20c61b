// exec, top, stats and port: what is done in a container that runs, and what is seen of it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, probeProgram, type Ran, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";
import type { Sight } from "./sight.ts";

const ground = new Ground("exec-engine");

const pivot = (...words: string[]): Ran => ground.pivot(words);

const said = (ran: Ran): string => {
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trimEnd();
};

const inWeb = (...words: string[]): Ran => pivot("exec", ...words);

/** A line of /proc/self/status. */
const statusOf = ({ status }: Sight, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status ?? "")?.[1] ?? "";

/** `pivot run -d`, whose output would stay open. */
function begin(name: string, ...words: string[]): void {
  const quoted = [pivotPath, ...ground.roots(), "run", "-d", "--name", name, ...words]
    .map((word) => `'${word}'`)
    .join(" ");
  said(ground.command(["/bin/sh", "-c", `${quoted} >/dev/null`]));
}

describe.skipIf(whyNot !== undefined)(`in a container that runs (${whyNot ?? "as root"})`, () => {
  beforeAll(() => {
    const flags = ["-e", "A=1", "-e", "B=2", "-w", "/tmp", "--group-add", "44", "-m", "64m"];
    const program = ["-v", `${probeProgram()}:/probe:ro`];
    begin("web", ...flags, ...program, "busybox", "sleep", "1000");
  });
  afterAll(() => {
    pivot("rm", "-f", "web");
    return ground.close();
  });

  test("a command, its streams and its exit code", () => {
    expect(inWeb("web", "sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
    });
    const fed = ground.pivot(["exec", "-i", "web", "cat"], { input: "typed" });
    expect(said(fed)).toBe("typed");
    expect(ground.pivot(["exec", "web", "cat"], { input: "typed" }).stdout).toBe("");
    expect(inWeb("web", "sh", "-c", "kill -9 $$").code).toBe(137);
  });

  test("its root is the container's also where the mount namespace has the host's", () => {
    begin("chrooted", "--root-switch", "chroot", "busybox", "sleep", "1000");
    try {
      writeFileSync(`${ground.directory}/canary`, "");
      const looks = ["sh", "-c", `ls -A / | wc -l; ls ${ground.directory}; pwd`];
      const inside = inWeb("chrooted", ...looks);
      expect(inside.stderr).toContain(`${ground.directory}: No such file`);
      const other = ground.run(["busybox", ...looks]);
      expect(inside.stdout).toBe(other.stdout);
    } finally {
      pivot("rm", "-f", "chrooted");
    }
  });

  test("it is in the container's namespaces, root, cgroups, and has no more rights", () => {
    const first = ground.sight(inWeb("web", "/probe"));
    const other = ground.sight(
      ground.run(["-v", `${probeProgram()}:/probe:ro`, "busybox", "/probe"]),
    );
    expect(first.seccomp).toBe(2);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"]) {
      expect([set, statusOf(first, set)]).toEqual([set, statusOf(other, set)]);
    }
    const own = (of: string) => said(inWeb("web", "sh", "-c", `ls -l /proc/${of}/ns`));
    const links = (text: string) => [...text.matchAll(/\S+:\[\d+\]/g)].map(String);
    expect(links(own("self"))).toEqual(links(own("1")));
    expect(said(inWeb("web", "cat", "/proc/self/cgroup"))).toBe(
      said(inWeb("web", "cat", "/proc/1/cgroup")),
    );
    const limits = "memory/memory.limit_in_bytes memory.max";
    expect(
      said(inWeb("web", "sh", "-c", `cd /sys/fs/cgroup; cat ${limits} 2>/dev/null; true`)),
    ).toBe(String(64 << 20));
    expect(said(inWeb("web", "ls", "/proc/self/fd"))).toBe("0\n1\n2\n3");
  });

  test("environment, directory and user: the container's, or others", () => {
    expect(said(inWeb("web", "sh", "-c", "pwd; echo $A $B; id"))).toBe(
      "/tmp\n1 2\nuid=0(root) gid=0(root) groups=0(root),44",
    );
    writeFileSync(`${ground.directory}/env`, "C=3\n# no\nA=file\n");
    const env = ["--env-file", `${ground.directory}/env`, "-e", "B=over", "-e", "D"];
    expect(said(inWeb(...env, "-w", "/etc", "web", "sh", "-c", "pwd; echo $A $B $C; env"))).toMatch(
      /^\/etc\nfile over 3\n(?![^]*\bD=)/,
    );
    expect(said(inWeb("-u", "daemon", "web", "sh", "-c", "id -un; echo $HOME; id -G"))).toMatch(
      /^daemon\n\/\S*\n1$/,
    );
    expect(said(inWeb("-u", "1000:50", "web", "sh", "-c", "id -u; id -g; id -G"))).toBe(
      "1000\n50\n50",
    );
    expect(said(inWeb("-u", "1000", "web", "grep", "CapEff", "/proc/self/status"))).toMatch(
      /\t0{16}$/,
    );
  });

  test("--privileged is all capabilities, under the same filter", () => {
    const sight = ground.sight(inWeb("--privileged", "web", "/probe"));
    const sysAdmin = 1n << 21n;
    expect(BigInt(`0x${statusOf(sight, "CapEff")}`) & sysAdmin).toBe(sysAdmin);
    expect(sight.seccomp).toBe(2);
  });

  test("126 and 127 as with docker, and 1 for what is not the command's", () => {
    const codes = (...words: string[]) => inWeb(...words).code;
    expect(codes("web", "no-such-program")).toBe(127);
    expect(codes("web", "/etc")).toBe(126);
    expect(codes("-w", "/no/such", "web", "true")).toBe(127);
    expect(codes("-u", "nobody-here", "web", "true")).toBe(126);
    const missing = inWeb("nobody", "true");
    expect([missing.code, missing.stderr]).toEqual([
      1,
      "pivot: no such container: nobody; `pivot ps -a` lists them all\n",
    ]);
    expect(inWeb("web").stderr).toContain("exec needs a container and a command");
    expect(inWeb("-it", "web", "sh").stderr).toContain("no terminal");
  });

  test("-d leaves it to itself", () => {
    expect(inWeb("-d", "web", "sh", "-c", "echo $$ >/tmp/left; exec sleep 600")).toMatchObject({
      code: 0,
      stdout: "",
    });
    expect(said(inWeb("web", "sh", "-c", "while [ ! -s /tmp/left ]; do :; done; ps"))).toContain(
      "sleep 600",
    );
    expect(inWeb("-d", "web", "no-such-program").code).toBe(127);
    said(inWeb("web", "sh", "-c", "kill $(cat /tmp/left)"));
  });

  test("-dt has a terminal that somebody keeps", () => {
    said(inWeb("-dt", "web", "sh", "-c", "tty >/tmp/tty; echo $TERM >>/tmp/tty; sleep 600"));
    const script = "while [ $(wc -l </tmp/tty) -lt 2 ]; do :; done; cat /tmp/tty; pidof sleep";
    expect(said(inWeb("web", "sh", "-c", script))).toMatch(/^\/dev\/pts\/\d+\nxterm\n\d+ 1$/);
    said(inWeb("web", "sh", "-c", "kill $(pidof sleep | cut -d' ' -f1)"));
  });

  test("-it is a terminal of the caller's size; the detach keys leave it running", async () => {
    const words = [pivotPath, ...ground.roots(), "exec", "-it"];
    const session = new Session([...words, "web", "sh"], 100, 30);
    await session.until(/# /);
    session.type("stty size; echo $TERM; exit 3\r");
    await session.until(/30 100\r\nxterm/);
    expect(await session.end()).toBe(3);
    const left = new Session([...words, "--detach-keys", "ctrl-x,q", "web", "sh"]);
    await left.until(/# /);
    left.type("sleep 500; exit\r");
    await Bun.sleep(50);
    left.type("\u0018q");
    await left.until(/read escape sequence/);
    expect(await left.end()).toBe(0);
    expect(said(inWeb("web", "ps"))).toContain("sleep 500");
    said(inWeb("web", "sh", "-c", "kill $(pidof sleep | cut -d' ' -f1)"));
  });

  test("one that is paused, or has ended, is refused in docker's words", () => {
    said(pivot("pause", "web"));
    expect(inWeb("web", "true")).toMatchObject({
      code: 1,
      stderr: "pivot: container web is paused, unpause the container before exec\n",
    });
    said(pivot("unpause", "web"));
    said(pivot("create", "--name", "idle", "busybox", "true"));
    expect(inWeb("idle", "true")).toMatchObject({
      code: 1,
      stderr: "pivot: container idle is not running: it is created\n",
    });
    expect(pivot("top", "idle").stderr).toContain("container idle is not running");
    said(pivot("rm", "idle"));
  });

  test("top: the host's ps for its processes alone, or what /proc says", () => {
    const table = said(pivot("top", "web")).split("\n");
    expect(table[0]?.split(/\s+/)).toEqual("UID PID PPID C STIME TTY TIME CMD".split(" "));
    expect(table).toHaveLength(2);
    expect(table[1]).toMatch(/^root {16}\d+ .* sleep 1000$/);
    expect(said(pivot("top", "web", "-o", "pid,comm")).split("\n")[0]).toMatch(/^PID {17}COMMAND$/);
    expect(pivot("top", "web", "-o", "comm").stderr).toContain("no column PID");
    // Options that choose no processes mean the caller's own, and some do not go with a choice.
    said(pivot("run", "-d", "--name", "other", "-u", "1000", "busybox", "sleep", "1000"));
    expect(said(pivot("top", "other", "-o", "uid,pid")).split("\n")[1]).toMatch(/^1000 +\d+$/);
    expect(said(pivot("top", "other", "-ef", "f")).split("\n")[1]).toMatch(/ sleep 1000$/);
    said(pivot("rm", "-f", "other"));
    const bare = `${ground.directory}/bare`;
    mkdirSync(bare);
    symlinkSync("/bin/true", `${bare}/true`);
    const own = ground.pivot(["top", "web"], { env: { PATH: bare } });
    expect(
      said(own)
        .split("\n")
        .map((line) => line.split(/\s{2,}/).at(-1)),
    ).toEqual(["CMD", "sleep 1000"]);
    const pid = (text: string) => text.split("\n")[1]?.split(/\s+/)[1];
    expect(pid(own.stdout)).toBe(pid(pivot("top", "web").stdout));
  });

  test("stats: the numbers of the cgroups, with docker's columns", () => {
    said(inWeb("-d", "web", "sh", "-c", "while :; do :; done"));
    const [head = "", row = ""] = said(pivot("stats", "--no-stream")).split("\n");
    expect(head.split(/\s{2,}/)).toEqual(
      "CONTAINER ID|NAME|CPU %|MEM USAGE / LIMIT|MEM %|NET I/O|BLOCK I/O|PIDS".split("|"),
    );
    const cells = row.split(/\s{2,}/);
    expect(cells[1]).toBe("web");
    expect(Number.parseFloat(cells[2] ?? "")).toBeGreaterThan(5);
    expect(cells[3]).toMatch(/^[\d.]+[KM]iB \/ 64MiB$/);
    expect(cells.slice(5)).toEqual(["0B / 0B", expect.stringMatching(/ \/ /), "2"]);
    const format = "{{.Name}}={{.PIDs}}";
    expect(said(pivot("stats", "--no-stream", "--format", format, "web"))).toBe("web=2");
    expect(pivot("stats", "--no-stream", "nobody").stderr).toContain("no such container: nobody");
  });

  test("events: what happened, in docker's lines", async () => {
    const since = new Date().toISOString();
    const args = [...ground.roots(), "events", "--filter", "type=container"];
    const follower = Bun.spawn([pivotPath, ...args], { stdout: "pipe" });
    await Bun.sleep(300);
    said(inWeb("web", "true", "a b"));
    inWeb("web", "sh", "-c", "exit 5");
    said(pivot("volume", "create", "noted"));
    said(pivot("volume", "rm", "noted"));
    const past = ["events", "--since", since, "--until", "0s"];
    const lines = said(pivot(...past)).split("\n");
    const id = /^[0-9a-f]{64}$/m.exec(said(pivot("ps", "-q", "--no-trunc")))?.[0];
    expect(
      lines.map((line) =>
        line
          .split(" ")
          .slice(1)
          .join(" ")
          .replace(/execID=\w+, /, ""),
      ),
    ).toEqual([
      `container exec_start: true a b ${id} (image=busybox, name=web)`,
      `container exec_die ${id} (exitCode=0, image=busybox, name=web)`,
      `container exec_start: sh -c exit 5 ${id} (image=busybox, name=web)`,
      `container exec_die ${id} (exitCode=5, image=busybox, name=web)`,
      "volume create noted (driver=local)",
      "volume destroy noted (driver=local)",
    ]);
    for (const line of lines)
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}(Z|[+-]\d\d:\d\d) /);
    const one = JSON.parse(
      said(pivot(...past, "-f", "event=exec_die", "--format", "json")).split("\n")[1] ?? "",
    );
    expect(one).toMatchObject({
      status: "exec_die",
      from: "busybox",
      Type: "container",
      Actor: { ID: id, Attributes: { exitCode: "5", name: "web" } },
      scope: "local",
    });
    const format = "{{.Action}} {{.Actor.Attributes.name}}";
    expect(
      said(pivot(...past, "-f", "container=web", "-f", "event=exec_start", "--format", format)),
    ).toBe("exec_start: true a b web\nexec_start: sh -c exit 5 web");
    await Bun.sleep(700);
    follower.kill();
    expect((await new Response(follower.stdout).text()).split("\n").slice(0, -1)).toEqual(
      lines.slice(0, 4),
    );
  });

  test("port: nothing is published", () => {
    expect(pivot("port", "web")).toMatchObject({ code: 0, stdout: "" });
    expect(pivot("port", "web", "80").stderr).toBe(
      "pivot: no public port '80/tcp' published for web\n",
    );
  });
});
