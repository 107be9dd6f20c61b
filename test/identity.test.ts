// Who a container's process is: user and groups by the root's own databases, home and directory.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { type Sight, statusOf } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("identity");

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/usr/sbin:/bin/sh
1000:x:0:0:a name of digits:/trap:/bin/sh
ada:x:1001:1001:Ada:/home/ada:/bin/sh
+1:x:0:0:a name with a sign:/trap:/bin/sh
broken line
huge:x:4294967296:0::/trap:/bin/sh
minus:x:-1:0::/trap:/bin/sh
`;
const group = `root:x:0:
daemon:x:1:
wheel:x:10:ada,root
2000:x:0:
ada:x:1001:
docs:x:300:ada
music:x:301:ada,daemon
`;
const root = makeSmallRoot(ground, "root", { "etc/passwd": passwd, "etc/group": group });

/** User, group and groups as the kernel has them: programs would open the root's databases. */
const ids = "set -- $(grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr '\\t' ' '); echo $*";

/** The ids inside the test's own root, or what pivot says that is in the way. */
function idsOf(flags: readonly string[], rootfs = root): string {
  const ran = ground.run([...flags, "--rootfs", rootfs, "/bin/sh", "-c", ids]);
  if (ran.code === 0) {
    const [, uid, gid, groups] =
      /^Uid: (\d+)(?: \1){3} Gid: (\d+)(?: \2){3} Groups: ([\d ]+)$/.exec(ran.stdout.trim()) ?? [];
    return `${uid} ${gid} ${groups}`;
  }
  expect(ran).toMatchObject({ code: 125, stdout: "" });
  expect(ran.stderr).toMatch(/^pivot: [^\n]+\n$/);
  return ran.stderr.trim();
}

/** The five sets, as the masks of /proc/PID/status. */
const sets = ({ status }: Sight): string[] =>
  ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => statusOf(status, name) ?? "");

const none = "0000000000000000";
const standard = "00000000a80425fb";

describe.skipIf(whyNot !== undefined)(`identity (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const matrix: readonly (readonly [user: string, found: string | RegExp])[] = [
    ["0", "0 0 0 10"],
    ["root", "0 0 0 10"],
    ["1", "1 1 1 301"],
    ["daemon", "1 1 1 301"],
    ["1:1", "1 1 1"],
    ["1:", "1 1 1 301"],
    ["01", "1 1 1 301"],
    ["1001", "1001 1001 10 300 301 1001"],
    ["ada", "1001 1001 10 300 301 1001"],
    ["ada:docs", "1001 300 300"],
    ["ada:10", "1001 10 10"],
    ["1:wheel", "1 10 10"],
    // A user that nobody has heard of is in root's group, as docker has it.
    ["4000", "4000 0 0"],
    ["4000:4001", "4000 4001 4001"],
    ["2147483647", "2147483647 0 0"],
    // A name of digits is never looked up as a name (CVE-2016-3697), nor is a group's.
    ["1000", "1000 0 0"],
    ["1:2000", "1 2000 2000"],
    [" 1", /no user {2}1 in the container's \/etc\/passwd/],
    ["1 ", /no user 1 {2}?in the container's \/etc\/passwd/],
    ["0x1", /no user 0x1 in/],
    ["+1", /invalid argument "\+1" for "-u, --user": uids and gids go from 0 to 2147483647/],
    ["-1", /invalid argument "-1" for "-u, --user": uids and gids go from 0 to 2147483647/],
    ["2147483648", /invalid argument "2147483648" for "-u, --user"/],
    ["4294967295", /invalid argument "4294967295" for "-u, --user"/],
    ["4294967296", /invalid argument "4294967296" for "-u, --user"/],
    ["18446744073709551616", /invalid argument "18446744073709551616" for "-u, --user"/],
    ["1:-1", /invalid argument "1:-1" for "-u, --user"/],
    ["1:4294967296", /invalid argument "1:4294967296" for "-u, --user"/],
    ["huge", /no user huge in/],
    ["minus", /no user minus in/],
    ["broken line", /no user broken line in/],
    ["nobody-here", /no user nobody-here in/],
    ["1:no-such-group", /no group no-such-group in the container's \/etc\/group/],
    ["", /invalid argument "" for "-u, --user"/],
    [":1", /invalid argument ":1" for "-u, --user"/],
    ["1:1:1", /invalid argument "1:1:1" for "-u, --user"/],
  ];
  for (const [user, expected] of matrix) {
    test(`--user ${JSON.stringify(user)} is ${expected}`, () => {
      const found = idsOf(["-u", user]);
      if (typeof expected === "string") expect(found).toBe(expected);
      else expect(found).toMatch(expected);
    });
  }

  test("a user or group of the host alone is unknown inside", () => {
    const hostOnly = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":")[0] ?? "")
      .find((name) => name !== "" && !passwd.includes(`${name}:`));
    expect(hostOnly).toBeDefined();
    expect(idsOf(["-u", hostOnly ?? ""])).toContain(`no user ${hostOnly} in the container's`);
    const hostGroup = readFileSync("/etc/group", "utf8")
      .split("\n")
      .map((line) => line.split(":")[0] ?? "")
      .find((name) => name !== "" && !group.includes(`${name}:`));
    expect(idsOf(["--group-add", hostGroup ?? ""])).toContain(`no group ${hostGroup} in the`);
  });

  test("additional groups are exactly those asked for, by name and by number, each once", () => {
    const asked = ["--group-add", "docs", "--group-add", "77", "--group-add", "300"];
    expect(idsOf(["-u", "1:1", ...asked])).toBe("1 1 1 77 300");
    expect(idsOf(["-u", "4000", "--group-add", "music"])).toBe("4000 0 0 301");
    // The caller's own groups do not come along.
    const flags = ["run", "--rm", "-u", "4000:4000", "--rootfs", root, "/bin/sh", "-c", ids];
    const caller = ["setpriv", "--groups", "4,24,27"];
    const ran = ground.command([...caller, pivotPath, ...ground.roots(), ...flags]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toEndWith("Groups: 4000\n");
  });

  test("databases that are a link out, a fifo, a device or endless are survived", () => {
    const canary = `${ground.directory}/canary`;
    writeFileSync(canary, "canary:x:4242:4242::/:/bin/sh\n");
    const linked = makeSmallRoot(ground, "linked");
    symlinkSync(canary, `${linked}/etc/passwd`);
    expect(idsOf(["-u", "canary"], linked)).toContain("no user canary in");
    const climbing = makeSmallRoot(ground, "climbing");
    symlinkSync(`../../../../../../..${canary}`, `${climbing}/etc/passwd`);
    expect(idsOf(["-u", "canary"], climbing)).toContain("no user canary in");
    const odd = makeSmallRoot(ground, "odd");
    expect(spawnSync("mkfifo", [`${odd}/etc/passwd`]).status).toBe(0);
    symlinkSync("/dev/zero", `${odd}/etc/group`);
    expect(idsOf(["-u", "5"], odd)).toBe("5 0 0");
    const endless = makeSmallRoot(ground, "endless");
    spawnSync("truncate", ["-s", "5G", `${endless}/etc/passwd`]);
    mkdirSync(`${endless}/etc/group`);
    expect(idsOf(["-u", "5"], endless)).toBe("5 0 0");
  });

  test("root has the default capabilities, and passes none on", () => {
    expect(sets(ground.probe([]))).toEqual([none, standard, standard, standard, none]);
  });

  test("who is not root has no capability at all, even when some are added", () => {
    for (const flags of [[], ["--cap-add", "SYS_ADMIN"], ["--group-add", "0"]]) {
      const [inheritable, permitted, effective, , ambient] = sets(
        ground.probe(["-u", "1000:1000", ...flags]),
      );
      expect({ inheritable, permitted, effective, ambient }).toEqual({
        inheritable: none,
        permitted: none,
        effective: none,
        ambient: none,
      });
    }
  });

  test("real, effective and saved ids are all the user's, and no secure bit is set", () => {
    const sight = ground.probe(["-u", "1000:1001"]);
    expect(sight.uids).toEqual([1000, 1000, 1000]);
    expect(sight.gids).toEqual([1001, 1001, 1001]);
    expect(sight.groups).toEqual([1001]);
    expect(sight.securebits).toBe(0);
  });

  const homes: readonly (readonly [flags: string[], home: string])[] = [
    [[], "/root"],
    [["-u", "ada"], "/home/ada"],
    [["-u", "1001"], "/home/ada"],
    [["-u", "1000"], "/"],
    [["-u", "4000"], "/"],
    [["-u", "ada", "-e", "HOME=/elsewhere"], "/elsewhere"],
  ];
  for (const [flags, home] of homes) {
    test(`HOME is ${home} with ${flags.join(" ") || "no flags"}`, () => {
      const ran = ground.run([...flags, "--rootfs", root, "/bin/sh", "-c", "echo $HOME"], {
        env: { PATH: process.env["PATH"] ?? "", HOME: "/home/of-the-caller" },
      });
      expect(ran).toMatchObject({ code: 0, stdout: `${home}\n` });
    });
  }

  test("the working directory is made when the root lacks it", () => {
    expect(ground.shell(["-w", "/made/for/this"], "pwd; ls -ld . | cut -c1-10")).toBe(
      "/made/for/this\ndrwxr-xr-x",
    );
    expect(ground.shell(["-w", "//srv//../srv/./"], "pwd")).toBe("/srv");
    expect(ground.shell([], "pwd")).toBe("/");
  });

  test("a working directory that the user may not enter is entered for it, as docker has it", () => {
    const user = ["-u", "1000", "-w", "/root"];
    expect(ground.shell(user, "pwd")).toBe("/root");
    expect(ground.shell([...user, "--cap-drop", "ALL"], "pwd")).toBe("/root");
    const ran = ground.run([...user, "busybox", "ls"]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("Permission denied") });
  });

  test("a working directory that is none is refused, naming it", () => {
    const ran = ground.run(["-w", "/etc/passwd", "busybox", "pwd"]);
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toMatch(/^pivot: cannot go to \/etc\/passwd [^\n]*ENOTDIR[^\n]*\n$/);
  });

  test("no descriptor as working directory leads to the host (CVE-2024-21626)", () => {
    const canary = `${ground.directory}/secret`;
    writeFileSync(canary, "the host was read\n");
    const up = "../".repeat(24);
    const script = `cat ${up}${canary.slice(1)}; cat ${up}etc/hostname; pwd`;
    for (let fd = 3; fd <= 20; fd++) {
      const ran = ground.run([
        "-h",
        "inside",
        "-w",
        `/proc/self/fd/${fd}`,
        "busybox",
        "sh",
        "-c",
        script,
      ]);
      expect(ran.stdout).not.toContain("the host was read");
      expect(ran.stdout + ran.stderr).not.toContain("unreachable");
      if (ran.stdout !== "") {
        expect(ran.stdout).toStartWith("inside\n/");
      } else {
        expect(ran.code).toBe(125);
        expect(ran.stderr).toMatch(/^pivot: cannot [^\n]*\/proc\/self\/fd\/\d+[^\n]*\n$/);
      }
    }
  });
});
