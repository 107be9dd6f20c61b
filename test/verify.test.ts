// `pivot verify`, at real containers of pivot's and of others, at plain processes, and at hostile ones.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { defaultConfig, writeConfig } from "../src/oci/default-config.ts";
import { makeBusyboxRoot } from "../src/oci/testing/bundle.ts";
import { patience } from "./patience.ts";
import { Ground, whyNot } from "./pivot.ts";

// Real containers, on machines that have other things to do as well.
setDefaultTimeout(30_000 * patience);

const ground = new Ground("verify");
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) {
    const last = deepest(child.pid ?? 0);
    if (last !== null && last !== 0) process.kill(last, "SIGKILL");
    child.kill("SIGKILL");
  }
  await ground.close();
});

type Row = { Level: string; About: string; Finding: string; Cure: string };

class Verified {
  readonly code: number | null;
  readonly rows: readonly Row[];

  constructor(words: readonly string[]) {
    const ran = ground.pivot(["verify", "--format", "json", ...words]);
    if (ran.stdout === "") throw new Error(`verify ${words.join(" ")}: ${ran.stderr}`);
    this.code = ran.code;
    const told = JSON.parse(ran.stdout) as { Open: boolean; Findings: Row[] };
    this.rows = told.Findings;
    expect(told.Open).toBe(this.rows.some(({ Level }) => Level === "open"));
    expect(ran.code).toBe(told.Open ? 1 : 0);
  }

  /** What is found at a level about something, in one text. */
  about(about: string, level: string): string {
    const found = this.rows.filter((row) => row.About === about && row.Level === level);
    return found.map(({ Finding }) => Finding).join("\n");
  }

  get open(): string[] {
    return [
      ...new Set(this.rows.filter(({ Level }) => Level === "open").map(({ About }) => About)),
    ];
  }
}

/** A container of pivot's with these flags, looked at. */
async function look(...flags: string[]): Promise<Verified> {
  const running = await ground.start(flags);
  try {
    return new Verified([running.name]);
  } finally {
    await running.stop();
  }
}

/** A process in the background that sleeps at last; gives the pid of the sleeper. */
async function sleeper(...words: string[]): Promise<number> {
  const [program = "", ...args] = words;
  const child = spawn(program, args, { stdio: "ignore" });
  children.push(child);
  for (let i = 0; i < 200; i++) {
    await Bun.sleep(20);
    const pid = deepest(child.pid ?? 0);
    if (pid !== null && readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n") return pid;
  }
  throw new Error(`${words.join(" ")} does not sleep`);
}

function deepest(pid: number): number | null {
  try {
    const next = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0];
    return next === undefined || next === "" ? pid : deepest(Number(next));
  } catch {
    return null;
  }
}

const has = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;

