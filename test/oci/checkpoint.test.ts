// `checkpoint` and `restore`: with CRIU where it knows the kernel; and what the runtime does around
// it, with a program that stands in for it, everywhere.

import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { whyNoCheckpoint } from "../../src/oci/criu.ts";
import { compileC } from "../pivot.ts";
import { type CallSettings, type Change, isAlive, OciGround, textOf } from "./ground.ts";
import { demand, runtimeName, runtimeWords, title, whyNot } from "./runtime.ts";

const whyNotReal = whyNot ?? whyNoCheckpoint() ?? undefined;
const long = 60_000;

/** A container's streams are to be nobody's but its own: CRIU saves no file of outside. */
const quiet: CallSettings = {
  before: ["sh", "-c", 'exec "$@" </dev/null >/dev/null 2>/dev/null', "sh"],
  timeout: long,
};

const counter: Change = (config) => {
  const script = "i=0; while :; do i=$((i+1)); echo $i; echo $i >/home/count; sleep 0.1; done";
  config.process["args"] = ["/bin/sh", "-c", script];
  config.linux["maskedPaths"] = ["/proc/kcore", "/proc/acpi", "/proc/none"];
  config.linux["readonlyPaths"] = ["/proc/sys"];
};

/** Hooks that append `KIND STATE` to a file, and then do as the script says. */
function writeHooks(bundle: string, seen: string, kinds: readonly string[], script = ""): void {
  const path = `${bundle}/config.json`;
  const config = JSON.parse(readFileSync(path, "utf8"));
  const hook = (kind: string) => ({
    path: "/bin/sh",
    args: ["sh", "-c", `echo "${kind} $(cat)" >>"$0"; ${script}`, seen],
    env: [`PATH=${process.env["PATH"]}`, `SEEN=${seen}`],
  });
  config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook(kind)]]));
  writeFileSync(path, JSON.stringify(config));
}

const numbers = (text: string): number[] => text.trim().split("\n").map(Number);

