// What is left of the host's root once the container's is `/`: nothing; and what the two other ways
// of changing the root leave within reach.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Ground, probeProgram, whyNot } from "./pivot.ts";
import { type MountLine, parseMountinfo, type Sight } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("pivot-root");
/** A file of the host that no container is given. */
const canary = `${ground.directory}/canary`;

/** Mounts that cannot be the container's: their parent is not among its mounts, nor is it the root. */
function strays(lines: readonly MountLine[]): MountLine[] {
  const ids = new Set(lines.map(({ id }) => id));
  return lines.filter(({ parent, at }) => !ids.has(parent) && at !== "/");
}

/** File systems that a container mounts for itself. */
const ownTypes = /^(overlay|proc|tmpfs|devpts|sysfs|mqueue|cgroup2?)$/;
/** All that it is shown of the host's own, beside a root directory. */
const fromHost = new Set(["/", "/probe", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]);

/** Both kinds of root, each writable and not. */
const roots: readonly (readonly [what: string, flags: readonly string[], words: string[]])[] = [
  ["an image", [], ["busybox"]],
  ["an image and --read-only", ["--read-only"], ["busybox"]],
  ["a directory", [], ["--rootfs", `${ground.directory}/root`]],
  ["a directory, read-only", ["--rootfs", `${ground.directory}/root:ro`], []],
];

function look(flags: readonly string[], words: readonly string[], attempts: readonly string[]) {
  const probe = ["-v", `${probeProgram()}:/probe:ro`];
  return ground.sight(ground.run([...probe, ...flags, ...words, "/probe", ...attempts]));
}

/** setns(2) starts at the root of the namespace, whatever the root of its processes. */
async function enter(how: string) {
  const { pid, stop } = await ground.start(["--root-switch", how]);
  const nsenter = ["nsenter", "--target", String(pid), "--mount", "/bin/cat"];
  const read = ground.command([...nsenter, canary]);
  await stop();
  return { text: read.stdout, code: read.code };
}

const errnoOf = ({ attempts }: Sight, word: string) => attempts[word]?.errno;

describe.skipIf(whyNot !== undefined)(`the change of root (${whyNot ?? "as root"})`, () => {
  beforeAll(() => {
    writeFileSync(canary, "the host's\n");
    makeSmallRoot(ground, "root");
    ground.shell([], "true"); // makes the image
  });
  afterAll(() => ground.close());

  for (const [what, flags, words] of roots) {
    describe(`with ${what}`, () => {
      test("no path leads to the host", () => {
        const up = "../".repeat(40);
        const paths = [
          canary,
          `/proc/1/root${canary}`,
          `/proc/self/root${canary}`,
          `/proc/1/cwd/${up}${canary.slice(1)}`,
          `/${up}${canary.slice(1)}`,
          `/proc/self/fd/0/${up}${canary.slice(1)}`,
          `/proc/1/task/1/root/${up}${canary.slice(1)}`,
        ];
        const sight = look(
          flags,
          words,
          paths.map((path) => `read:${path}`),
        );
        for (const path of paths) {
          expect(["ENOENT", "ENOTDIR"]).toContain(errnoOf(sight, `read:${path}`) ?? "read");
        }
      });

      test("no mount is left but those below the new root, which is where it all hangs", () => {
        const lines = parseMountinfo(look(flags, words, []).mountinfo);
        expect(strays(lines)).toEqual([]);
        const top = lines.filter(({ at }) => at === "/");
        expect(top).toHaveLength(1);
        const shown = lines.filter(({ type }) => !ownTypes.test(type)).map(({ at }) => at);
        expect(shown.filter((at) => !fromHost.has(at))).toEqual([]);
      });

      test("no directory for the old root was made", () => {
        const script = "ls -A /; find / -xdev -type d -name '*pivot*'; find / -xdev -name '.?*'";
        const listed = ground.run([...flags, ...words, "/bin/busybox", "sh", "-c", script]);
        expect(listed.code).toBe(0);
        const names = listed.stdout.trimEnd().split("\n");
        expect(names).toContain("proc");
        expect(names.filter((name) => !/^[a-z-]+$/.test(name))).toEqual([]);
        expect(names.filter((name) => name.includes("old"))).toEqual([]);
      });

      test("the working directory lies inside", () => {
        expect(look(flags, words, []).cwd).toBe("/");
      });

      test("the classic way out of a chroot ends inside", () => {
        const way = `escape:${canary}`;
        const withRoom = what.includes("only") ? ["--tmpfs", "/way-out"] : [];
        expect(errnoOf(look([...flags, ...withRoom], words, [way]), way)).toBe("ENOENT");
      });

      test("it ends inside with every capability and without a filter, too", () => {
        const way = `escape:${canary}`;
        const rights = ["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"];
        const withRoom = what.includes("only") ? ["--tmpfs", "/way-out"] : [];
        expect(errnoOf(look([...rights, ...flags, ...withRoom], words, [way]), way)).toBe("ENOENT");
      });

      test("the top of the stack is the container's: taking it away uncovers nothing", () => {
        const rights = ["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"];
        const seen = look([...rights, ...flags], words, ["umount:/", `read:${canary}`]);
        expect(errnoOf(seen, `read:${canary}`)).toBe("ENOENT");
      });
    });
  }

  for (const how of ["chroot", "move"]) {
    test(`--root-switch ${how} looks the same to who does not try`, () => {
      const sight = look(["--root-switch", how], ["busybox"], [`read:${canary}`]);
      expect(sight.cwd).toBe("/");
      expect(errnoOf(sight, `read:${canary}`)).toBe("ENOENT");
      expect(
        errnoOf(look(["--root-switch", how], ["busybox"], ["opendir:/bin"]), "opendir:/bin"),
      ).toBe(null);
    });
  }

  test("--root-switch chroot leaves the classic way out open", () => {
    const way = `escape:${canary}`;
    const { attempts } = look(["--root-switch", "chroot"], ["busybox"], [way]);
    expect(attempts[way]).toMatchObject({ errno: null, text: "the host's\n" });
  });

  test("who enters the mount namespace from outside finds the host only after --root-switch chroot", async () => {
    expect(await enter("chroot")).toMatchObject({ text: "the host's\n", code: 0 });
    expect(await enter("pivot")).toMatchObject({ text: "", code: 1 });
    expect(await enter("move")).toMatchObject({ text: "", code: 1 });
  });

  test("--root-switch move covers the host's root: the classic way out ends on the cover", () => {
    const way = `escape:${canary}`;
    const { attempts } = look(["--root-switch", "move"], ["busybox"], [way]);
    expect(attempts[way]?.errno).toBe("ENOENT");
  });

  test("--root-switch is one of three words", () => {
    const ran = ground.run(["--root-switch", "switch", "busybox", "true"]);
    expect(ran).toMatchObject({
      code: 125,
      stderr: 'pivot: invalid argument "switch" for "--root-switch": it is pivot, chroot or move\n',
    });
  });
});
