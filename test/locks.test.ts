// Who holds the lock of a state directory is seen in /proc/locks, where containers can stand too.

import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { isLocked } from "../src/host/first-process.ts";
import { patience } from "./patience.ts";
import { compileC } from "./pivot.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-locks-`);
const holders: ChildProcess[] = [];
afterAll(async () => {
  for (const holder of holders) {
    const ended = once(holder, "close");
    if (holder.exitCode === null && holder.kill("SIGKILL")) await ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

/** A process that goes on, once it has said so. */
async function hold(program: string, ...args: string[]): Promise<ChildProcess> {
  const holder = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  holders.push(holder);
  expect(String((await once(holder.stdout ?? holder, "data"))[0])).toBe("locked\n");
  return holder;
}

function fresh(name: string): string {
  const path = `${directory}/${name}`;
  mkdirSync(path);
  return path;
}

test("a directory is locked as long as somebody holds its lock", async () => {
  const path = fresh("held");
  symlinkSync(path, `${directory}/link`);
  const seen = () => [isLocked(path), isLocked(`${directory}/link`)];
  expect(seen()).toEqual([false, false]);
  const holder = await hold("flock", "-F", path, "sh", "-c", "echo locked; exec sleep 100");
  expect(seen()).toEqual([true, true]);
  expect(isLocked(directory)).toBe(false);
  expect(isLocked(`${directory}/nothing`)).toBe(false);
  const ended = once(holder, "close");
  holder.kill("SIGKILL");
  await ended;
  expect(seen()).toEqual([false, false]);
});

const whyNot =
  process.getuid?.() !== 0
    ? "only root mounts FUSE here"
    : existsSync("/dev/fuse")
      ? ""
      : "no FUSE";

describe.skipIf(whyNot !== "")(`file systems of containers (${whyNot || "FUSE"})`, () => {
  test(
    "one that never answers, and has such an inode too, is not asked",
    async () => {
      const path = fresh("state");
      const inode = String(statSync(path).ino);
      const hanging = await hold(
        "unshare",
        "--mount",
        compileC("fuse-hang.c"),
        fresh("mount"),
        inode,
      );
      const script = `import { isLocked } from "${import.meta.dir}/../src/host/first-process.ts"; console.log(isLocked("${path}"))`;
      const looking = spawn(process.execPath, ["-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const said = text(looking.stdout);
      // With its server the file system goes, and with that whoever waits for it.
      const late = setTimeout(() => hanging.kill("SIGKILL"), 5_000 * patience);
      await once(looking, "close");
      clearTimeout(late);
      expect([await said, hanging.killed]).toEqual(["false\n", false]);
    },
    30_000 * patience,
  );
});