describe.skipIf(whyNotReal !== undefined)(`checkpoint (${whyNotReal ?? runtimeName})`, () => {
  const ground = new OciGround("checkpoint", whyNotReal);

  /** Calls the runtime with standard output a pipe, of which the other end copies to a file. */
  const piped = async (words: readonly string[]): Promise<string> => {
    const out = ground.path("piped");
    const script = '{ "$@" </dev/null 2>/dev/null; echo $? >"$0.code"; } | cat >"$0" &';
    ground.call(words, { before: ["sh", "-c", script, out] });
    expect(await textOf(`${out}.code`, /\n/)).toBe("0\n");
    return out;
  };

  /** The last number that the counter has written to a file of its root. */
  const count = (): number => Number(readFileSync(`${ground.rootfs}/home/count`, "utf8"));

  const dump = (id: string, flags: readonly string[] = []): string => {
    const images = ground.path("images");
    ground.ok(["checkpoint", "--image-path", images, ...flags, id], { timeout: long });
    return images;
  };

  demand(
    "a container that counts goes on where it was, under another id, with new pipes",
    async () => {
      const bundle = ground.bundle(counter);
      const before = ground.id();
      const first = await piped(["run", "--detach", "--bundle", bundle, before]);
      await textOf(first, /\n3\n/);
      const images = dump(before);
      ground.refused(["state", before]);
      const last = numbers(readFileSync(first, "utf8")).at(-1) ?? 0;
      await Bun.sleep(300);
      expect(numbers(readFileSync(first, "utf8")).at(-1)).toBe(last);

      const id = ground.id();
      const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images];
      const second = await piped([...words, "--pid-file", `${images}/pid`, id]);
      const state = ground.state(id);
      expect(state).toMatchObject({ status: "running", bundle });
      expect(readFileSync(`${images}/pid`, "utf8")).toBe(String(state.pid));
      const went = numbers(await textOf(second, /\n\d+\n/));
      expect(went.slice(0, 2)).toEqual([last + 1, last + 2]);

      expect(ground.ok(["exec", id, "/bin/sh", "-c", "echo $$; ls /proc/acpi"]).stdout).toMatch(
        /^\d+\n$/,
      );
      ground.ok(["pause", id]);
      expect(ground.state(id).status).toBe("paused");
      ground.ok(["resume", id]);
      ground.ok(["kill", id, "KILL"]);
      await ground.until(id, "stopped");
      ground.ok(["delete", id]);
      expect(isAlive(state.pid ?? 0)).toBe(false);
    },
    4 * long,
  );

  demand(
    "--leave-running saves a container that runs on; a pre-dump before it is its parent",
    async () => {
      const { id, pid } = ground.start(counter, [], quiet);
      const images = ground.path("images");
      mkdirSync(images);
      const path = ["--image-path", `${images}/whole`];
      ground.ok(["checkpoint", "--pre-dump", "--image-path", `${images}/before`, id], {
        timeout: long,
      });
      ground.ok(["checkpoint", "--leave-running", ...path, "--parent-path", "../before", id], {
        timeout: long,
      });
      expect(ground.state(id)).toMatchObject({ status: "running", pid });
      expect(existsSync(`${images}/whole/parent`)).toBe(true);
      const at = count();
      await Bun.sleep(500);
      expect(count()).toBeGreaterThan(at);
    },
    4 * long,
  );

  demand(
    "restore without --detach waits, and passes on the end; nothing is left of the container",
    async () => {
      const { id, bundle } = ground.start(counter, [], quiet);
      const images = dump(id);
      const again = ground.id();
      const script =
        '"$@" </dev/null >/dev/null 2>/dev/null & until "$1" --root "$3" kill "$0" KILL 2>/dev/null; do sleep 0.3; done; wait $!';
      const called = ground.call(["restore", "--bundle", bundle, "--image-path", images, again], {
        before: ["sh", "-c", script, again],
        timeout: long,
      });
      expect(called.code).toBe(137);
      ground.refused(["state", again]);
    },
    4 * long,
  );

  demand("hooks of the host run between the namespaces and the processes", () => {
    const { id: before, bundle } = ground.start(counter, [], quiet);
    const images = dump(before);
    const seen = ground.path("seen");
    writeHooks(bundle, seen, ["prestart", "createRuntime"]);
    const id = ground.id();
    const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images, id];
    ground.ok(words, quiet);
    const { pid } = ground.state(id);
    const lines = readFileSync(seen, "utf8").trim().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["prestart", "createRuntime"]);
    for (const line of lines) expect(JSON.parse(line.slice(line.indexOf(" "))).pid).toBe(pid);
  });

  demand(
    "images that CRIU cannot read: its own words in one line, and nothing is left",
    () => {
      const { id, bundle } = ground.start(counter, [], quiet);
      const images = dump(id);
      writeFileSync(`${images}/core-1.img`, "this is no image");
      const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images];
      const line = ground.refused([...words, ground.id()], { timeout: long });
      expect(line).toContain("magic doesn't match");
      expect(line).toContain(`${images}/restore.log`);
    },
    4 * long,
  );

  demand(
    "a container that has ended, or is paused, is not saved",
    async () => {
      const { id } = await ground.stopped();
      const images = ground.path("images");
      ground.refused(["checkpoint", "--image-path", images, id]);
      const paused = ground.start(counter, [], quiet);
      ground.ok(["pause", paused.id]);
      ground.refused(["checkpoint", "--image-path", images, paused.id]);
      expect(existsSync(images)).toBe(false);
    },
    4 * long,
  );
});

const whyNotAround = whyNot ?? (runtimeName === "pivot" ? undefined : "it is of pivot's inside");

