// A container's root in the hands of an attacker, who exchanges a directory with a link that leads
// out while the container is being made: nothing outside is touched, whoever wins.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { compileC, Ground, type Ran, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("race");
const outside = `${ground.directory}/outside`;
const shown = `${ground.directory}/shown`;
/** How often a container is made: enough for the link to be met at every step. */
const rounds = 12;

/** Runs containers while `name` in the root is now a directory, now a link to `to`. */
function race(name: string, to: string, run: (root: string) => Ran): Ran[] {
  const root = makeSmallRoot(ground, `root-${readdirSync(ground.directory).length}`);
  mkdirSync(`${root}/${name}`, { recursive: true });
  symlinkSync(to, `${root}/other`);
  const attacker = spawn(compileC("exchange.c"), [`${root}/${name}`, `${root}/other`], {
    stdio: "ignore",
  });
  try {
    return Array.from({ length: rounds }, () => run(root));
  } finally {
    attacker.kill("SIGKILL");
  }
}

const mountsOf = (ran: Ran) => parseMountinfo(ran.stdout);
/** What is mounted on /proc's own mount, by whichever name that goes now. */
function covers(ran: Ran): string[] {
  const mounts = mountsOf(ran);
  const proc = mounts.find(({ type, root }) => type === "proc" && root === "/");
  const below = mounts.filter(({ parent }) => parent === proc?.id);
  return below.map(({ at }) => at.replace(/^\/(proc|other)/, "")).sort();
}

const inOutside = () => [readdirSync(outside).sort(), readdirSync(`${outside}/deep`)];
const untouched = [["deep", "file"], []];

describe.skipIf(whyNot !== undefined)(`races (${whyNot ?? "as root"})`, () => {
  let changed: number;
  beforeAll(() => {
    mkdirSync(`${outside}/deep`, { recursive: true });
    mkdirSync(shown);
    writeFileSync(`${outside}/file`, "the host's\n");
    changed = lstatSync(outside).ctimeMs;
    compileC("exchange.c");
  });
  afterAll(() => ground.close());

  for (const to of [outside, "../outside"]) {
    test(`mounts, devices and directories asked for below a link to ${to.includes("..") ? "`..`" : "the host"} stay inside`, () => {
      const flags = [
        ["-v", `${shown}:/way/deep`],
        ["-v", `${shown}:/way/volume`],
        ["--tmpfs", "/way/tmpfs"],
        ["--device", "/dev/null:/way/device"],
        ["-w", "/way/work"],
      ].flat();
      const all = race("way", to, (root) =>
        ground.run([...flags, "--rootfs", root, "/bin/cat", "/proc/self/mountinfo"]),
      );
      for (const ran of all.filter(({ code }) => code !== 0)) {
        expect(ran.stderr).toMatch(/^pivot: [^\n]+\n$/);
      }
      for (const { root } of all.flatMap(mountsOf)) expect(root).not.toStartWith(outside);
      expect(inOutside()).toEqual(untouched);
      expect(lstatSync(outside).ctimeMs).toBe(changed);
    });
  }

  for (const name of ["proc", "sys"]) {
    test(`/${name} is the kernel's own or there is no container`, () => {
      const all = race(name, outside, (root) =>
        ground.run(["--rootfs", root, "/bin/cat", "/proc/self/mountinfo"]),
      );
      for (const ran of all) {
        // The program itself may be too late for a /proc that has become the link again.
        if (ran.stdout === "") {
          expect(ran.stderr).not.toBe("");
          continue;
        }
        // A mount stays on the directory, by whichever name that goes now.
        const mounts = mountsOf(ran).filter(({ at }) => at === `/${name}` || at === "/other");
        expect(mounts.map(({ type }) => type)).toEqual([name === "sys" ? "sysfs" : "proc"]);
      }
      expect(inOutside()).toEqual(untouched);
    });
  }

  test("whatever becomes of /proc meanwhile, its masks and read-only paths are on it", () => {
    const script = `for i in 1 2 3 4 5 6 7 8 9; do
      cat /proc/self/mountinfo && exit; cat /other/self/mountinfo && exit
    done 2>/dev/null`;
    const all = race("proc", "/tmp", (root) =>
      ground.run(["--rootfs", root, "/bin/sh", "-c", script]),
    );
    const expected = covers(ground.run(["busybox", "cat", "/proc/self/mountinfo"]));
    expect(expected).toContain("/sys");
    const seen = all.filter(({ stdout }) => stdout !== "");
    for (const ran of seen) expect(covers(ran)).toEqual(expected);
  });

  test("a /dev that becomes a link gets no device made outside", () => {
    race("dev", outside, (root) => ground.run(["--rootfs", root, "/bin/true"]));
    expect(inOutside()).toEqual(untouched);
    expect(lstatSync(outside).ctimeMs).toBe(changed);
  });
});
