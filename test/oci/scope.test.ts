// `--systemd-cgroup` where no systemd is: with one that only says that it has done what it was asked.
// What a real one makes of it is `npm run test:systemd`.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { patience } from "../patience.ts";
import { type CallSettings, OciGround, textOf } from "./ground.ts";
import { runtimeName, runtimeWords, title, whyNot } from "./runtime.ts";

const whyNotHere = whyNot ?? (runtimeName === "pivot" ? undefined : "it is of pivot's inside");
const long = 60_000;
const fake = new URL("fake-systemd.ts", import.meta.url).pathname;

describe.skipIf(whyNotHere !== undefined)(title("systemd that is none"), () => {
  const ground = new OciGround("fake");

  type Seen = {
    readonly settings: CallSettings;
    /** What it was asked so far. */
    readonly asked: () => string[];
    readonly log: string;
  };

  /** With a manager of this mode, which is gone when the test looks for what was left behind. */
  const withManager = async (mode: string, use: (manager: Seen) => unknown): Promise<void> => {
    const [socket, log] = [ground.path("socket"), ground.path("log")];
    const manager = Bun.spawn([process.execPath, fake, socket, log, mode], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      for (let i = 0; i < 500 * patience && !existsSync(socket); i++) await Bun.sleep(10);
      const asked = () => readFileSync(log, "utf8").trim().split("\n");
      await use({ settings: seeing(socket), asked, log });
    } finally {
      manager.kill("SIGKILL");
      await manager.exited;
    }
  };

  /** Only the call sees it: /run is a file system of its own there. */
  const seeing = (socket: string): CallSettings => ({
    global: ["--root", ground.root, "--systemd-cgroup"],
    before: [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs t /run && mkdir -p /run/systemd/system && ln -s "$0" /run/systemd/private && exec "$@"',
      socket,
    ],
  });

  /** The scope's directories. It is in no slice: those stay. */
  const left = (name: string): string[] =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => `${line.split(" ")[4]}/unit-${name}.scope`)
      .filter((path) => existsSync(path));

  const bundleFor = () => {
    const name = `${ground.tag}-${ground.id()}`;
    const bundle = ground.bundle((config) => {
      config.linux["cgroupsPath"] = `-:unit:${name}`;
    });
    return { bundle, name };
  };

  test(
    "the scope is asked for with the process in it, and stopped when that is gone",
    () =>
      withManager("done", ({ settings, asked }) => {
        const { bundle, name } = bundleFor();
        const id = ground.id();
        ground.ok(["create", "--bundle", bundle, id], settings);
        const { pid } = ground.state(id);
        expect(asked()).toEqual(["ResetFailedUnit", `StartTransientUnit ${pid}`]);
        expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`:/unit-${name}.scope\n`);
        ground.ok(["start", id], settings);
        ground.ok(["update", "--pids-limit", "9", id], settings);
        expect(asked().slice(2)).toEqual(["SetUnitProperties"]);
        ground.ok(["delete", "--force", id], settings);
        expect(asked().slice(3)).toEqual(["StopUnit", "ResetFailedUnit"]);
        expect(left(name)).toEqual([]);
      }),
    long,
  );

  test(
    "what it does not do is told in one line, and nothing stays",
    async () => {
      for (const [mode, words] of [
        ["refuses", /UnitExists: Unit exists\..*delete that one first/],
        ["failed", /systemd's job ended as "failed"/],
        ["hangs-up", /systemd has hung up/],
      ] as const) {
        await withManager(mode, ({ settings, log }) => {
          const { bundle, name } = bundleFor();
          const line = ground.refused(["create", "--bundle", bundle, ground.id()], settings);
          expect(line).toMatch(/cannot have systemd make the scope unit-/);
          expect(line).toMatch(words);
          expect(readFileSync(log, "utf8")).not.toContain("StopUnit");
          expect(left(name)).toEqual([]);
        });
      }
    },
    long,
  );

  test(
    "a start that waits for it can be ended, and nothing stays",
    () =>
      withManager("hangs", async ({ settings, log }) => {
        const { bundle, name } = bundleFor();
        const words = [...(settings.before ?? []), ...runtimeWords, ...(settings.global ?? [])];
        const create = Bun.spawn([...words, "create", "--bundle", bundle, ground.id()], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        await textOf(log);
        create.kill("SIGTERM");
        await create.exited;
        expect(await new Response(create.stderr).text()).toContain("stopped by signal 15");
        expect(left(name)).toEqual([]);
      }),
    long,
  );

  test(
    "without one there is a clear line; delete works all the same, with a warning",
    () =>
      withManager("done", ({ settings }) => {
        const { bundle } = bundleFor();
        const id = ground.id();
        ground.ok(["create", "--bundle", bundle, id], settings);
        const gone = seeing(ground.path("nothing"));
        const line = ground.refused(["create", "--bundle", bundle, ground.id()], gone);
        expect(line).toMatch(/systemd does not run here.*use cgroups without it/);
        const deleted = ground.call(["delete", "--force", id], gone);
        expect(deleted.code).toBe(0);
        expect(deleted.stderr).toMatch(/^[^\n]*warning: cannot have systemd stop [^\n]*\n$/);
      }),
    long,
  );
});