describe.skipIf(whyNotAround !== undefined)(title("around CRIU"), () => {
  const ground = new OciGround("around");

  /** With the stand-in first in PATH. */
  const settings = (): CallSettings => {
    const bin = `${ground.directory}/bin`;
    const program = compileC("oci/criu.c");
    if (!existsSync(bin)) {
      mkdirSync(bin);
      copyFileSync(program, `${bin}/criu`);
    }
    return { env: { PATH: `${bin}:${process.env["PATH"]}` }, timeout: long };
  };

  const save = () => {
    const container = ground.start(undefined, [], quiet);
    const images = ground.path("images");
    ground.ok(["checkpoint", "--image-path", images, container.id], settings());
    return { ...container, images };
  };

  test("a container that was saved is gone with its state and cgroups", () => {
    const { id, pid, images } = save();
    expect(isAlive(pid)).toBe(false);
    ground.refused(["state", id]);
    expect(statSync(images).mode & 0o777).toBe(0o700);
    expect(readFileSync(`${images}/descriptors.json`, "utf8")).toBe(
      '["/dev/null","/dev/null","/dev/null"]',
    );
  });

  test("a failure to save leaves the container as it was, and says CRIU's own words", () => {
    const { id } = ground.start(undefined, [], quiet);
    const images = ground.path("images");
    mkdirSync(images);
    writeFileSync(`${images}/fail`, "");
    const line = ground.refused(["checkpoint", "--image-path", images, id], settings());
    expect(line).toContain('CRIU says "it is to fail"');
    expect(line).toContain(`${images}/dump.log`);
    expect(ground.state(id).status).toBe("running");
  });

  test("who is restored is the container's first process, and ends with it", async () => {
    const { bundle, images } = save();
    const id = ground.id();
    const called = ground.call(
      ["restore", "--detach", "--bundle", bundle, "--image-path", images, id],
      settings(),
    );
    expect(called).toMatchObject({ code: 0, stderr: "" });
    const { pid = 0, status } = ground.state(id);
    expect(status).toBe("running");
    expect(isAlive(pid)).toBe(true);
    const log = readFileSync(`${images}/restore.log`, "utf8");
    expect(log).toContain(readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n")[0] ?? "-");
    // The root was a mount point for CRIU, and is none for us.
    expect(log).toContain(` ${ground.rootfs} `);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(` ${ground.rootfs} `);
    expect(existsSync(`${ground.root}/${id}/restored`)).toBe(false);
    await textOf(called.out, /restored\n/);
    ground.ok(["kill", id, "KILL"]);
    await ground.until(id, "stopped");
    ground.ok(["delete", id]);
  });

  test("restore without --detach ends as the container does", () => {
    const { bundle, images } = save();
    const { env = {} } = settings();
    const id = ground.id();
    const script =
      'run="$1"; state="$3"; "$@" & until "$run" --root "$state" state "$0" 2>/dev/null | grep -q running; do sleep 0.1; done; "$run" --root "$state" kill "$0" TERM; wait $!';
    const called = ground.call(["restore", "--bundle", bundle, "--image-path", images, id], {
      env,
      before: ["sh", "-c", script, id],
      timeout: long,
    });
    expect(called.code).toBe(143);
    ground.refused(["state", id]);
  });

  test("who was run in the foreground ends with who restores it, who therefore has to stay", async () => {
    const id = ground.id();
    const bundle = ground.bundle();
    const images = ground.path("images");
    const words = ["--root", ground.root, "run", "--bundle", bundle, id];
    const first = Bun.spawn([...runtimeWords, ...words], { stdio: ["ignore", "ignore", "ignore"] });
    for (let i = 0; i < 100 && !existsSync(`${ground.root}/${id}/pid`); i++) await Bun.sleep(20);
    await ground.until(id, "running");
    ground.ok(["checkpoint", "--image-path", images, id], settings());
    expect(await first.exited).toBe(137);
    const again = ["restore", "--bundle", bundle, "--image-path", images, "--detach", ground.id()];
    expect(ground.refused(again, settings())).toContain("leave --detach out");
    // The directory may be used again, for one that was not.
    const other = ground.start(undefined, [], quiet);
    ground.ok(["checkpoint", "--image-path", images, other.id], settings());
    const last = ground.id();
    ground.call([...again.slice(0, -1), last], settings());
    expect(ground.state(last).status).toBe("running");
  });

  /** The configuration of a saved container gains hooks: each appends its name and state to a file. */
  const withHooks = (bundle: string, kinds: readonly string[], script = "") => {
    const seen = ground.path("seen");
    writeHooks(bundle, seen, kinds, script);
    return () =>
      readFileSync(seen, "utf8")
        .trim()
        .split("\n")
        .map((line) => [
          line.slice(0, line.indexOf(" ")),
          JSON.parse(line.slice(line.indexOf(" "))),
        ]);
  };

  test("hooks of the host run when the namespaces are there, and poststop at the end", () => {
    const { bundle, images } = save();
    const seen = withHooks(bundle, [
      "poststart",
      "createRuntime",
      "prestart",
      "createContainer",
      "poststop",
    ]);
    const id = ground.id();
    const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images, id];
    const called = ground.call(words, settings());
    expect(called.code).toBe(0);
    expect(called.stderr).toMatch(/^[^\n]*no moment for poststart, createContainer[^\n]*\n$/);
    const { pid } = ground.state(id);
    expect(seen()).toMatchObject([
      ["prestart", { id, pid, bundle }],
      ["createRuntime", { id, pid, status: "creating", bundle }],
    ]);
    expect(existsSync(`${ground.root}/${id}/criu`)).toBe(false);
    ground.ok(["delete", "--force", id]);
    expect(seen().at(-1)).toMatchObject(["poststop", { id, status: "stopped" }]);
  });

  test("a hook that fails ends the restore, and nothing is left of it", async () => {
    const { bundle, images } = save();
    const seen = withHooks(bundle, ["prestart", "createRuntime"], "echo no network >&2; exit 3");
    const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images, ground.id()];
    expect(ground.refused(words, settings())).toMatch(/prestart\[0\].*ended with 3: no network/);
    const [[, { pid }]] = seen() as [[string, { pid: number }]];
    expect(seen().length).toBe(1);
    for (let i = 0; i < 100 && isAlive(pid); i++) await Bun.sleep(20);
    expect(isAlive(pid)).toBe(false);
  });

  test(
    "a restore that is ended while a hook runs can be taken away",
    async () => {
      // A hook of its own accord ends with who started it.
      const { bundle, images } = save();
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        const seen = withHooks(
          bundle,
          ["createRuntime"],
          "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done",
        );
        const { env = {} } = settings();
        const id = ground.id();
        const words = [
          "--root",
          ground.root,
          "restore",
          "--bundle",
          bundle,
          "--image-path",
          images,
          id,
        ];
        const restore = Bun.spawn([...runtimeWords, ...words], {
          env,
          stdio: ["ignore", "ignore", "ignore"],
        });
        for (let i = 0; i < 200; i++) {
          try {
            if (seen().length > 0) break;
          } catch {}
          await Bun.sleep(20);
        }
        const [[, { pid }]] = seen() as [[string, { pid: number }]];
        restore.kill(signal);
        await restore.exited;
        ground.ok(["delete", "--force", id]);
        for (let i = 0; i < 100 && isAlive(pid); i++) await Bun.sleep(20);
        expect(isAlive(pid)).toBe(false);
      }
    },
    long,
  );

  test("a failure to restore leaves nothing, and says CRIU's own words", () => {
    const { bundle, images } = save();
    writeFileSync(`${images}/fail`, "");
    const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images, ground.id()];
    expect(ground.refused(words, settings())).toContain('CRIU says "it is to fail"');
  });

  test("mount points are made in a root that lacks them", () => {
    const source = ground.path("source");
    writeFileSync(source, "");
    const { bundle, images } = save();
    const rootfs = ground.path("rootfs");
    mkdirSync(rootfs);
    const path = `${bundle}/config.json`;
    const config = JSON.parse(readFileSync(path, "utf8"));
    config.root.path = rootfs;
    config.mounts.push({ destination: "/a/file", type: "bind", source, options: ["bind"] });
    writeFileSync(path, JSON.stringify(config));
    const words = ["restore", "--detach", "--bundle", bundle, "--image-path", images, ground.id()];
    ground.call(words, settings());
    expect(statSync(`${rootfs}/a/file`).isFile()).toBe(true);
    expect(statSync(`${rootfs}/proc`).isDirectory()).toBe(true);
    // It lies in a mount of its own, which is brought back with what is in it.
    expect(existsSync(`${rootfs}/dev/pts`)).toBe(false);
  });

  test("without CRIU, or with one that does not know the kernel, nothing is touched", () => {
    const { id, bundle } = ground.lasting();
    const images = ground.path("images");
    const bin = ground.path("bin");
    mkdirSync(bin);
    const script = "#!/bin/sh\necho 'Error (criu/a.c:1): too old' >&2\nexit 1\n";
    writeFileSync(`${bin}/criu`, script, { mode: 0o755 });
    for (const [PATH, reason] of [
      [`${bin}:${process.env["PATH"]}`, /"too old"/],
      [ground.path("nothing"), /install it/],
    ] as const) {
      const before = ["env", `PATH=${PATH}`];
      const line = ground.refused(["checkpoint", "--image-path", images, id], { before });
      expect(line).toMatch(reason);
      const words = ["restore", "--bundle", bundle, "--image-path", images, ground.id()];
      expect(ground.refused(words, { before })).toMatch(reason);
    }
    expect(existsSync(images)).toBe(false);
    expect(ground.state(id).status).toBe("running");
  });

  for (const flags of [
    ["--lazy-pages"],
    ["--page-server", "127.0.0.1:1"],
    ["--status-fd", "3"],
    ["--manage-cgroups-mode", "some"],
    ["--empty-ns", "pid"],
    ["--parent-path", "/absolute"],
    ["--parent-path", "not-there"],
  ]) {
    test(`checkpoint ${flags.join(" ")} is refused by its name`, () => {
      const { id } = ground.lasting();
      const images = ground.path("images");
      const line = ground.refused(["checkpoint", "--image-path", images, ...flags, id], settings());
      expect(line).toContain(flags[0] ?? "-");
      expect(existsSync(images)).toBe(false);
    });
  }
});
