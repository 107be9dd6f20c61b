// User namespaces of root's containers: who is who inside and outside, and what stays apart.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, writeLayout } from "../src/image/testing/image.ts";
import { dir, file, link, xattr } from "../src/image/testing/members.ts";
import { defaultPool } from "../src/users/allocate.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";

const ground = new Ground("users");

/** Milliseconds: many commands in a row, on a machine that has others to run. */
const limit = 60_000 * patience;

const said = (ran: Ran): string => {
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trimEnd();
};

/** Owner, mode and kind of everything below a directory. */
function ownersBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    const { uid, gid, mode, ctimeMs } = lstatSync(path);
    return [
      `${path} ${uid}:${gid} ${mode} ${ctimeMs}`,
      ...(entry.isDirectory() ? ownersBelow(path) : []),
    ];
  });
}

/** cap_net_bind_service+ep as the kernel keeps it: version 2, whose root is the host's. */
const bindService = "\u0001\u0000\u0000\u0002\u0000\u0004\u0000\u0000" + "\u0000".repeat(12);

let image: string | undefined;

/** An image with owners, a device, a directory that hides what is below it, and file capabilities. */
function richImage(): string {
  if (image !== undefined) return image;
  ground.shell([], "true"); // so that busybox is there
  const busybox = readdirSync(`${ground.root}/layers`)
    .map((name) => `${ground.root}/layers/${name}/bin/busybox`)
    .find((path) => existsSync(path));
  const program = { mode: 0o755, content: readFileSync(busybox ?? "") };
  const lower = tarArchive([
    dir("bin/"),
    file("bin/busybox", "", program),
    ...["sh", "cat", "ls", "id", "touch", "chown", "mount", "dd", "kill", "sleep", "true"].map(
      (name) => link(`bin/${name}`, "busybox"),
    ),
    dir("caps/"),
    file("caps/busybox", "", { ...program, ...xattr("security.capability", bindService) }),
    link("caps/cat", "busybox"),
    dir("own/", 0o700, { uid: 7, gid: 8 }),
    file("own/file", "secret", { mode: 0o600, uid: 7, gid: 8 }),
    dir("opaque/"),
    file("opaque/gone"),
    { name: "zero", type: "character", mode: 0o666, deviceMajor: 1, deviceMinor: 5 },
  ]);
  const upper = tarArchive([dir("opaque/"), file("opaque/.wh..wh..opq", ""), file("opaque/there")]);
  const directory = `${ground.directory}/layout`;
  writeLayout(directory, makeImage([{ tar: lower }, { tar: upper }]));
  said(ground.pivot(["image", "copy", `oci:${directory}`, "rich:1"]));
  image = "rich:1";
  return image;
}

/** A command with other files in place of /etc/subuid and /etc/subgid, in a mount namespace. */
function withRanges(text: string, words: readonly string[]): Ran {
  const path = `${ground.directory}/ranges`;
  writeFileSync(path, text);
  const script = `mount --bind ${path} /etc/subuid && mount --bind ${path} /etc/subgid && exec "$@"`;
  const enter = ["unshare", "-m", "sh", "-c", script, "sh"];
  return ground.command([...enter, pivotPath, ...ground.roots(), ...words]);
}

const firstOutside = (uidMap: string): number => Number(uidMap.trim().split(/\s+/)[1]);

