// What -v, --mount and --tmpfs show inside: the right things, with the flags that were asked for.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { type MountLine, parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("volumes");

let count = 0;

/** A new directory of the host with one file in it. */
function source(): string {
  const path = `${ground.directory}/source-${count++}`;
  mkdirSync(`${path}/sub`, { recursive: true });
  writeFileSync(`${path}/file`, "of the host\n");
  return path;
}

/** The mounts inside at and below a path, topmost last. */
function mountsAt(flags: readonly string[], at: string): MountLine[] {
  const text = ground.shell(flags, "cat /proc/self/mountinfo");
  return parseMountinfo(text).filter((mount) => mount.at === at || mount.at.startsWith(`${at}/`));
}

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A shell in a mount namespace of its own, where the host's part of a test may mount. */
function inOwnNamespace(script: string) {
  const pivot = [pivotPath, ...ground.roots()].map(word).join(" ");
  const line = `pivot() { ${pivot} "$@"; }; ${script}`;
  return ground.command(["unshare", "-m", "--propagation", "private", "/bin/bash", "-c", line]);
}

describe.skipIf(whyNot !== undefined)(`volumes (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("-v shows a directory, both ways", () => {
    const host = source();
    const script = "cat /in/file; echo new >/in/made; rm /in/file; ls /in";
    expect(ground.shell(["-v", `${host}:/in`], script)).toBe("of the host\nmade\nsub");
    expect(readFileSync(`${host}/made`, "utf8")).toBe("new\n");
    expect(existsSync(`${host}/file`)).toBeFalse();
  });

  test("-v shows a single file", () => {
    const host = source();
    const flags = ["-v", `${host}/file:/etc/hosts`, "-v", `${host}/file:/new/place/of-it`];
    expect(ground.shell(flags, "cat /etc/hosts /new/place/of-it; ls /new/place")).toBe(
      "of the host\nof the host\nof-it",
    );
  });

  test("-v from the working directory: ./x, . and ..", () => {
    const host = source();
    const flags = ["-v", "./sub:/a", "-v", ".:/b", "-v", "..:/c:ro"];
    const ran = ground.run([...flags, "busybox", "sh", "-c", "ls /b; ls -d /c/source-*; ls /a"], {
      cwd: host,
    });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toStartWith("file\nsub\n/c/source-");
  });

  test("-v /:/host shows the whole host, read-only if asked", () => {
    const script = `ls -d /host${ground.directory}; touch /host/never 2>&1`;
    const ran = ground.run(["-v", "/:/host:ro", "busybox", "sh", "-c", script]);
    expect(ran.stdout).toBe(
      `/host${ground.directory}\ntouch: /host/never: Read-only file system\n`,
    );
  });

  test("-v makes a source that is not there; --mount does not", () => {
    const host = `${ground.directory}/missing/deep`;
    const mounted = ground.run(["--mount", `type=bind,src=${host},dst=/in`, "busybox", "true"]);
    expect(mounted).toMatchObject({ code: 125, stdout: "" });
    expect(mounted.stderr).toMatch(
      new RegExp(
        `^pivot: cannot bind ${host} [^\\n]*ENOENT[^\\n]*make it first, or use -v[^\\n]*\\n$`,
      ),
    );
    expect(existsSync(`${ground.directory}/missing`)).toBeFalse();
    ground.shell(["-v", `${host}:/in`], "true");
    expect(statSync(host).mode & 0o7777).toBe(0o755);
  });

  test("-v :ro refuses writes, and says so in the flags of the mount", () => {
    const host = source();
    const flags = ["-v", `${host}:/in:ro`];
    expect(ground.shell(flags, "touch /in/x 2>&1; echo x 2>&1 >/in/file; true")).toContain(
      "Read-only file system",
    );
    expect(mountsAt(flags, "/in")[0]?.flags).toContain("ro");
    expect(mountsAt(["-v", `${host}:/in`], "/in")[0]?.flags).toContain("rw");
    expect(existsSync(`${host}/x`)).toBeFalse();
  });

  test("read-only reaches the mounts below as well: nothing under :ro can be written", () => {
    const host = source();
    const script = `
      mount -t tmpfs tmpfs ${word(host)}/sub
      for flag in -v=${host}:/in:ro -v=${host}:/in:rro \
        --mount=type=bind,src=${host},dst=/in,readonly \
        --mount=type=bind,src=${host},dst=/in,readonly,bind-recursive=readonly \
        --mount=type=bind,src=${host},dst=/in,readonly,bind-recursive=writable \
        --mount=type=bind,src=${host},dst=/in,readonly,bind-recursive=disabled
      do
        pivot run --rm "$flag" busybox sh -c '
          touch /in/x 2>/dev/null && echo -n top:written || echo -n top:refused
          touch /in/sub/x 2>/dev/null && echo " sub:written" || echo " sub:refused"'
      done`;
    const { stdout, stderr } = inOwnNamespace(script);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "top:refused sub:refused",
      "top:refused sub:refused",
      "top:refused sub:refused",
      "top:refused sub:refused",
      "top:refused sub:written",
      "top:refused sub:refused",
    ]);
  });

  test("bind-recursive=disabled leaves the mounts below away", () => {
    const host = source();
    const script = `
      mount -t tmpfs tmpfs ${word(host)}/sub && touch ${word(host)}/sub/mounted
      for more in "" ,bind-recursive=disabled ,bind-nonrecursive; do
        pivot run --rm --mount "type=bind,src=${host},dst=/in$more" busybox sh -c 'echo "[$(ls /in/sub)]"'
      done`;
    expect(inOwnNamespace(script)).toMatchObject({ stdout: "[mounted]\n[]\n[]\n", stderr: "" });
  });

  test("flags of the source's mount are kept: nosuid, nodev and noexec", () => {
    const host = source();
    const script = `
      mount -t tmpfs -o nosuid,nodev,noexec tmpfs ${word(host)}/sub
      pivot run --rm -v ${host}/sub:/in busybox grep ' /in ' /proc/self/mountinfo`;
    const { stdout } = inOwnNamespace(script);
    expect(parseMountinfo(stdout)[0]?.flags).toEqual(
      expect.arrayContaining(["rw", "nosuid", "nodev", "noexec"]),
    );
  });

  test("mounts are made in the order of their targets' depth or as given, none hides another", () => {
    const [outer, inner] = [source(), source()];
    writeFileSync(`${inner}/inner`, "");
    const flags = ["-v", `${inner}:/in/sub`, "-v", `${outer}:/in`];
    expect(ground.shell(flags, "ls /in /in/sub").split("\n")).toEqual([
      "/in:",
      "file",
      "sub",
      "",
      "/in/sub:",
      "file",
      "inner",
      "sub",
    ]);
  });

  test("hundreds of mounts; and more than the executor can keep are refused, and nothing is kept", () => {
    const host = source();
    const mounts = (many: number): string[] =>
      Array.from({ length: many }, (_, i) => ["-v", `${host}/file:/many/${i}:ro`]).flat();
    expect(ground.shell(mounts(300), "ls /many | wc -l")).toBe("300");
    const { code, stderr } = ground.pivot(["run", ...mounts(1100), "busybox", "true"]);
    expect({ code, stderr: stderr.split("\n").length }).toEqual({ code: 125, stderr: 2 });
    expect(stderr).toContain("leave some of its mounts out");
    expect(ground.pivot(["ps", "-aq"]).stdout).toBe("");
  });

  test("two mounts on one target are refused, naming it", () => {
    const host = source();
    const ran = ground.run(["-v", `${host}:/in`, "-v", `${host}/sub:/in`, "busybox", "true"]);
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toMatch(/^pivot: [^\n]*\/in[^\n]*\n$/);
  });

  test("a target that is a link in the root stays in the root", () => {
    const canary = `${ground.directory}/canary`;
    mkdirSync(canary);
    const root = makeSmallRoot(ground, "linked");
    mkdirSync(`${root}${canary}`, { recursive: true });
    symlinkSync(canary, `${root}/out`);
    symlinkSync("../../../../../../../..", `${root}/up`);
    const host = source();
    const flags = ["-v", `${host}:/out/a`, "-v", `${host}/file:/up${canary}/b`];
    const ran = ground.run([...flags, "--rootfs", root, "/bin/ls", "/out/a"]);
    expect(ran).toMatchObject({ code: 0, stdout: "file\nsub\n", stderr: "" });
    expect(ground.command(["ls", "-A", canary]).stdout).toBe("");
  });

  test("a target that is a link to nothing is made where the link says, in the root", () => {
    const canary = `${ground.directory}/nowhere`;
    const root = makeSmallRoot(ground, "dangling");
    symlinkSync("../run/systemd/resolve/stub-resolv.conf", `${root}/etc/resolv.conf`);
    symlinkSync(canary, `${root}/out`);
    const flags = ["-v", `${source()}:/out/a`, "--dns", "192.0.2.1", "--rootfs", root];
    const script = `cat /etc/resolv.conf /run/systemd/resolve/stub-resolv.conf; ls ${canary}/a`;
    const ran = ground.run([...flags, "/bin/sh", "-c", script]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toBe("nameserver 192.0.2.1\nnameserver 192.0.2.1\nfile\nsub\n");
    expect(existsSync(canary)).toBeFalse();
  });

  test("--tmpfs: empty, of its own, with the defaults of docker", () => {
    const found = mountsAt(["--tmpfs", "/scratch"], "/scratch")[0];
    expect(found?.type).toBe("tmpfs");
    expect(found?.flags).toEqual(expect.arrayContaining(["rw", "nosuid", "nodev", "noexec"]));
    const script = "stat -c %a /scratch; ls -A /scratch; echo x >/scratch/file; cat /scratch/file";
    expect(ground.shell(["--tmpfs", "/scratch"], script)).toBe("1777\nx");
  });

  test("--tmpfs with options, and --mount type=tmpfs with its own", () => {
    const size = "df -k /t | tail -1 | tr -s ' ' | cut -d' ' -f2";
    const script = `${size}; stat -c %a /t`;
    expect(ground.shell(["--tmpfs", "/t:size=2m,mode=750,exec"], script)).toBe("2048\n750");
    expect(mountsAt(["--tmpfs", "/t:exec"], "/t")[0]?.flags).not.toContain("noexec");
    expect(mountsAt(["--tmpfs", "/t:ro"], "/t")[0]?.flags).toContain("ro");
    const mount = "type=tmpfs,target=/t,tmpfs-size=3m,tmpfs-mode=711";
    expect(ground.shell(["--mount", mount], script)).toBe("3072\n711");
    expect(mountsAt(["--mount", "type=tmpfs,dst=/t,readonly"], "/t")[0]?.flags).toContain("ro");
  });

  test("--read-only: only what is mounted can be written", () => {
    const host = source();
    const flags = ["--read-only", "--tmpfs", "/scratch", "-v", `${host}:/in`];
    const script =
      "for d in / /etc /tmp /scratch /in /dev/shm; do touch $d/x 2>/dev/null && echo $d; done; true";
    expect(ground.shell(flags, script)).toBe("/scratch\n/in\n/dev/shm");
  });

  const refused: readonly (readonly [flag: string, value: string, said: string])[] = [
    ["-v", "relative:/x:nope", "invalid mode: nope"],
    ["-v", "/a:relative", ""],
    ["-v", "/a:/", ""],
    ["-v", "/a:/b:ro,rw", "of ro, rro and rw one at most"],
    ["-v", "", "it looks like SOURCE:TARGET:MODE"],
    ["--mount", "type=nope,target=/x", "mount type 'nope' unknown: it is bind, tmpfs or volume"],
    ["--mount", "type=bind,source=/a", ""],
    ["--mount", "type=bind,target=/x", "source is required"],
    ["--mount", "type=tmpfs,target=/x,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"],
    ["--mount", "type=bind,source=/a,target=/x,nope=1", "unexpected key 'nope'"],
    ["--tmpfs", "relative", ""],
  ];
  for (const [flag, value, said] of refused) {
    test(`${flag} ${JSON.stringify(value)} is refused, naming it`, () => {
      const ran = ground.run([flag, value, "busybox", "true"]);
      expect(ran).toMatchObject({ code: 125, stdout: "" });
      const names = { "-v": "-v, --volume" }[flag] ?? flag;
      expect(ran.stderr).toStartWith(
        `pivot: invalid argument ${JSON.stringify(value)} for "${names}": ${said}`,
      );
      expect(ran.stderr.split("\n")).toHaveLength(2);
    });
  }
});
