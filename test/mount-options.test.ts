// Options of mounts as config.md lists them, looked at from inside.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type BundleConfig, makeBundle, runBundle } from "./bundle.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("mount-options");
const root = makeSmallRoot(ground, "root");

type MountWish = Readonly<Record<string, unknown>> & { readonly destination: string };

const withMounts =
  (mounts: readonly MountWish[], more?: (config: BundleConfig) => void) =>
  (config: BundleConfig): void => {
    config.mounts.push(...mounts);
    more?.(config);
  };

const run = (script: string, mounts: readonly MountWish[], more?: (c: BundleConfig) => void) =>
  runBundle(ground, root, ["/bin/sh", "-c", script], withMounts(mounts, more));

function said(script: string, mounts: readonly MountWish[], more?: (c: BundleConfig) => void) {
  const ran = run(script, mounts, more);
  if (ran.code !== 0 || ran.stderr !== "") throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trim();
}

/** Flags and options of the mount at `/m`, as mountinfo has them. */
function found(mounts: readonly MountWish[], more?: (config: BundleConfig) => void) {
  const line = parseMountinfo(said("cat /proc/self/mountinfo", mounts, more)).findLast(
    ({ at }) => at === "/m",
  );
  return { flags: line?.flags ?? [], options: line?.options ?? [] };
}

const tmpfs = (...options: string[]): MountWish => ({
  destination: "/m",
  type: "tmpfs",
  source: "tmpfs",
  options,
});

const source = `${ground.directory}/source`;
mkdirSync(source);

const bind = (...options: string[]): MountWish => ({
  destination: "/m",
  source,
  options: ["bind", ...options],
});

const mapped = (containerID: number, hostID: number): Record<string, unknown> => ({
  uidMappings: [{ containerID, hostID, size: 1000 }],
  gidMappings: [{ containerID, hostID, size: 1000 }],
});

/** System users are themselves; 1000 inside is 5000 outside. */
const inUserNamespace = ({ linux }: BundleConfig): void => {
  (linux["namespaces"] as unknown[]).push({ type: "user" });
  const map = [
    { containerID: 0, hostID: 0, size: 1000 },
    { containerID: 1000, hostID: 5000, size: 10 },
  ];
  linux["uidMappings"] = linux["gidMappings"] = map;
};