describe.skipIf(whyNot !== undefined)(`user namespaces (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close(), limit);

  test(
    "the first start says which ids are used, and no other does",
    () => {
      const words = ["--userns", "auto", "busybox", "true"];
      const [first, second] = [ground.run(words), ground.run(words)];
      if (/^containers:/m.test(readFileSync("/etc/subuid", "latin1"))) return;
      expect(first.stderr).toBe(
        `pivot: warning: --userns: no ranges for containers in /etc/subuid and /etc/subgid, so ids from ${defaultPool.start} to 2147483647 are used\n`,
      );
      expect(second).toMatchObject({ code: 0, stderr: "" });
    },
    limit,
  );

  describe.each([
    ["by mounts", {}],
    ["by copies", { PIVOT_IDMAP: "no" }],
  ])("owners %s", (how, env) => {
    const name = how.replaceAll(" ", "-");

    test(
      "root inside is somebody else outside, and the image's owners are right",
      async () => {
        const layers = `${ground.root}/layers`;
        const words = [richImage(), "ls", "-ln", "/own/file", "/opaque", "/bin/busybox"];
        const before = ownersBelow(layers);
        const ran = ground.run(["--userns", "auto", ...words], { env });
        expect(said(ran)).toMatch(/ 7 +8 .*\/own\/file/);
        expect(ran.stdout).toMatch(/ 0 +0 .*\/bin\/busybox/);
        expect(ran.stdout).toContain(" there");
        expect(ran.stdout).not.toContain("gone");
        expect(ownersBelow(layers)).toEqual(before);
      },
      limit,
    );

    test(
      "what it writes is its own, and its capabilities are the namespace's",
      () => {
        const script =
          "cat /proc/self/uid_map; touch /new; chown 5:6 /new; ls -ln /new; cat /own/file; chown 70000 /new || true";
        const ran = ground.run(["--userns", "auto", richImage(), "sh", "-c", script], { env });
        const [map = "", listed] = said(ran).split("\n");
        expect(firstOutside(map)).toBeGreaterThanOrEqual(defaultPool.start);
        expect(listed).toMatch(/ 5 +6 .*\/new$/);
        expect(ran.stdout).toContain("secret");
        expect(ran.stderr).toContain("Invalid argument");
        const able = [
          "-u",
          "1000",
          "--userns",
          "auto",
          richImage(),
          "/caps/cat",
          "/proc/self/status",
        ];
        expect(said(ground.run(able, { env }))).toMatch(/^CapPrm:\s+0000000000000400$/m);
      },
      limit,
    );

    test(
      "start, exec, cp, diff, commit and export see the owners that are seen inside",
      () => {
        const pivot = (...words: string[]) => said(ground.pivot(words, { env }));
        const copied = `${ground.directory}/copied-${name}`;
        const program = [richImage(), "sh", "-c", "sleep 1000"];
        try {
          pivot("run", "-d", "--name", name, "--userns", "auto", ...program);
          pivot("exec", name, "sh", "-c", "echo x >/opaque/new; chown 5:6 /opaque/new");
          pivot("exec", "-u", "33:34", name, "sh", "-c", "echo open >/dev/stdout");
          const pid = Number(pivot("inspect", "-f", "{{.State.Pid}}", name));
          const outside = firstOutside(readFileSync(`/proc/${pid}/uid_map`, "latin1"));
          expect(readFileSync(`/proc/${pid}/status`, "latin1")).toMatch(
            new RegExp(`^Uid:\t${outside}\t${outside}\t`, "m"),
          );
          expect(pivot("inspect", "-f", "{{.HostConfig.IDMappings.UidMap}}", name)).toBe(
            `[0:${outside}:65536]`,
          );
          const looks = (): void => {
            pivot("cp", "-a", `${name}:/opaque/new`, copied);
            const { uid, gid } = statSync(copied);
            expect([uid, gid]).toEqual([5, 6]);
            expect(pivot("diff", name).split("\n").sort()).toEqual(["A /opaque/new", "C /opaque"]);
          };
          looks();
          pivot("stop", "-t", "0", name);
          looks();
          writeFileSync(copied, "from outside");
          pivot("cp", copied, `${name}:/opaque/again`);
          pivot("commit", name, `${name}:1`);
          pivot("start", name);
          const listing = pivot("exec", name, "ls", "-ln", "/opaque");
          expect(listing).toMatch(/ 0 +0 .* again\n/);
          expect(listing).toMatch(/ 5 +6 .* new$/m);
          // The ids are its own as long as it is there.
          const again = Number(pivot("inspect", "-f", "{{.State.Pid}}", name));
          expect(firstOutside(readFileSync(`/proc/${again}/uid_map`, "latin1"))).toBe(outside);
          expect(pivot("run", "--rm", `${name}:1`, "ls", "-ln", "/opaque")).toBe(listing);
        } finally {
          ground.pivot(["rm", "-f", name]);
        }
      },
      limit,
    );
  });

  test(
    "two containers are nobody to each other: files, signals, capabilities",
    async () => {
      const shared = `${ground.directory}/shared`;
      mkdirSync(shared);
      chmodSync(shared, 0o1777);
      const mine = `umask 077; echo mine >/shared/private; echo ready; exec sleep 1000`;
      const one = await ground.start(
        ["--userns", "auto", "-v", `${shared}:/shared`],
        ["busybox", "sh", "-c", mine],
      );
      const two = ["--userns", "auto", "--pid", "host", "-v", `${shared}:/shared`];
      const attempt = (script: string, more: readonly string[] = []): Ran =>
        ground.run([...more, ...two, "busybox", "sh", "-c", script]);
      expect(attempt("cat /shared/private").stderr).toContain("Permission denied");
      expect(attempt("rm -f /shared/private").stderr).toContain("Operation not permitted");
      expect(attempt("chown 0 /shared/private").code).not.toBe(0);
      expect(attempt(`kill -9 ${one.pid}`).stderr).toContain("Operation not permitted");
      expect(attempt(`ls /proc/${one.pid}/root/`, ["--privileged"]).code).not.toBe(0);
      // Of the host they are nobody either.
      const secret = `${ground.directory}/secret`;
      writeFileSync(secret, "the host's", { mode: 0o600 });
      const host = ground.run([
        "--privileged",
        "--userns",
        "auto",
        "-v",
        `${secret}:/s`,
        "busybox",
        "cat",
        "/s",
      ]);
      expect(host.stderr).toContain("Permission denied");
      expect(statSync(`${shared}/private`).uid).toBeGreaterThanOrEqual(defaultPool.start);
      await one.stop();
    },
    limit,
  );

  test(
    "no device of an image is ever opened, whatever is remounted",
    () => {
      const script =
        "mount -o remount,bind,dev / ; cat /proc/mounts | while read a b c d e; do [ $b = / ] && echo $d; done; dd if=/zero bs=1 count=1";
      const ran = ground.run(["--privileged", "--userns", "auto", richImage(), "sh", "-c", script]);
      expect(ran.stderr).toContain("mount: permission denied");
      expect(ran.stdout).toMatch(/^rw,nodev,/m);
      expect(ran.stderr).toContain("can't open '/zero': Permission denied");
      // Nor can the owner of the namespace reach the host's kernel.
      const reach = "echo 1 >/proc/sys/kernel/panic || echo h >/proc/sysrq-trigger || exit 9";
      expect(
        ground.run(["--privileged", "--userns", "auto", "busybox", "sh", "-c", reach]).code,
      ).toBe(9);
    },
    limit,
  );

  test(
    "ranges do not meet, also of many that are made at once; rm gives them back",
    async () => {
      const names = Array.from({ length: 6 }, (_, i) => `many-${i}`);
      const made = names.map((name) =>
        spawn(pivotPath, [
          ...ground.roots(),
          "create",
          "--name",
          name,
          "--userns",
          "auto",
          "busybox",
        ]),
      );
      const codes = await Promise.all(made.map((each) => once(each, "close")));
      expect(codes.map(([code]) => code)).toEqual(names.map(() => 0));
      const start = (name: string): string =>
        said(ground.pivot(["inspect", "-f", "{{index .HostConfig.IDMappings.GidMap 0}}", name]));
      expect(new Set(names.map(start)).size).toBe(names.length);
      const ids = new Set(
        names.map((name) => said(ground.pivot(["inspect", "-f", "{{.Id}}", name]))),
      );
      // What says that they are taken is the records alone.
      expect(readdirSync(`${ground.runRoot}/userns`).filter((id) => ids.has(id))).toEqual([]);
      const lowest = names.find((name) => start(name) === `0:${defaultPool.start}:65536`);
      expect(lowest).toBeDefined();
      said(ground.pivot(["rm", lowest ?? ""]));
      const next = ground.shell(["--userns", "auto"], "cat /proc/self/uid_map");
      expect(firstOutside(next)).toBe(defaultPool.start);
      said(ground.pivot(["rm", ...names.filter((name) => name !== lowest)]));
    },
    limit,
  );

  test(
    "a range is given back when its container is killed",
    async () => {
      const ids = (): number =>
        firstOutside(ground.shell(["--userns", "auto"], "cat /proc/self/uid_map"));
      const free = ids();
      const one = await ground.start(["--userns", "auto"]);
      expect(ids()).toBeGreaterThan(free);
      one.process.kill("SIGKILL");
      await one.stop().catch(() => undefined);
      expect(ids()).toBe(free);
      said(ground.pivot(["system", "prune", "-f"]));
    },
    limit,
  );

  test(
    "maps as they are asked for",
    () => {
      const maps = (
        flags: readonly string[],
        script = "cat /proc/self/uid_map /proc/self/gid_map",
      ) =>
        ground
          .shell(flags, script)
          .replaceAll(/ +/g, " ")
          .split("\n")
          .map((line) => line.trim());
      expect(maps(["--uidmap", "0:100000:1000", "--gidmap", "0:200000:5"])).toEqual([
        "0 100000 1000",
        "0 200000 5",
      ]);
      expect(maps(["--uidmap", "0:100000:1000"])[1]).toBe("0 100000 1000");
      expect(maps(["--userns", "auto:size=10,uidmapping=3:4000:1"])).toEqual([
        `0 ${defaultPool.start} 3`,
        "3 4000 1",
        `4 ${defaultPool.start + 3} 6`,
        `0 ${defaultPool.start} 10`,
      ]);
      const kept = ground.run(["--userns", "keep-id:uid=1000,gid=1001", "busybox", "id"]);
      expect(kept.stdout).toBe("uid=1000 gid=1001 groups=1001\n");
      expect(kept.stderr).toContain("the caller is root, so 1000:1001 inside is root outside");
      expect(ground.run(["--userns", "nomap", "busybox", "true"]).stderr).toContain(
        "is nobody inside",
      );
      expect(ground.run(["--userns", "keep-id", "busybox", "true"]).stderr).toContain(
        "itself outside",
      );
    },
    limit,
  );

  test(
    "ranges of /etc/subuid: for containers, and of a user by name",
    () => {
      const ranges = "containers:300000:3000\nroot:400000:10\nroot:500000:20\nbad line\n";
      const maps = ["busybox", "cat", "/proc/self/uid_map"];
      const run = (...words: string[]) => withRanges(ranges, ["run", "--rm", ...words]);
      expect(firstOutside(said(run("--userns", "auto:size=3000", ...maps)))).toBe(300000);
      expect(run("--userns", "auto", ...maps)).toMatchObject({
        code: 125,
        stderr:
          "pivot: --userns: there are no 65536 uids in a row left for containers: add a range for containers to /etc/subuid and /etc/subgid, or remove containers, or ask for fewer by --userns auto:size=N\n",
      });
      expect(said(run("--subuidname", "root", ...maps)).replaceAll(/ +/g, " ")).toBe(
        " 0 400000 10\n 10 500000 20",
      );
      expect(said(run("--subgidname", "0", ...maps))).toContain("400000");
      const none = run("--subuidname", "mallory", ...maps);
      expect(none.stderr).toBe(
        'pivot: invalid argument "mallory" for "--subuidname": /etc/subuid has no range for mallory (line 4 there is not understood: expected NAME:START:COUNT): usermod --add-subuids adds one\n',
      );
    },
    limit,
  );

  test(
    "a container in another's user namespace",
    async () => {
      const one = await ground.start(["--userns", "auto:size=5000"]);
      const script = "cat /proc/self/uid_map; touch /x; ls -ln /x";
      const joined = ground.shell(["--userns", `container:${one.name}`], script);
      expect(joined).toMatch(/ 5000\n.* 0 +0 /);
      const path = ground.shell(["--userns", `/proc/${one.pid}/ns/user`], script);
      expect(path.split("\n")[0]).toBe(joined.split("\n")[0]);
      await one.stop();
    },
    limit,
  );

  test(
    "volumes: a new one is root's, one with idmap has the owners of the inside on the disk",
    () => {
      const data = (name: string, path = ""): number[] => {
        const { uid, gid } = statSync(`${ground.root}/volumes/${name}/_data${path}`);
        return [uid, gid];
      };
      const range = "--uidmap=0:100000:65536";
      ground.shell([range, "-v", "plain:/data"], "touch /data/x");
      expect(data("plain")).toEqual([100000, 100000]);
      expect(data("plain", "/x")).toEqual([100000, 100000]);
      said(ground.run([range, "-v", "filled:/own", richImage(), "cat", "/own/file"]));
      expect(data("filled", "/file")).toEqual([100007, 100008]);
      said(ground.run([range, "-v", "mapped:/own:idmap", richImage(), "cat", "/own/file"]));
      expect([data("mapped"), data("mapped", "/file")]).toEqual([
        [7, 8],
        [7, 8],
      ]);
      said(ground.pivot(["volume", "rm", "plain", "filled", "mapped"]));
    },
    limit,
  );

  test(
    "binds: U gives them away, idmap shows them as if, and nothing outside is touched",
    () => {
      const source = `${ground.directory}/bind`;
      mkdirSync(`${source}/below`, { recursive: true });
      const outside = `${ground.directory}/outside`;
      for (const path of [outside, `${source}/below/file`]) writeFileSync(path, "");
      ground.command(["ln", "-s", outside, `${source}/below/link`]);
      const owner = (path: string): number[] => [lstatSync(path).uid, lstatSync(path).gid];
      const range = "--uidmap=0:100000:65536";
      const list = "ls -ln /data/below/file";
      expect(ground.shell([range, "-v", `${source}:/data`], list)).toMatch(/ 65534 +65534 /);
      expect(ground.shell([range, "-v", `${source}:/data:idmap`], list)).toMatch(/ 0 +0 /);
      expect(owner(`${source}/below/file`)).toEqual([0, 0]);
      ground.shell([range, "-u", "5:6", "-v", `${source}:/data:U`], "touch /data/new");
      expect(owner(`${source}/below/file`)).toEqual([100005, 100006]);
      expect(owner(`${source}/below/link`)).toEqual([100005, 100006]);
      expect(owner(outside)).toEqual([0, 0]);
      const own = "idmap=uids=100005-100000-1;gids=100006-100000-1";
      expect(ground.shell([range, "-v", `${source}:/data:${own}`], list)).toMatch(/ 0 +0 /);
      // Without a user namespace, by a name that the image knows.
      ground.shell(
        ["-u", "nobody", "--mount", `type=bind,src=${source},dst=/data,U`],
        "touch /data/n",
      );
      expect(owner(source)).toEqual([65534, 65534]);
      chownSync(source, 0, 0);
    },
    limit,
  );

  test.each([
    [["--userns", "auto:size=0"], 'invalid argument "auto:size=0" for "--userns": a size is'],
    [["--userns", "auto:size=268435457"], "--userns: there are no 268435457 uids in a row left"],
    [["--userns", "frob"], 'invalid argument "frob" for "--userns": invalid mode: it is auto,'],
    [["--uidmap", "0:0"], null],
    [["--uidmap", "0:0:4294967296"], 'invalid argument "0:0:4294967296" for "--uidmap":'],
    [
      ["--uidmap", "0:1:5", "--uidmap", "3:9:1"],
      "--uidmap: 3:9:1 and 0:1:5 map an id inside twice",
    ],
    [["--uidmap", "0:1:5", "--userns", "auto"], "--userns: conflicting options: --uidmap is for"],
    [["--uidmap", "0:1:5", "--subuidname", "root"], "--subuidname: conflicting options:"],
    [["--subuidname", "a:b"], 'invalid argument "a:b" for "--subuidname": it is'],
    [["--userns", "auto", "-u", "70000"], "does not exist in its user namespace; more come from "],
    [["--userns", "container:nobody"], "no such container: nobody; `pivot ps -a` lists them all"],
    [["--userns", "/nowhere"], "cannot open /nowhere"],
    [["--userns", "auto", "-v", "/etc:/x:U"], "U would give /etc of the host away"],
    [["-v", "/tmp:/x:idmap=uids=a-b-c"], "idmap looks like"],
  ])("%j is one line", (flags, line) => {
    const ran = ground.run([...flags, "busybox", "true"]);
    expect(ran.code).toBe(line === null ? 0 : 125);
    if (line === null) return;
    expect(ran.stderr).toStartWith("pivot: ");
    // The first start of all says which ids are used.
    const lines = ran.stderr
      .trimEnd()
      .split("\n")
      .filter((each) => !each.includes("warning"));
    expect(lines).toEqual([expect.stringContaining(line)]);
  });
});
