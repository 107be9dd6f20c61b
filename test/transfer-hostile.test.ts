// cp against a container that means harm: what it swaps, links and plants leads nowhere, and nothing
// is left of a copy that is killed.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { patience } from "./patience.ts";
import { compileC, Ground, pivotPath, type Running, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("transfer-hostile");
const outside = `${ground.directory}/outside`;
const local = `${ground.directory}/local`;
const volume = `${ground.directory}/volume`;
/** Enough for each of the kernel's steps to meet the link now and then. */
const rounds = 4;
let root: string;
let running: Running;

const cp = (...words: string[]) => ground.pivot(["cp", ...words]);
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** All that is outside, with the times of change: an attack that got through shows here. */
const outsideNow = () => [
  ...readdirSync(outside, { recursive: true })
    .sort()
    .map((name) => {
      const { ctimeMs, size } = lstatSync(`${outside}/${String(name)}`);
      return `${String(name)} ${ctimeMs} ${size}`;
    }),
  String(lstatSync(outside).ctimeMs),
];

/** While `name` in the container's root is now a directory, now a link to what is outside. */
async function whileSwapped(name: string, work: () => void): Promise<void> {
  const attacker = spawn(compileC("exchange.c"), [`${root}/${name}`, `${root}/other`], {
    stdio: "ignore",
  });
  try {
    await wait(5);
    for (let i = 0; i < rounds; i++) work();
  } finally {
    attacker.kill("SIGKILL");
  }
}

describe.skipIf(whyNot !== undefined)(`cp and a hostile container (${whyNot ?? "as root"})`, () => {
  beforeAll(async () => {
    compileC("exchange.c");
    for (const path of [`${outside}/sub`, `${local}/tree/sub`, volume]) {
      mkdirSync(path, { recursive: true });
    }
    writeFileSync(`${outside}/secret`, "the host's secret");
    writeFileSync(`${outside}/sub/secret`, "the host's secret");
    writeFileSync(`${local}/tree/sub/secret`, "from the caller");
    writeFileSync(`${local}/file`, "from the caller");
    root = makeSmallRoot(ground, "root", {
      "way/sub/secret": "the container's",
      "etc/passwd": "root:x:0:0::/:/bin/sh\n",
      // What a C library would load to look names up.
      "etc/nsswitch.conf": "passwd: evil\nhosts: evil\n",
      "lib/libnss_evil.so.2": "#!/bin/sh\ntouch /pwned\n",
      "usr/bin/unpigz": "#!/bin/sh\ntouch /pwned\n",
      "usr/bin/xz": "#!/bin/sh\ntouch /pwned\n",
    });
    symlinkSync(outside, `${root}/other`);
    symlinkSync(outside, `${root}/absolute`);
    symlinkSync("../../../../../../../../../../../../../..", `${root}/up`);
    symlinkSync("/proc/self/root", `${root}/magic`);
    symlinkSync("/proc/1/root", `${root}/magic-1`);
    running = await ground.start(
      ["-v", `${volume}:/volume`, "-v", `${outside}/secret:/etc/bound:ro`, "--rootfs"],
      [root, "/bin/sh", "-c", "echo ready; exec sleep 1000"],
    );
  });
  afterAll(() => ground.close());

  test("a directory that is swapped for a link does not lead out of the root", {
    timeout: 60_000 * patience,
  }, async () => {
    const before = outsideNow();
    await whileSwapped("way", () => {
      for (const to of ["/way", "/way/sub", "/way/sub/secret", "/way/new"]) {
        cp(`${local}/file`, `${running.name}:${to}`);
      }
      cp(`${local}/tree/.`, `${running.name}:/way`);
    });
    expect(outsideNow()).toEqual(before);
  });

  test("nor is anything of the host read through it", { timeout: 60_000 * patience }, async () => {
    const target = `${local}/got`;
    await whileSwapped("way", () => {
      cp(`${running.name}:/way/sub/secret`, `${target}-${Math.random()}`);
      cp("-L", `${running.name}:/way`, `${target}-${Math.random()}`);
    });
    // A link that was caught as what it was is the caller's, and is not gone through here.
    const got = readdirSync(local)
      .filter((name) => name.startsWith("got") && !lstatSync(`${local}/${name}`).isSymbolicLink())
      .flatMap((name) =>
        lstatSync(`${local}/${name}`).isDirectory()
          ? readdirSync(`${local}/${name}`, { recursive: true }).map((each) => `${name}/${each}`)
          : [name],
      )
      .map((name) => `${local}/${name}`)
      .filter((path) => lstatSync(path).isFile());
    for (const path of got) expect(readFileSync(path, "utf8")).not.toContain("the host's");
    expect(got.length).toBeGreaterThan(0);
  });

  for (const link of ["absolute", "up", "magic", "magic-1"]) {
    test(`a link to ${link === "up" ? "`..`" : link} stays inside`, () => {
      const before = outsideNow();
      const { name } = running;
      cp(`${local}/file`, `${name}:/${link}/planted`);
      cp(`${local}/file`, `${name}:/${link}`);
      cp(`${local}/tree`, `${name}:/${link}/`);
      expect(outsideNow()).toEqual(before);
      const read = cp("-L", `${name}:/${link}${outside}/secret`, "-");
      expect(read.stdout).not.toContain("the host's secret");
      expect(existsSync("/planted")).toBe(false);
    });
  }

  test("a magic link of /proc is not followed at all", () => {
    for (const path of ["/proc/1/root/etc/passwd", "/proc/self/root/etc/passwd", "/proc/1/cwd/x"]) {
      const { code, stderr } = cp(`${running.name}:${path}`, "-");
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/^pivot: [^\n]+\n$/);
    }
  });

  test("what is mounted is read and written as the container may", () => {
    const { name } = running;
    expect(cp(`${local}/file`, `${name}:/volume/file`).code).toBe(0);
    expect(readFileSync(`${volume}/file`, "utf8")).toBe("from the caller");
    expect(cp(`${name}:/volume/file`, `${local}/of-volume`).code).toBe(0);
    const busy = cp(`${local}/file`, `${name}:/etc/bound`);
    expect(busy.stderr).toMatch(/a mount point cannot be replaced/);
    expect(readFileSync(`${outside}/secret`, "utf8")).toBe("the host's secret");
    // Still mounted where the container has it: the copy of its mounts is not the container's.
    const mounts = readFileSync(`/proc/${running.pid}/mountinfo`, "utf8");
    expect(mounts).toContain(" /etc/bound ");
    const exported = ground.command([
      "sh",
      "-c",
      `${pivotPath} ${ground.roots().join(" ")} export ${name} | tar -xO etc/bound volume 2>&1`,
    ]);
    expect(exported.stdout).not.toContain("the host's secret");
  });

  test("FIFOs and devices neither hold a copy up nor come to the host", () => {
    const made = ground.command([
      "sh",
      "-c",
      `mkdir ${root}/odd && mkfifo ${root}/odd/fifo && mknod ${root}/odd/disk b 8 0 && mknod ${root}/odd/hidden c 0 0`,
    ]);
    expect(made.code).toBe(0);
    const { code, stderr } = cp(`${running.name}:/odd`, `${local}/odd`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/device is copied to this machine only with -a/);
    expect(readdirSync(`${local}/odd`)).toEqual(["fifo"]);
    expect(lstatSync(`${local}/odd/fifo`).isFIFO()).toBe(true);
    const into = cp(`${local}/file`, `${running.name}:/odd/fifo`);
    expect(into.stderr).toMatch(/neither a directory nor a regular file/);
  });

  test("an archive with names that lead out is refused, or stays inside", () => {
    const before = outsideNow();
    const archive = `${ground.directory}/evil.tar`;
    const tar = (...words: string[]) =>
      ground.command(["tar", "-cPf", archive, "-C", local, ...words]);
    for (const transform of [
      `s,file,../../../../..${outside}/planted,`,
      `s,file,absolute/planted,`,
    ]) {
      expect(tar(`--transform=${transform}`, "file").code).toBe(0);
      ground.command([
        "sh",
        "-c",
        `${pivotPath} ${ground.roots().join(" ")} cp - ${running.name}:/ < ${archive}`,
      ]);
    }
    expect(outsideNow()).toEqual(before);
  });

  test("nothing of the image is executed or loaded, also for a compressed archive", () => {
    const script = `tar -czf - -C ${local} file | ${pivotPath} ${ground.roots().join(" ")} cp - ${running.name}:/tmp`;
    expect(ground.command(["sh", "-c", script]).code).toBe(0);
    expect(readFileSync(`${root}/tmp/file`, "utf8")).toBe("from the caller");
    expect(cp("-a", `${local}/file`, `${running.name}:/tmp/again`).code).toBe(0);
    expect(existsSync(`${root}/pwned`)).toBe(false);
    expect(existsSync("/pwned")).toBe(false);
  });

  test("a copy that is killed leaves no mount, no process and no half of a file", {
    timeout: 20_000 * patience,
  }, async () => {
    ground.command(["truncate", "-s", "3G", `${local}/huge`]);
    writeFileSync(`${root}/tmp/huge`, "as it was");
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const child = spawn(
        pivotPath,
        [...ground.roots(), "cp", `${local}/huge`, `${running.name}:/tmp/huge`],
        { stdio: "ignore" },
      );
      await wait(400);
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill(signal);
      await ended;
    }
    for (let i = 0; i < 100 && workers().length > 0; i++) await wait(50);
    expect(workers()).toEqual([]);
    expect(readFileSync(`${root}/tmp/huge`, "utf8")).toBe("as it was");
    expect(readdirSync(`${root}/tmp`).sort()).toEqual(["again", "file", "huge"]);
  });

  test("a container that is committed goes on, also when the commit is killed or fails", {
    timeout: 60_000 * patience,
  }, async () => {
    const filled = await ground.start(
      [],
      [
        "busybox",
        "sh",
        "-c",
        "dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null; echo ready; exec sleep 1000",
      ],
    );
    const status = () =>
      ground
        .pivot(["ps", "--filter", `name=${filled.name}`, "--format", "{{.State}}"])
        .stdout.trim();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const child = spawn(pivotPath, [...ground.roots(), "commit", filled.name], {
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      for (let i = 0; i < 200 * patience && status() !== "paused" && child.exitCode === null; i++)
        await wait(5);
      child.kill(signal);
      await ended;
      for (let i = 0; i < 100 * patience && status() !== "running"; i++) await wait(50);
      expect(status()).toBe("running");
    }
    // A name that a layer cannot hold: the commit fails, and nothing of it stays.
    const images = () => ground.pivot(["images", "-aq"]).stdout;
    const before = images();
    ground.command(["touch", `/proc/${filled.pid}/root/.wh.evil`]);
    const failed = ground.pivot(["commit", filled.name, "evil"]);
    expect(failed.stderr).toMatch(/^pivot: [^\n]*means a removal[^\n]*\n$/);
    expect(status()).toBe("running");
    expect(images()).toBe(before);
    const blobs = readdirSync(`${ground.root}/blobs/sha256`);
    expect(blobs.filter((name) => name.startsWith(".tmp-"))).toEqual([]);
    await filled.stop();
  });

  test("a root that is changed by chroot alone is the container's all the same", async () => {
    const other = await ground.start(
      ["--root-switch", "chroot", "--rootfs"],
      [root, "/bin/sh", "-c", "echo ready; exec sleep 1000"],
    );
    expect(cp(`${local}/file`, `${other.name}:/tmp/chrooted`).code).toBe(0);
    expect(readFileSync(`${root}/tmp/chrooted`, "utf8")).toBe("from the caller");
    await other.stop();
  });
});

/** Packers and unpackers that still work for this test's containers. */
function workers(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/root`) === root &&
          readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("pivot-executor\0run")
        );
      } catch {
        return false;
      }
    });
}