describe.skipIf(whyNot !== undefined)(`mount options (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const accessTimes: readonly (readonly [string[], string[]])[] = [
    [[], ["relatime"]],
    [["relatime"], ["relatime"]],
    [["noatime"], ["noatime"]],
    [["noatime", "relatime"], ["relatime"]],
    [["noatime", "strictatime"], []],
    [["strictatime", "noatime"], ["noatime"]],
    [["noatime", "atime"], ["relatime"]],
    [["strictatime", "nostrictatime"], ["relatime"]],
    [
      ["noatime", "norelatime", "nodiratime"],
      ["noatime", "nodiratime"],
    ],
    [["rnoatime"], ["noatime"]],
    [["rnoatime", "rrelatime"], ["relatime"]],
  ];
  for (const [options, expected] of accessTimes) {
    test(`access times: ${options.join(",") || "no option"}`, () => {
      const times = (wish: MountWish, before: MountWish[] = []) =>
        found([...before, wish]).flags.filter((flag) => flag.includes("atime"));
      expect(times(tmpfs(...options))).toEqual(expected);
      expect(times(bind(...options))).toEqual(expected);
    });
  }

  test("relatime and atime take noatime away from what is shown again", () => {
    const times = (...options: string[]) =>
      found([tmpfs("noatime"), { destination: "/m", options: ["remount", "bind", ...options] }])
        .flags;
    expect(times()).toContain("noatime");
    expect(times("relatime")).toContain("relatime");
    expect(times("atime")).toContain("relatime");
    expect(times("strictatime").join()).not.toContain("atime");
  });

  test("sync, dirsync, lazytime and mand are the file system's, and a bind leaves them out", () => {
    const { options } = found([tmpfs("sync", "dirsync", "lazytime", "mand", "silent", "iversion")]);
    for (const option of ["sync", "dirsync", "lazytime"]) expect(options).toContain(option);
    expect(found([tmpfs("sync", "async", "loud", "nolazytime", "nomand")]).flags).toContain("rw");
    const ran = run("true", [bind("sync", "lazytime")]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(
      /^pivot: warning: mounts\[\d+\] \(\/m\): sync,lazytime is left out: [^\n]+\n$/,
    );
    expect(run("true", [bind("size=4k")]).stderr).toMatch(/takes no options.*size=4k/);
  });

  for (const option of ["ro", "rro"]) {
    test(`/dev with ${option} is read-only, with all that belongs in it`, () => {
      const script =
        "grep ' /dev tmpfs' /proc/mounts; ls /dev/null /dev/pts/ptmx /dev/shm -d; echo x > /dev/null; echo x > /dev/x";
      const { stdout, stderr } = run(script, [], (config) => {
        const dev = config.mounts.find(({ destination }) => destination === "/dev");
        (dev as { options?: string[] }).options = [option, "nosuid", "rnoexec", "mode=755"];
      });
      expect(stdout).toMatch(/^tmpfs \/dev tmpfs ro,nosuid,noexec,/);
      expect(stdout).toEndWith("\n/dev/null\n/dev/pts/ptmx\n/dev/shm\n");
      expect(stderr).toContain("/dev/x: Read-only file system");
    });
  }

  test("cgroups with rro are read-only", () => {
    const text = said("cat /proc/self/mountinfo", [], (config) => {
      const cgroups = config.mounts.find(({ destination }) => destination === "/sys/fs/cgroup");
      (cgroups as { options?: string[] }).options = ["nosuid", "noexec", "nodev", "rro"];
    });
    const mounts = parseMountinfo(text).filter(({ at }) => at.startsWith("/sys/fs/cgroup"));
    expect(mounts.length).toBeGreaterThan(0);
    expect(mounts.filter(({ flags }) => !flags.includes("ro"))).toEqual([]);
  });

  test("what nobody knows is for the file system to say", () => {
    const { code, stderr } = run("true", [tmpfs("shiny")]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^pivot: cannot mount tmpfs on \/m .*shiny[^\n]*\n$/);
  });

  test("remount changes what is named, of the file system and of the mount", () => {
    const again = (...options: string[]): MountWish => ({
      destination: "/m",
      type: "tmpfs",
      options: ["remount", ...options],
    });
    const { flags, options } = found([
      tmpfs("size=64k", "nosuid", "rw"),
      again("size=128k", "ro", "nodev"),
    ]);
    expect(flags).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev"]));
    expect(options).toContain("size=128k");
    expect(found([tmpfs("ro"), again("rw")]).flags).toContain("rw");
    const never = run("true", [again("size=4k")]);
    expect(never.stderr).toMatch(/^pivot: cannot remount \/m [^\n]+\n$/);
  });

  test("the owners of a bind are mapped by its own mappings, and on the host nothing changes", () => {
    writeFileSync(`${source}/file`, "");
    const seen = said("/bin/busybox stat -c '%u:%g' /m/file", [{ ...bind(), ...mapped(0, 5000) }]);
    expect(seen).toBe("5000:5000");
    expect(statSync(`${source}/file`).uid).toBe(0);
  });

  test("idmap takes the mappings of the container: 1000 inside owns what has 1000 on the disk", () => {
    writeFileSync(`${source}/mine`, "");
    chownSync(`${source}/mine`, 1000, 1001);
    const stat = "/bin/busybox stat -c %u:%g /m/mine";
    expect(said(stat, [bind("idmap")], inUserNamespace)).toBe("1000:1001");
    expect(said(stat, [bind()], inUserNamespace)).toBe("65534:65534");
    const make = (config: BundleConfig): void => {
      inUserNamespace(config);
      config.process["user"] = { uid: 1000, gid: 1000 };
    };
    chmodSync(source, 0o777);
    expect(said("echo >/m/made", [bind("idmap")], make)).toBe("");
    expect(statSync(`${source}/made`).uid).toBe(1000);
  });

  test("ridmap maps the mounts below too, idmap does not", () => {
    const below = `${ground.directory}/below`;
    mkdirSync(`${below}/in`, { recursive: true });
    const both = (word: string): string => {
      const bundle = makeBundle(ground, word, root, (config) => {
        config.process["args"] = ["/bin/busybox", "stat", "-c", "%u", "/m", "/m/in"];
        const options = ["rbind", word];
        withMounts([{ destination: "/m", source: below, options, ...mapped(0, 5000) }])(config);
      });
      const script = `mount -t tmpfs tmpfs ${below}/in && exec "$@"`;
      const pivot = [pivotPath, ...ground.roots(), "run", "--rm", "--bundle", bundle];
      const ran = ground.command(["unshare", "-m", "sh", "-c", script, "sh", ...pivot]);
      expect(ran.stderr).toBe("");
      return ran.stdout.trim().replace("\n", " ");
    };
    expect(both("ridmap")).toBe("5000 5000");
    expect(both("idmap")).toBe("5000 0");
  });

  test("a new tmpfs can be mapped, and what cannot says so", () => {
    const stat = "/bin/busybox stat -c %u /m";
    expect(said(stat, [{ ...tmpfs(), ...mapped(0, 700) }])).toBe("700");
    const { code, stderr } = run("true", [
      { destination: "/m", type: "mqueue", source: "m", options: [], ...mapped(0, 700) },
    ]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^pivot: cannot map the owners of .*EINVAL.*leave uidMappings.*\n$/);
    expect(run("true", [bind("idmap")]).stderr).toMatch(/has no user namespace\n$/);
    expect(run("true", [bind("idmap=uids=0-1-10")]).stderr).toMatch(/idmap takes no value/);
  });

  test("tmpcopyup: the tmpfs has what the root has there, down to owners, modes, times and links", () => {
    const rich = makeSmallRoot(ground, "rich", { "m/a/b/file": "deep", "m/one": "1" });
    linkSync(`${rich}/m/one`, `${rich}/m/a/two`);
    symlinkSync("/etc/passwd", `${rich}/m/link`);
    chownSync(`${rich}/m/a/b/file`, 12, 34);
    chmodSync(`${rich}/m/a/b/file`, 0o4755);
    utimesSync(`${rich}/m/a/b`, 1e9, 1.1e9);
    utimesSync(`${rich}/m/one`, 1e9, 1.2e9);
    chownSync(`${rich}/m`, 0, 78);
    chmodSync(`${rich}/m`, 0o1775);
    ground.command(["mknod", `${rich}/m/a/fifo`, "p"]);
    ground.command(["mknod", "-m", "640", `${rich}/m/null`, "c", "1", "3"]);
    const list =
      "cd /m; for f in . a a/b a/b/file one a/two link a/fifo null; do /bin/busybox stat -c '%n %F %a %u:%g %Y %h %t:%T' $f; done; cat a/b/file a/two; /bin/busybox readlink link";
    const seen = (options: string[]) =>
      runBundle(
        ground,
        rich,
        ["/bin/sh", "-c", `${list}; echo new >a/b/made; rm -r a; ls`],
        withMounts([tmpfs(...options)]),
      );
    const plain = runBundle(ground, rich, ["/bin/sh", "-c", list], () => undefined);
    const copied = seen(["tmpcopyup", "nosuid"]);
    expect(copied.stderr).toBe("");
    const links = (text: string) => text.replaceAll(/(directory [^\n]*) \d+ 0:0/g, "$1 - 0:0");
    const copy = copied.stdout.slice(0, copied.stdout.indexOf("/etc/passwd"));
    expect(links(copy)).toBe(links(plain.stdout.slice(0, plain.stdout.indexOf("/etc/passwd"))));
    expect(copied.stdout).toEndWith("/etc/passwd\nlink\nnull\none\n");
  });

  test("tmpcopyup: options of the tmpfs win, read-only stays so, other mounts are not copied", () => {
    const rich = makeSmallRoot(ground, "rich2", { "m/in/x": "covered", "m/one": "1" });
    chmodSync(`${rich}/m`, 0o700);
    const see = (mounts: readonly MountWish[]) =>
      runBundle(
        ground,
        rich,
        ["/bin/sh", "-c", "/bin/busybox stat -c '%a %u' /m; ls -A /m /m/in; echo >/m/new"],
        withMounts(mounts),
      );
    writeFileSync(`${source}/huge`, "");
    const below = { destination: "/m/in", source, options: ["bind"] };
    const ran = see([below, tmpfs("tmpcopyup", "mode=750", "uid=9", "ro")]);
    expect(ran.stdout).toBe("750 9\n/m:\nin\none\n\n/m/in:\n");
    expect(ran.stderr).toMatch(/Read-only file system/);
    const nothing = runBundle(ground, rich, ["/bin/ls", "/new"], (config) => {
      withMounts([{ ...tmpfs("tmpcopyup"), destination: "/new" }])(config);
    });
    expect(nothing).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const small = see([tmpfs("tmpcopyup", "nr_inodes=2")]);
    expect(small.stderr).toMatch(/^pivot: cannot copy what is in \/m .*ENOSPC.*larger size=\n$/);
    expect(run("true", [bind("tmpcopyup")]).stderr).toMatch(/tmpcopyup is for a new tmpfs/);
  });

  test("tmpcopyup in a user namespace", () => {
    const rich = makeSmallRoot(ground, "rich3", { "m/one": "1" });
    const ran = runBundle(ground, rich, ["/bin/cat", "/m/one"], (config) => {
      withMounts([tmpfs("tmpcopyup")], ({ linux }) => {
        (linux["namespaces"] as unknown[]).push({ type: "user" });
        const map = [{ containerID: 0, hostID: 0, size: 65536 }];
        linux["uidMappings"] = linux["gidMappings"] = map;
      })(config);
    });
    expect(ran).toMatchObject({ code: 0, stdout: "1", stderr: "" });
  });
});
