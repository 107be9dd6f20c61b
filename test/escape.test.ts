// Known ways out of a container, tried from inside: each ends inside.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { makeBundle } from "./bundle.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("escape");
const canary = `${ground.directory}/canary`;
const every = ["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"];
const digest = () => createHash("sha256").update(readFileSync(pivotPath)).digest("hex");

describe.skipIf(whyNot !== undefined)(`ways out (${whyNot ?? "as root"})`, () => {
  beforeAll(() => {
    writeFileSync(canary, "the host's\n");
    ground.shell([], "true"); // makes the image
  });
  afterAll(() => ground.close());

  describe("descriptors of the host", () => {
    for (const flags of [[], ["-i"], ["--init"], ["--privileged"], ["--root-switch", "chroot"]]) {
      test(`none but the three streams is open with ${flags.join(" ") || "no flags"}`, () => {
        expect(Object.keys(ground.probe(flags).fds)).toEqual(["0", "1", "2"]);
      });
    }

    test("none of the caller's passes, be they directories or files", () => {
      const words = [pivotPath, ...ground.roots(), "run", "--rm", "busybox"];
      const script = `exec 7</ 8<${canary} 9>/dev/null; exec "$@"`;
      const ran = ground.command(["sh", "-c", script, "sh", ...words, "ls", "/proc/self/fd"]);
      // The fourth is the one that lists.
      expect(ran).toMatchObject({ code: 0, stdout: "0\n1\n2\n3\n" });
    });

    test("standard input that nobody passes on is the container's own null device", () => {
      const { fds } = ground.probe([]);
      expect(fds["0"]).toMatchObject({
        target: "/dev/null",
        type: "character",
        major: 1,
        minor: 3,
      });
    });

    test("process 1 of --init holds none either, and cannot be looked into", async () => {
      const words = ["read:/proc/1/environ", "opendir:/proc/1/cwd", "opendir:/proc/1/root"];
      const { attempts, ppid } = ground.probe(["--init"], words);
      expect(ppid).toBe(1);
      expect(words.map((word) => attempts[word]?.errno)).toEqual(["EACCES", "EACCES", "EACCES"]);
      const { pid, stop } = await ground.start(["--init"]);
      const targets = readdirSync(`/proc/${pid}/fd`).map((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`),
      );
      await stop();
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.filter((target) => !/^(\/dev\/null$|pipe:|anon_inode:)/.test(target))).toEqual(
        [],
      );
    });
  });

  test("process 1 of --init says nothing of the host, even to who may look into it", () => {
    const words = ["read:/proc/1/cmdline", "read:/proc/1/environ", `read:/proc/1/root${canary}`];
    const { attempts } = ground.probe(["--init", ...every], words);
    expect(attempts[words[0] ?? ""]?.text).not.toContain("/");
    // Written over with zeros: their number is all that is left.
    expect(attempts[words[1] ?? ""]?.text?.replaceAll("\0", "")).toBe("");
    expect(attempts[words[2] ?? ""]?.errno).toBe("ENOENT");
  });

  describe("the program that started the container (CVE-2019-5736)", () => {
    test("cannot be written through the links to it", () => {
      const before = digest();
      const words = ["write:/proc/1/exe", "write:/proc/self/exe"];
      const { attempts } = ground.probe(["--init", ...every], words);
      expect(attempts["write:/proc/1/exe"]?.errno).toBeOneOf([
        "EACCES",
        "ETXTBSY",
        "EPERM",
        "EROFS",
      ]);
      expect(digest()).toBe(before);
    });

    test("is not run again by a script whose interpreter is /proc/self/exe", () => {
      const before = digest();
      const root = makeSmallRoot(ground, "script", { "bin/script": "#!/proc/self/exe\n" });
      ground.command(["chmod", "755", `${root}/bin/script`]);
      const ran = ground.run(["--rootfs", root, "/bin/script"]);
      expect(ran.code).not.toBe(0);
      expect(ran.stdout).toBe("");
      expect(digest()).toBe(before);
    });
  });

  test("a file of the host cannot be opened by its handle", () => {
    const word = "handle:/etc/hosts";
    expect(ground.probe([], [word]).attempts[word]?.errno).toBe("EPERM");
  });

  test("by default no namespace can be made and nothing mounted", () => {
    const words = [
      "unshare:0x10000000", // CLONE_NEWUSER
      "unshare:0x00020000", // CLONE_NEWNS
      "mount:tmpfs:/mnt",
      "mount:proc:/mnt",
      "mount:cgroup:/mnt",
      "bind:/proc:/mnt",
      "umount:/proc/keys",
      "escape:/nowhere",
    ];
    const { attempts } = ground.probe([], words);
    const came = words.map((word) => `${word} ${attempts[word]?.errno}`);
    expect(came).toEqual([
      ...words.slice(0, -1).map((word) => `${word} EPERM`),
      "escape:/nowhere ENOENT",
    ]);
  });

  test("no file of the kernel runs programs of the container on the host", () => {
    const words = [
      "write:/proc/sys/kernel/core_pattern",
      "write:/proc/sys/kernel/modprobe",
      "write:/proc/sys/fs/binfmt_misc/register",
      "write:/sys/kernel/uevent_helper",
      "create:/sys/fs/cgroup/release_agent",
    ];
    const { attempts } = ground.probe(["--cap-add", "ALL"], words);
    for (const word of words) {
      expect([word, attempts[word]?.errno]).toEqual([
        word,
        expect.stringMatching(/^(EROFS|EACCES|EPERM|ENOENT)$/),
      ]);
    }
  });

  describe("a root whose devices are not what they say (CVE-2025-31133)", () => {
    const traps: readonly (readonly [what: string, make: (path: string) => void])[] = [
      ["a link out", (path) => symlinkSync(canary, path)],
      [
        "a link to a file of the kernel",
        (path) => symlinkSync("/proc/sys/kernel/core_pattern", path),
      ],
      ["a file", (path) => writeFileSync(path, "")],
      ["a directory", (path) => mkdirSync(path)],
      ["another device", (path) => void ground.command(["mknod", path, "c", "1", "5"])],
      ["a fifo", (path) => void ground.command(["mkfifo", path])],
    ];
    for (const [what, make] of traps) {
      test(`is refused in one line when /dev/null is ${what}`, () => {
        const name = `null-${what.replaceAll(" ", "-")}`;
        const root = makeSmallRoot(ground, name);
        const { ctimeMs } = lstatSync(canary);
        const bundle = makeBundle(ground, `${name}-bundle`, root, (config) => {
          config.process["args"] = ["/bin/cat", "/proc/keys"];
          config.mounts = config.mounts.filter(
            ({ destination }) => !destination.startsWith("/dev"),
          );
        });
        make(`${bundle}/rootfs/dev/null`);
        const ran = ground.run(["--bundle", bundle]);
        expect(ran).toMatchObject({ code: 125, stdout: "" });
        expect(ran.stderr).toMatch(/^pivot: [^\n]*\/dev\/null[^\n]*\n$/);
        expect(lstatSync(canary).ctimeMs).toBe(ctimeMs);
      });
    }

    test("works when it is the right one", () => {
      const root = makeSmallRoot(ground, "null-right");
      const bundle = makeBundle(ground, "null-right-bundle", root, (config) => {
        config.process["args"] = ["/bin/sh", "-c", "cat /proc/keys; stat -c %t:%T /dev/null"];
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
      });
      ground.command(["mknod", "-m", "666", `${bundle}/rootfs/dev/null`, "c", "1", "3"]);
      expect(ground.run(["--bundle", bundle])).toMatchObject({ code: 0, stdout: "1:3\n" });
    });
  });
});
