// User namespaces of an ordinary user's containers: who is who inside, in the user's own namespace, and
// outside; whose the files are that a container makes.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, writeLayout } from "../src/image/testing/image.ts";
import { dir, file, link, xattr } from "../src/image/testing/members.ts";
import { OrdinaryUser, userId, whyNoUser } from "./ordinary-user.ts";

const why = whyNoUser();
const about = (name: string): string => (why === undefined ? name : `${name} (skipped: ${why})`);

const quiet = ["--network", "none"] as const;

/** The first ids that tools/as-user.sh gives the user, as those of the user's namespace from 1 on. */
const [firstUid, firstGid] = [3_000_000, 4_000_000];

/** A directory that the user may write to, empty. */
function give(user: OrdinaryUser, name: string): string {
  const directory = `${user.home}/${name}`;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  spawnSync("chown", [`${userId}:${userId}`, directory]);
  return directory;
}

/** Owners of a file as the host has them. */
function ownersOf(path: string): string {
  const { uid, gid } = lstatSync(path);
  return `${uid}:${gid}`;
}

/** `inside outside size` of each line. */
const lines = (map: string): string[] =>
  map
    .trim()
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "));

const readMap = ["busybox", "cat", "/proc/self/uid_map"] as const;

/** cap_net_bind_service+ep as the kernel keeps it: version 2. */
const bindService = "\u0001\u0000\u0000\u0002\u0000\u0004\u0000\u0000" + "\u0000".repeat(12);

/** An image with owners, file capabilities, a name that a layer takes away, and one that it hides. */
async function giveRichImage(user: OrdinaryUser): Promise<void> {
  const layers = `${user.home}/.local/share/pivot/layers`;
  const busybox = readdirSync(layers)
    .map((name) => `${layers}/${name}/bin/busybox`)
    .find((path) => existsSync(path));
  const program = { mode: 0o755, content: readFileSync(busybox ?? "") };
  const lower = tarArchive([
    dir("bin/"),
    file("bin/busybox", "", program),
    ...["sh", "cat", "ls", "sleep", "stat"].map((name) => link(`bin/${name}`, "busybox")),
    dir("able/"),
    file("able/busybox", "", { ...program, ...xattr("security.capability", bindService) }),
    link("able/cat", "busybox"),
    dir("own/", 0o700, { uid: 7, gid: 8 }),
    file("own/file", "secret", { mode: 0o600, uid: 7, gid: 8 }),
    dir("opaque/"),
    file("opaque/gone"),
    file("removed"),
  ]);
  const upper = tarArchive([
    dir("opaque/"),
    file("opaque/.wh..wh..opq", ""),
    file("opaque/there"),
    file(".wh.removed", ""),
  ]);
  const directory = give(user, "layout");
  writeLayout(directory, makeImage([{ tar: lower }, { tar: upper }]));
  await user.ok("image", "copy", `oci:${directory}`, "rich:1");
}