describe.skipIf(whyNot !== undefined)(`containers of pivot's (${whyNot ?? "as root"})`, () => {
  test("a usual one: nothing is open, and it is what was planned", async () => {
    const seen = await look();
    expect(seen.open).toEqual([]);
    expect(seen.about("namespaces", "ok")).toBe(
      "of its own: mount, pid, network, ipc, uts, cgroup",
    );
    expect(seen.about("promise", "ok")).toContain("as planned");
    expect(seen.about("mount table", "ok")).toMatch(/^\d\d mounts, each as the simulator predicts/);
    expect(seen.about("/proc", "ok")).toContain("masked");
    expect(seen.about("seccomp", "ok")).toContain("filtered");
    expect(seen.about("descriptors", "ok")).toBe("none leads out of its root");
    expect(seen.about("user namespace", "weak")).toContain("root inside is root outside");
  });

  test("a privileged one is as it was planned, and open in every way", async () => {
    const seen = await look("--privileged");
    expect(seen.open).toEqual(expect.arrayContaining(["/proc", "/sys", "capabilities"]));
    expect(seen.about("capabilities", "open")).toContain("SYS_MODULE loads code into the kernel");
    expect(seen.about("seccomp", "weak")).toContain("no filter");
    expect(seen.about("promise", "ok")).toContain("as planned");
  });

  test("namespaces of the host, and what they let it reach", async () => {
    const seen = await look("--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host");
    expect(seen.about("pid namespace", "weak")).toContain("signals those of its user");
    expect(seen.about("network namespace", "weak")).toContain("loopback");
    expect(seen.about("ipc namespace", "weak")).toContain("shared memory");
    expect(seen.about("uts namespace", "note")).toContain("the host's");
    expect((await look("--pid", "host", "--cap-add", "SYS_PTRACE")).open).toEqual([
      "pid namespace",
    ]);
    expect((await look("--network", "host", "--cap-add", "NET_ADMIN")).open).toEqual([
      "network namespace",
    ]);
  });

  test("the host's root, /etc and a socket in binds; what is harmless is only told", async () => {
    writeFileSync(`${ground.directory}/docker.sock`, "");
    const binds = ["/:/host", "/etc:/e:ro", `${ground.directory}:/data`];
    const socket = `${ground.directory}/docker.sock:/run/docker.sock`;
    const seen = await look(...[...binds, socket].flatMap((each) => ["-v", each]));
    expect(seen.about("mounts", "open")).toContain("/ of the host is at /host, to write");
    expect(seen.about("mounts", "open")).toContain("docker.sock of the host at /run/docker.sock");
    expect(seen.about("mounts", "weak")).toContain("/etc of the host is at /e, to read");
    expect(seen.about("mounts", "note")).toContain(`${ground.directory} at /data`);
    expect(seen.about("/proc", "open")).toContain("the host's /proc is at /host/proc");
  });

  test("limits, no new privileges, no filter, another user", async () => {
    const security = ["no-new-privileges", "seccomp=unconfined"];
    const limits = "-m 64m --pids-limit 50 --cpus 1.5 --user 1000".split(" ");
    const seen = await look(...limits, ...security.flatMap((each) => ["--security-opt", each]));
    expect(seen.about("limits", "ok")).toBe("memory: 64 MiB\nprocesses: 50\nCPUs: 1.5");
    expect(seen.about("no_new_privs", "ok")).toContain("set");
    expect(seen.about("seccomp", "weak")).toContain("no filter");
    expect(seen.about("user namespace", "weak")).toBe("");
  });

  test("chroot alone, a moved root, bare system paths", async () => {
    expect((await look("--root-switch", "chroot")).about("root", "open")).toContain(
      "CAP_SYS_CHROOT",
    );
    expect((await look("--root-switch", "move")).about("root", "weak")).toContain(
      "over another that is still mounted",
    );
    const bare = await look("--security-opt", "systempaths=unconfined");
    expect(bare.about("/proc", "open")).toContain("core_pattern");
    expect(bare.about("/proc", "weak")).toContain("not masked: ");
  });

  test("what was promised and is no more: masks taken away, a mount made writable", async () => {
    const running = await ground.start(["--read-only", "-v", `${ground.directory}:/data:ro`]);
    try {
      const enter = ["nsenter", "-t", `${running.pid}`, "-m", "-p"];
      const script = "umount /proc/keys; mount -o remount,bind,rw /data; mount -t tmpfs more /mnt";
      expect(ground.command([...enter, "sh", "-c", script]).code).toBe(0);
      const seen = new Verified([running.name]);
      expect(seen.about("promise", "open")).toContain("was to be masked, and is not: /proc/keys");
      expect(seen.about("promise", "open")).toContain(
        "/data was to be read-only, and can be written",
      );
      expect(seen.about("mount table", "weak").split("\n")).toEqual([
        "/data has the flags rw,relatime, in place of ro,relatime",
        expect.stringMatching(/^\/proc\/keys \(\w+.*\) was planned, and is not mounted$/),
      ]);
      expect(seen.about("mount table", "note")).toBe("mounted since, by somebody: /mnt (tmpfs)");
      expect(seen.about("mount table", "ok")).toBe("");
    } finally {
      await running.stop();
    }
  });

  test("the live mount table is the predicted one, whatever the container is made with", async () => {
    writeFileSync(`${ground.directory}/file`, "");
    const here = ground.directory;
    const kinds = [
      ["--privileged", "-v", "/:/host"],
      ["--read-only", "-t", "--init", "-v", `${here}/file:/etc/motd:ro`, "--tmpfs", "/t:size=1m"],
      [
        "--root-switch",
        "chroot",
        "--mount",
        `type=bind,src=${here},dst=/s,bind-propagation=rslave`,
      ],
      ["-v", "verified:/v", "--cgroupns", "host", "--ipc", "host", "--network", "host"],
    ];
    for (const flags of kinds) {
      const seen = await look(...flags);
      expect(seen.about("mount table", "weak") + seen.about("mount table", "note")).toBe("");
      expect(seen.about("mount table", "ok")).toContain("as the simulator predicts");
    }
  });

  test("mounts that were exchanged, shared and covered behind its back are named", async () => {
    const running = await ground.start(["-v", `${ground.directory}:/data`, "--tmpfs", "/t"]);
    try {
      const enter = ["nsenter", "-t", `${running.pid}`, "-m", "-p"];
      const script =
        "umount /data; mount -t tmpfs other /data; umount /t; mount -t tmpfs same /t; mount --make-shared /dev/shm; mount --bind /bin /dev/mqueue";
      expect(ground.command([...enter, "sh", "-c", script]).code).toBe(0);
      const seen = new Verified([running.name]);
      const weak = seen.about("mount table", "weak");
      expect(weak).toMatch(/^\/data is tmpfs, in place of \w+ \/.*pivot-verify-/m);
      expect(weak).toContain("/t has the flags rw,relatime, in place of rw,nosuid,nodev,noexec");
      expect(weak).toContain("/dev/shm is shared with others, in place of private");
      expect(seen.about("mount table", "note")).toBe(
        "mounted since, by somebody: /dev/mqueue (overlay /bin)",
      );
    } finally {
      await running.stop();
    }
  });

  test("for people: a table with cures, the worst first, and one line at its end", async () => {
    const running = await ground.start(["--privileged"]);
    const { code, stdout } = ground.pivot(["verify", running.name]);
    await running.stop();
    expect(code).toBe(1);
    const levels = [...stdout.matchAll(/^(OPEN|WEAK|NOTE|OK) /gm)].map(([, level]) => level);
    const order = ["OPEN", "WEAK", "NOTE", "OK"];
    expect(levels).toEqual(order.flatMap((level) => levels.filter((each) => each === level)));
    expect(stdout).toContain("-> leave --privileged");
    expect(stdout).toMatch(/\nprocess \d+ \(sleep\) of container background-\d+: \d+ open, /);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("who is not there, and what makes no sense, in one line", () => {
    const refused = (...words: string[]): string => {
      const { code, stdout, stderr } = ground.pivot(["verify", ...words]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      return stderr;
    };
    expect(refused("nobody")).toContain("no such container: nobody");
    expect(refused("--pid", "4194305")).toBe(
      "pivot: there is no process 4194305: `ps -e` lists them\n",
    );
    expect(refused("--pid", "-1")).toContain('received "-1"');
    expect(refused("--pid", "1", "x")).toContain("in place of a container");
    expect(refused()).toContain("verify needs one container");
  });
});

describe.skipIf(whyNot !== undefined)(`processes of others (${whyNot ?? "as root"})`, () => {
  test("a plain process: nothing separates it", async () => {
    const seen = new Verified(["--pid", String(await sleeper("sleep", "1000"))]);
    expect(seen.open).toEqual(expect.arrayContaining(["mount namespace", "root", "/proc"]));
    expect(seen.about("namespaces", "ok")).toBe("");
  });

  test.skipIf(!has("unshare"))(
    "unshare (needs it): a mount namespace with shared mounts",
    async () => {
      // On a mount of its own, so that the machine's own mounts stay as they are.
      const script = `mount -t tmpfs x ${ground.directory} && mount --make-shared ${ground.directory} && exec`;
      const outer = ["unshare", "-m", "--propagation", "private", "sh", "-c"];
      const pid = await sleeper(...outer, `${script} sleep 1000`);
      const seen = new Verified(["--pid", String(pid)]);
      expect(seen.about("root", "open")).toContain("the host's own");
      // Shared with nobody: a peer group alone is no way out.
      expect(seen.about("propagation", "ok")).toBe("no mount travels, in or out");
    },
  );

  test.skipIf(!has("bwrap"))("bubblewrap (needs it): the host's root, read-only", async () => {
    const words = [
      "bwrap",
      "--ro-bind",
      "/",
      "/",
      "--unshare-all",
      "--die-with-parent",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
    ];
    const seen = new Verified(["--pid", String(await sleeper(...words, "sleep", "1000"))]);
    expect(seen.about("root", "weak")).toContain("the host's own, read-only");
    expect(seen.about("namespaces", "ok")).toContain("user");
    expect(seen.about("mount namespace", "open")).toBe("");
  });

  for (const runtime of ["runc", "crun"]) {
    test.skipIf(!has(runtime))(
      `${runtime} (needs it): its usual container has nothing open`,
      () => {
        const bundle = `${ground.directory}/${runtime}`;
        mkdirSync(`${bundle}/rootfs`, { recursive: true });
        makeBusyboxRoot(`${bundle}/rootfs`);
        const spec = defaultConfig({ rootless: null, cgroupNamespace: false });
        if (spec.process === undefined) throw new Error("the default configuration has no process");
        const own = { ...spec.process, terminal: false, args: ["sleep", "1000"] };
        writeFileSync(`${bundle}/config.json`, writeConfig({ ...spec, process: own }));
        const id = `pivot-verify-${process.pid}`;
        // crun refuses hybrid cgroups: it sees those of version 1 alone.
        const alone = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
        const call = (...words: string[]) =>
          spawnSync(
            "unshare",
            ["-m", "sh", "-c", alone, "sh", runtime, "--root", `${bundle}-root`, ...words],
            { stdio: "ignore" },
          );
        expect(call("run", "-d", "-b", bundle, "--pid-file", `${bundle}/pid`, id).status).toBe(0);
        try {
          const seen = new Verified(["--pid", readFileSync(`${bundle}/pid`, "utf8").trim()]);
          expect(seen.open).toEqual([]);
          expect(seen.about("root", "ok")).toContain("of its own");
          expect(seen.about("no_new_privs", "ok")).toContain("set");
          expect(seen.about("seccomp", "weak")).toContain("no filter");
        } finally {
          call("delete", "-f", id);
        }
      },
    );
  }

  test("an open directory of the host is found", async () => {
    const root = `${ground.directory}/leaky`;
    mkdirSync(`${root}/old`, { recursive: true });
    makeBusyboxRoot(root);
    // What a runtime does that forgets a descriptor of the host, and one of its own: CVE-2024-21626.
    const inside = "/bin/busybox umount -l /old; exec /bin/sleep 1000";
    const enter = `mount --bind ${root} ${root} && cd ${root} && pivot_root . old`;
    const script = `${enter} && exec 8</old/etc && exec /bin/busybox chroot . /bin/sh -c '${inside}'`;
    const pid = await sleeper("sh", "-c", `exec 7</etc; exec unshare -m sh -c "${script}"`);
    const seen = new Verified(["--pid", String(pid)]);
    expect(seen.about("descriptors", "open")).toBe("directories of the host are open: 7 (/etc)");
    expect(seen.about("descriptors", "note")).toContain("8 (");
  });

  test("a hostile /dev, a hostile name: nothing is followed, no terminal is steered", async () => {
    const root = `${ground.directory}/hostile`;
    mkdirSync(root);
    makeBusyboxRoot(root);
    Bun.spawnSync(["rm", "-rf", `${root}/dev`]);
    symlinkSync("/dev", `${root}/dev`);
    const name = "/bin/\u001b]0;x";
    writeFileSync(root + name, "#!/bin/sh\nsleep 1000\nexit\n", { mode: 0o755 });
    const child = spawn("chroot", [root, name], { stdio: "ignore" });
    children.push(child);
    await Bun.sleep(300);
    const { stdout, stderr } = ground.pivot(["verify", "--pid", String(child.pid)]);
    expect(stderr).toBe("");
    expect(stdout).toContain("(\\x1b]0;x)");
    // The host's disks are in the host's /dev, which the link leads to.
    expect(stdout).not.toMatch(/\/dev\/(vda|sda|nvme|loop)/);
  });
});
