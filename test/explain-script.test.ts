// The script of `pivot explain --format sh`: carried out by a shell, with util-linux and busybox and
// nothing else, it makes the world that `pivot run` makes.

import { afterAll, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { Ground, type Ran, whyNot } from "./pivot.ts";

const utilLinux =
  "chrt flock mount nsenter pivot_root prlimit setpriv setsid taskset umount unshare";

const find = (name: string): string | undefined =>
  ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    .map((directory) => `${directory}/${name}`)
    .find((path) => existsSync(path));

const lacks = ["busybox", ...utilLinux.split(" ")].filter((name) => find(name) === undefined);
const why = whyNot ?? (lacks.length > 0 ? `${lacks.join(", ")} not installed` : undefined);
const scripts = test.skipIf(why !== undefined);
const because = why === undefined ? "" : ` (skipped: ${why})`;

const ground = why === undefined ? new Ground("explain") : undefined;
afterAll(() => ground?.close());

const there = (): Ground => {
  if (ground === undefined) throw new Error(`not without ${why}`);
  return ground;
};

/** A directory with busybox under all its names, and the programs of util-linux over them. */
function programs(): string {
  const directory = `${there().directory}/bin`;
  if (existsSync(directory)) return directory;
  mkdirSync(directory);
  const busybox = find("busybox") ?? "";
  const names = spawnSync(busybox, ["--list"], { encoding: "utf8" }).stdout.trim().split("\n");
  const own = new Set(utilLinux.split(" "));
  for (const name of names) if (!own.has(name)) symlinkSync(busybox, `${directory}/${name}`);
  for (const name of own) symlinkSync(find(name) ?? "", `${directory}/${name}`);
  return directory;
}

/** Writes the script that makes what `pivot run` makes of these words. */
function scriptOf(words: readonly string[]): string {
  const { code, stdout, stderr } = there().pivot(["explain", "--format", "sh", ...words]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const path = `${there().directory}/by-hand.sh`;
  writeFileSync(path, stdout);
  return path;
}

/** In a mount namespace of its own: whatever it does wrong is not the machine's. */
function byHand(words: readonly string[], shell: "sh" | "busybox"): Ran {
  const path = scriptOf(words);
  const bin = programs();
  const env = shell === "busybox" ? { PATH: bin } : { PATH: process.env["PATH"] ?? "" };
  const program = shell === "busybox" ? `${bin}/sh` : "/bin/sh";
  return there().command([find("unshare") ?? "", "--mount", program, path], { env });
}

/** Without what differs from one run to the next: ids, numbers of devices and mounts, times. */
const comparable = (text: string): string[] =>
  text
    .replace(/^(\d+:)\d+ /gm, "$1N ")
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replace(/ \w{3} +\d+ [\d:]{5} /g, " DATE ")
    .split("\n");

const look = [
  "hostname",
  // Not in the order of making: a shell has no mounts that wait for being attached.
  "cut -d' ' -f3- /proc/self/mountinfo | sort -k3",
  "ls -l /dev /dev/pts",
  "grep -E '^(Cap|NoNew|Uid|Gid|Groups)' /proc/1/status",
  "pwd",
  "env",
  "umask",
  "ulimit -n",
  // Number, user and command: the numbers of later processes differ, since a shell has many.
  "ps -o pid,user,args | grep '^ *1 '",
  "cat /proc/self/cgroup",
  "cat /proc/net/dev | cut -d: -f1",
  "cat /proc/kcore /proc/keys | wc -c",
  "echo x >/proc/sys/kernel/panic || echo refused",
  "ls -ld /sys/firmware; ls -A /sys/firmware",
  "cat /etc/hostname",
  "readlink /proc/self/fd/0",
].join("\n");

function expectTheSame(words: readonly string[], shell: "sh" | "busybox"): void {
  const real = there().run(words);
  const hand = byHand(["--rm", ...words], shell);
  expect({ code: hand.code, lines: comparable(hand.stdout) }).toEqual({
    code: real.code,
    lines: comparable(real.stdout),
  });
  expect(real.stdout.length).toBeGreaterThan(2000);
}

for (const shell of ["sh", "busybox"] as const) {
  scripts(`the script makes the same world, carried out by ${shell}${because}`, () => {
    expectTheSame(["busybox", "sh", "-c", look], shell);
  });
}

scripts(`limits, users, volumes and odd names as well${because}`, () => {
  const odd = `${there().directory}/odd 'name', $HOME "x" \\ -\n`;
  mkdirSync(odd);
  writeFileSync(`${odd}/-file`, "content\n");
  const given =
    "-u 1000:1000 --group-add 20 --cap-drop ALL --cap-add chown --tmpfs /var/run/x:size=1m,noexec " +
    "--security-opt no-new-privileges --read-only -w /a/b --hostname other --ulimit nofile=100:200 " +
    "-m 64m --pids-limit 50 --network host -e EMPTY= -e PWD=/odd";
  const look2 = `${look}\ncat /data/-file; touch /x || echo read-only`;
  expectTheSame(
    [
      ...given.split(" "),
      "-v",
      `${odd}:/data:ro`,
      "-e",
      'A=it\'s "x" $HOME `id`\ntwo\\',
      "busybox",
      "sh",
      "-c",
      look2,
    ],
    "sh",
  );
});

scripts(
  `a user by name is looked up in the image, and a link of it leads nowhere else${because}`,
  () => {
    const root = `${there().directory}/rootfs`;
    const busybox = there().run(["busybox", "true"]);
    expect(busybox.code).toBe(0);
    for (const name of ["bin", "etc", "run", "proc", "dev", "sys"])
      mkdirSync(`${root}/${name}`, { recursive: true });
    spawnSync("cp", [busyboxOfImage(), `${root}/bin/busybox`]);
    for (const name of ["sh", "cat", "grep", "id", "env", "pwd", "ls"])
      symlinkSync("busybox", `${root}/bin/${name}`);
    writeFileSync(`${root}/etc/passwd`, "root:x:0:0::/:\nann:x:1234:55::/home/ann:/bin/sh\n");
    writeFileSync(`${root}/etc/group`, "root:x:0:\nstaff:x:55:\nwheel:x:77:bob,ann\n");
    symlinkSync("/run", `${root}/link`);
    const words = [
      "--rootfs",
      root,
      "--user",
      "ann",
      "--tmpfs",
      "/link/deep",
      "/bin/sh",
      "-c",
      "id; env; cut -d' ' -f5 /proc/self/mountinfo | sort",
    ];
    const real = there().run(words);
    const hand = byHand(["--rm", ...words], "sh");
    expect(real.stdout).toContain("uid=1234(ann) gid=55(staff)");
    expect(real.stdout).toContain("HOME=/home/ann");
    expect(comparable(hand.stdout)).toEqual(comparable(real.stdout));
    expect(existsSync("/run/deep")).toBe(false);
  },
);

/** The static program that pivot's own image is made of, in the store of this ground. */
function busyboxOfImage(): string {
  const layers = `${there().root}/layers`;
  for (const name of readdirSync(layers)) {
    const path = `${layers}/${name}/bin/busybox`;
    if (existsSync(path)) return path;
  }
  throw new Error(`no busybox below ${layers}`);
}

scripts(`the exit code is the program's, and nothing is left behind${because}`, () => {
  expect(byHand(["--rm", "busybox", "sh", "-c", "exit 42"], "sh").code).toBe(42);
  expect(readdirSync(there().runRoot)).toEqual([]);
  expect(readdirSync(`${there().root}/containers`)).toEqual([]);
});

scripts(`standard input is passed on, where it is asked for${because}`, () => {
  const input = "some\nlines\n";
  for (const [words, said] of [
    [["-i"], input],
    [[], ""],
  ] as const) {
    const path = scriptOf(["--rm", ...words, "busybox", "cat"]);
    const { code, stdout } = there().command(["unshare", "--mount", "sh", path], { input });
    expect({ code, stdout }).toEqual({ code: 0, stdout: said });
  }
});

scripts(`a step that fails undoes what was made${because}`, () => {
  const gone = `${there().directory}/gone`;
  mkdirSync(gone);
  const path = scriptOf([
    "--rm",
    "--mount",
    `type=bind,source=${gone},target=/x`,
    "busybox",
    "true",
  ]);
  spawnSync("rmdir", [gone]);
  const { code, stderr } = there().command(["unshare", "--mount", "sh", path]);
  expect(code).toBe(125);
  expect(stderr).toContain("by hand: the container's first process has ended too early");
  expect(readdirSync(there().runRoot)).toEqual([]);
});

/** What the script says before it is ended, or how long it is waited for, in milliseconds. */
for (const moment of ["runs", 100] as const) {
  scripts(`a signal ends the container, and undoes: at ${moment}${because}`, async () => {
    const path = scriptOf(["--rm", "busybox", "sh", "-c", "echo runs; sleep 100"]);
    const stdio = ["ignore", "pipe", "ignore"] as const;
    const child = spawn("unshare", ["--mount", "sh", path], { stdio: [...stdio] });
    const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    await new Promise<void>((resolve) => {
      if (moment === "runs") child.stdout?.once("data", () => resolve());
      else setTimeout(resolve, moment);
    });
    child.kill("SIGTERM");
    // Before the script has said what is to be done, the signal ends the shell as it ends any.
    expect([143, null]).toContain((await ended) as number | null);
    expect(readdirSync(there().runRoot)).toEqual([]);
    expect(readdirSync(`${there().root}/containers`)).toEqual([]);
  });
}

scripts(`a chroot in place of pivot_root${because}`, () => {
  const words = [
    "--root-switch",
    "chroot",
    "-w",
    "/tmp",
    "busybox",
    "sh",
    "-c",
    "pwd; ls /; id; env",
  ];
  const real = there().run(words);
  expect(real.stdout).toStartWith("/tmp\n");
  expect(comparable(byHand(["--rm", ...words], "sh").stdout)).toEqual(comparable(real.stdout));
});

scripts(`what no script can make is refused in one line${because}`, () => {
  const { code, stderr } = there().pivot([
    "explain",
    "--format",
    "sh",
    "--userns",
    "private",
    "busybox",
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^pivot: .*user namespace/);
});