describe.skipIf(why !== undefined)(about("with subordinate ids"), () => {
  const user = new OrdinaryUser("range");
  const run = (...words: readonly string[]) => user.ok("run", "--rm", ...quiet, ...words);
  beforeAll(() => run("busybox", "true").then(() => {}));
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  test("auto: root inside is one of the user's subordinate ids, and the user is nobody", async () => {
    const volume = give(user, "volume");
    writeFileSync(`${volume}/mine`, "");
    spawnSync("chown", [`${userId}:${userId}`, `${volume}/mine`]);
    spawnSync("chmod", ["777", volume]);
    const script =
      "cat /proc/self/uid_map; id -u; touch /d/new /d/other; chown 7:8 /d/other; stat -c %u:%g /d/mine /bin/busybox; chown 0 /d/mine";
    const { code, stdout, stderr } = await user.pivot([
      ..."run --rm --userns auto".split(" "),
      ...quiet,
      "-v",
      `${volume}:/d`,
      "busybox",
      "sh",
      "-c",
      script,
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("chown: /d/mine: Operation not permitted");
    expect(lines(stdout)).toEqual(["0 1 1024", "65534 1025 1", "0", "65534:65534", "0:0"]);
    expect(ownersOf(`${volume}/new`)).toBe(`${firstUid}:${firstGid}`);
    expect(ownersOf(`${volume}/other`)).toBe(`${firstUid + 7}:${firstGid + 8}`);
  });

  test("keep-id: the user is themselves inside, and so are their files", async () => {
    const volume = give(user, "volume");
    writeFileSync(`${volume}/mine`, "");
    spawnSync("chown", [`${userId}:${userId}`, `${volume}/mine`]);
    const look =
      "id; stat -c %u:%g /d/mine /bin/busybox; touch /d/new; touch /new 2>/dev/null || echo no";
    expect(
      lines(await run("--userns", "keep-id", "-v", `${volume}:/d`, "busybox", "sh", "-c", look)),
    ).toEqual([`uid=${userId} gid=${userId} groups=${userId}`, `${userId}:${userId}`, "0:0", "no"]);
    expect(ownersOf(`${volume}/new`)).toBe(`${userId}:${userId}`);
    const root = ["-u", "0", "-v", `${volume}:/d`, "busybox", "touch", "/d/root"];
    await run("--userns", "keep-id", ...root);
    expect(ownersOf(`${volume}/root`)).toBe(`${firstUid}:${firstGid}`);
    // As podman documents it.
    const kept = ["--userns", "keep-id:uid=11,gid=12", "busybox", "sh", "-c"];
    const maps = lines(await run(...kept, "id -u; id -g; cat /proc/self/uid_map"));
    expect(maps).toEqual(["11", "12", "0 1 11", "11 0 1", "12 12 65525"]);
  });

  test("nomap, private, and maps as they are asked for", async () => {
    expect(lines(await run("--userns", "nomap", ...readMap))).toEqual(["0 1 65536"]);
    expect(lines(await run("--userns", "private", ...readMap))).toEqual(["0 0 1", "1 1 65536"]);
    expect(lines(await run("--uidmap", "0:5:10", ...readMap))).toEqual(["0 5 10"]);
    const host = ["--uidmap", `0:@${firstUid + 9}:3`, "--gidmap", `0:@${userId}:1`];
    expect(
      lines(await run(...host, "busybox", "cat", "/proc/self/uid_map", "/proc/self/gid_map")),
    ).toEqual(["0 10 3", "0 0 1"]);
    expect(lines(await run("--subuidname", "pivot-tester", ...readMap))).toEqual(["0 1 65536"]);
  });

  test("a layer's owners, capabilities, whiteouts and hidden directories are those of the image", async () => {
    await giveRichImage(user);
    const script = "ls -a /opaque /removed; stat -c %u:%g /own/file; cat /own/file";
    const { stdout, stderr } = await user.pivot([
      ..."run --rm --userns auto".split(" "),
      ...quiet,
      "rich:1",
      "sh",
      "-c",
      script,
    ]);
    expect(stderr).toBe("ls: /removed: No such file or directory\n");
    expect(stdout).toStartWith("/opaque:\n.\n..\nthere\n7:8\nsecret");
    const able = ["--userns", "auto", "-u", "1000", "rich:1", "/able/cat", "/proc/self/status"];
    expect(await run(...able)).toMatch(/^CapPrm:\s+0000000000000400$/m);
  });

  test("a container that stays: its ids, exec, cp, diff, commit and export; rm gives back", async () => {
    const name = "stays";
    const script = "echo x >/x; chown 5:6 /x; sleep 1000";
    await user.ok(
      ..."run -d --name stays --userns auto".split(" "),
      ...quiet,
      "busybox",
      "sh",
      "-c",
      script,
    );
    const pid = await user.ok("inspect", "-f", "{{.State.Pid}}", name);
    expect(readFileSync(`/proc/${pid}/uid_map`, "latin1").trim().split(/\s+/).slice(0, 3)).toEqual([
      "0",
      String(firstUid),
      "1024",
    ]);
    // Its neighbour has others, and can do nothing to it.
    const attempt = `cat /proc/self/uid_map; kill -9 ${pid}; ls /proc/${pid}/root/`;
    const other = ["--userns", "auto", "--pid", "host", "busybox", "sh", "-c", attempt];
    const seen = await user.pivot(["run", "--rm", ...quiet, ...other]);
    expect(lines(seen.stdout)).toEqual(["0 1026 1024", "65534 2050 1"]);
    expect(seen.stderr).toContain("Operation not permitted");
    expect(seen.stderr).toMatch(/\/proc\/\d+\/root.*Permission denied/);
    const foreign = ["--userns", "auto", "--pid", `container:${name}`, "busybox", "true"];
    expect(await user.fails("run", "--rm", ...quiet, ...foreign)).toMatch(
      /^pivot: cannot mount proc [^\n]*; this pid namespace belongs to another user namespace: join that one as well, by --userns container:NAME$/,
    );
    const none = ["--pid", `container:${name}`, "busybox", "nothing"];
    expect(await user.fails("run", "--rm", ...quiet, ...none)).toMatch(
      /^[^\n]*no such program: nothing$/,
    );
    const joined = ["--userns", `container:${name}`, "busybox", "sh", "-c"];
    const look = "cat /proc/self/uid_map; stat -c %u:%g /bin/busybox";
    expect(lines(await run(...joined, look))).toEqual(["0 1 1024", "65534 1025 1", "0:0"]);
    expect(await user.ok("exec", "-u", "9:9", name, "stat", "-c", "%u:%g", "/x")).toBe("5:6");
    const looks = async (): Promise<void> => {
      expect(await user.ok("diff", name)).toBe("A /x");
      await user.ok("cp", `${name}:/x`, `${user.home}/tmp/x`);
      expect(ownersOf(`${user.home}/tmp/x`)).toBe(`${userId}:${userId}`);
    };
    await looks();
    await user.ok("stop", "-t", "0", name);
    await looks();
    await user.ok("commit", name, "made");
    expect(await run("made", "stat", "-c", "%u:%g", "/x")).toBe("5:6");
    await user.ok("start", name);
    const again = await user.ok("inspect", "-f", "{{.HostConfig.IDMappings.UidMap}}", name);
    expect(again).toBe("[0:1:1024 65534:1025:1]");
    await user.ok("rm", "-f", name);
    expect(lines(await run("--userns", "auto", ...readMap))[0]).toBe("0 1 1024");
    const data = `${user.home}/.local/share/pivot`;
    expect(readdirSync(`${data}/containers`)).toEqual([]);
    expect(readdirSync(`${user.home}/run/pivot/userns`)).toEqual([]);
  });

  test("many at once have no id in common, and a killed one gives its ids back", async () => {
    const names = Array.from({ length: 4 }, (_, i) => `many-${i}`);
    await Promise.all(
      names.map((name) =>
        user.ok(
          "run",
          "-d",
          "--name",
          name,
          "--userns",
          "auto",
          ...quiet,
          "busybox",
          "sleep",
          "1000",
        ),
      ),
    );
    const maps = await Promise.all(
      names.map((name) =>
        user.ok("inspect", "-f", "{{index .HostConfig.IDMappings.UidMap 0}}", name),
      ),
    );
    expect(new Set(maps)).toEqual(
      new Set(["0:1:1024", "0:1026:1024", "0:2051:1024", "0:3076:1024"]),
    );
    for (const name of names) {
      const pid = Number(await user.ok("inspect", "-f", "{{.State.Pid}}", name));
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      process.kill(Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), "SIGKILL");
    }
    await user.expectNobody();
    await user.ok("rm", "-f", ...names);
    expect(lines(await run("--userns", "auto", ...readMap))[0]).toBe("0 1 1024");
  });

  test("volumes: U gives them to the container, a new one is its root's, idmap is refused", async () => {
    const volume = give(user, "volume");
    writeFileSync(`${volume}/mine`, "");
    spawnSync("chown", [`${userId}:${userId}`, `${volume}/mine`]);
    await run(
      "--userns",
      "auto",
      "-u",
      "5:6",
      "-v",
      `${volume}:/d:U`,
      "busybox",
      "touch",
      "/d/new",
    );
    for (const name of ["mine", "new"]) {
      expect(ownersOf(`${volume}/${name}`)).toBe(`${firstUid + 5}:${firstGid + 6}`);
    }
    await run("--userns", "auto", "-v", "fresh:/fresh", "busybox", "touch", "/fresh/new");
    const data = `${user.home}/.local/share/pivot/volumes/fresh/_data`;
    expect(ownersOf(`${data}/new`)).toBe(`${firstUid}:${firstGid}`);
    await user.ok("volume", "rm", "fresh");
    const idmap = ["--userns", "auto", "-v", `${volume}:/d:idmap`, "busybox", "true"];
    expect(await user.fails("run", "--rm", ...quiet, ...idmap)).toMatch(
      /^pivot: cannot map the owners of a mount [^\n]*an ordinary user cannot show with other owners: leave idmap out, U gives the files to the container's user$/,
    );
  });

  test("who has no user namespace of their own is joined by having none", async () => {
    await user.ok("run", "-d", "--name", "plain", ...quiet, "busybox", "sleep", "1000");
    const joined = await run("--userns", "container:plain", ...readMap);
    expect(lines(joined)).toEqual([`0 ${userId} 1`, `1 ${firstUid} 65536`]);
    await user.ok("rm", "-f", "plain");
  });

  test.each([
    [
      ["--userns", "auto:size=65537"],
      "--userns: there are no 65537 uids in a row left for containers: remove containers that are not needed, get more ids",
    ],
    [
      ["--uidmap", "0:65000:1000"],
      'invalid argument "0:65000:1000" for "--uidmap": 65537 is no id outside: there are 0, which is you, to 65536, ',
    ],
    [
      ["--uidmap", "0:@5:1"],
      'invalid argument "0:@5:1" for "--uidmap": these ids of the host are not all yours',
    ],
    [
      ["--subuidname", "root"],
      'invalid argument "root" for "--subuidname": /etc/subuid has no range for root',
    ],
    [
      ["--userns", "auto", "-u", "2000"],
      "the user 2000 does not exist in its user namespace; more come from ",
    ],
    [["--userns", "ns:/proc/1/ns/user"], "cannot open /proc/1/ns/user"],
    [["--userns", "ns:/etc/passwd"], "--userns names no user namespace"],
  ])("%j is one line", async (flags, line) => {
    const said = await user.fails("run", "--rm", ...quiet, ...flags, "busybox", "true");
    expect(said).toStartWith("pivot: ");
    expect(said).toContain(line);
    expect(said).not.toContain("\n");
  });
});

describe.skipIf(why !== undefined)(about("with a single id"), () => {
  const user = new OrdinaryUser("single");
  const run = (...words: readonly string[]) => user.ok("run", "--rm", ...quiet, ...words);
  beforeAll(() => run("busybox", "true").then(() => {}));
  afterEach(() => user.expectNobody());
  afterAll(() => {
    user.drop();
  });

  test("keep-id: the user, and nobody else", async () => {
    const volume = give(user, "volume");
    const look = "cat /proc/self/uid_map; id -u; touch /d/new; stat -c %u /bin/busybox";
    expect(
      lines(await run("--userns", "keep-id", "-v", `${volume}:/d`, "busybox", "sh", "-c", look)),
    ).toEqual([`${userId} 0 1`, String(userId), String(userId)]);
    expect(ownersOf(`${volume}/new`)).toBe(`${userId}:${userId}`);
  });

  test.each(["auto", "nomap"])("%s takes more ids, in one line", async (mode) => {
    expect(await user.fails("run", "--rm", ...quiet, "--userns", mode, "busybox", "true")).toBe(
      `pivot: --userns ${mode}: it takes subordinate ids, of which there are none here: have your administrator add some (sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER), or use --userns host or keep-id`,
    );
  });

  test("a map of more than the user is one line", async () => {
    expect(await user.fails("run", "--rm", ...quiet, "--uidmap", "0:0:2", "busybox", "true")).toBe(
      'pivot: invalid argument "0:0:2" for "--uidmap": 1 is no id outside: there is 0 alone, which is you, and usermod --add-subuids and --add-subgids add more',
    );
  });
});
