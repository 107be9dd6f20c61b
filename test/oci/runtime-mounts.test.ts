// A container without a mount namespace, in the runtime's. All of it happens in a mount namespace of
// the tests' own, whose mounts are shared as systemd makes the host's: whatever is done wrong is not
// done to the machine.

import { afterAll, describe, expect } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { processesAt } from "../leftovers.ts";
import {
  bindMount,
  type Called,
  type Change,
  type Config,
  cgroupsNamed,
  isAlive,
  makeRootfs,
  OciGround,
  oneLine,
  sight,
  textOf,
} from "./ground.ts";
import { demand, patience, runtimeName, runtimeWords, whyNot } from "./runtime.ts";

const files = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
const all = ["cgroup", "ipc", "mount", "network", "pid", "uts"];

const reason =
  whyNot ??
  (runtimeName === "pivot"
    ? undefined
    : `${runtimeName} mounts the container's mounts among the host's, and leaves them there`);

describe.skipIf(reason !== undefined)(
  `without a mount namespace (${reason ?? runtimeName})`,
  () => {
    const ground = new OciGround("nomnt", reason);
    const holders: ChildProcess[] = [];

    /** A process in a mount namespace that is made as the words say, once it is there; its pid. */
    async function hold(words: readonly string[]): Promise<number> {
      const [program = "", ...args] = [...words, "sh", "-c", "echo; exec sleep 1000"];
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
      holders.push(child);
      await new Promise((resolve) => child.stdout?.once("data", resolve));
      return child.pid ?? 0;
    }

    let holder = 0;
    const within = async (): Promise<readonly string[]> => {
      if (holder === 0) holder = await hold(["unshare", "--mount", "--propagation", "shared"]);
      return ["nsenter", "--mount", "--target", String(holder)];
    };
    afterAll(() => {
      for (const child of holders) child.kill("SIGKILL");
    });

    const mountsOf = (pid: number): string => readFileSync(`/proc/${pid}/mountinfo`, "utf8");

    /** What is done there, with the runtime's calls in it; the table must be as it was at each look. */
    type World = {
      readonly call: (words: readonly string[]) => Called;
      readonly ok: (words: readonly string[]) => Called;
      readonly create: (
        change?: Change,
        flags?: readonly string[],
      ) => { id: string; pid: number; out: string };
      /** Asserts that no mount has come or gone. */
      readonly same: () => void;
    };
    async function world(): Promise<World> {
      const before = await within();
      const table = mountsOf(holder);
      return {
        call: (words) => ground.call(words, { before }),
        ok: (words) => ground.ok(words, { before }),
        create: (change, flags) => ground.create(bare(change), flags, { before }),
        same: () => expect(mountsOf(holder)).toBe(table),
      };
    }

    const bare =
      (change: Change = () => undefined): Change =>
      (config) => {
        config.linux.namespaces = [];
        change(config);
      };

    const runs =
      (script: string): Change =>
      (config) => {
        config.process["args"] = ["/bin/sh", "-c", script];
      };

    const bound = (source: string, destination: string, option: string) => ({
      source,
      destination,
      type: "bind",
      options: ["rbind", option],
    });

    const namespacesOf = (pid: number | string): Record<string, string> =>
      Object.fromEntries(files.map((name) => [name, readlinkSync(`/proc/${pid}/ns/${name}`)]));

    demand("of no namespaces at all it has the runtime's, all seven", async () => {
      const { create, ok } = await world();
      const { id, pid } = create();
      expect(namespacesOf(pid)).toEqual({
        ...namespacesOf("self"),
        mnt: readlinkSync(`/proc/${holder}/ns/mnt`),
      });
      ok(["start", id]);
      ok(["kill", id, "KILL"]);
      await ground.until(id, "stopped");
      ok(["delete", id]);
    });

    demand("each of them can be missing alone", async () => {
      const { create, ok } = await world();
      for (const missing of all) {
        const { id, pid } = create((config) => {
          config.linux.namespaces = all
            .filter((type) => type !== missing)
            .map((type) => ({ type }));
        });
        const host: Record<string, string> = {
          ...namespacesOf("self"),
          mnt: readlinkSync(`/proc/${holder}/ns/mnt`),
        };
        const own = namespacesOf(pid);
        const shared = files.filter((name) => host[name] === own[name]);
        const file = { mount: "mnt", network: "net" }[missing] ?? missing;
        expect({ missing, shared }).toEqual({ missing, shared: [file, "user"].sort() });
        ok(["start", id]);
        expect(ground.call(["exec", id, "/bin/true"], { before: await within() })).toMatchObject({
          code: 0,
          stderr: "",
        });
        ok(["delete", "--force", id]);
      }
    });

    demand("it sees its mounts, and so does exec; the host's table never changes", async () => {
      const { create, ok, same } = await world();
      const data = ground.path("data");
      mkdirSync(`${data}/masked`, { recursive: true });
      writeFileSync(`${data}/masked/secret`, "secret");
      writeFileSync(`${data}/file`, "of the host");
      const look =
        "cat /data/file; ls /data/masked; ls /dev/pts; ls /dev/shm; echo x >/data/file; echo y >/proc/sys/kernel/hostname; grep -c processor /proc/cpuinfo >/dev/null && pwd";
      const { id, pid, out } = create((config) => {
        runs(`${look}; exec sleep 1000`)(config);
        config.mounts.push(bound(data, "/data", "ro"));
        config.linux["maskedPaths"] = ["/data/masked"];
        config.linux["readonlyPaths"] = ["/proc/sys"];
      });
      same();
      ok(["start", id]);
      same();
      const seen = "of the hostptmx\n/\n";
      expect(await textOf(out, /\/\n$/)).toBe(seen);
      const entered = ok(["state", id]);
      expect(JSON.parse(entered.stdout)).toMatchObject({ status: "running", pid });
      const before = await within();
      const called = ground.call(["exec", id, "/bin/sh", "-c", look], { before });
      expect(called.stdout).toBe(seen);
      expect(called.stderr.match(/Read-only file system/g)).toHaveLength(2);
      expect(
        ok(["exec", id, "/bin/sh", "-c", "echo $PPID; exec ls /proc/self/root/"]).stdout,
      ).toContain("this-is-the-container");
      ok(["kill", id, "KILL"]);
      await ground.until(id, "stopped");
      same();
      ok(["delete", id]);
      same();
      expect(readFileSync(`${data}/file`, "utf8")).toBe("of the host");
    });

    demand(
      "nothing lies above its root; who may enter the runtime's mounts is told of",
      async () => {
        const { same } = await world();
        const before = await within();
        const outside = ground.path("outside");
        writeFileSync(outside, "of the host");
        const attempts = [
          `escape:${outside}`,
          `enter-mounts:${outside}`,
          "mount:tmpfs:/tmp",
          "bind:/bin:/tmp",
          "umount:/proc",
          "unshare:0x10000000",
        ];
        const probe = (...more: string[]): Change =>
          bare((config) => {
            config.process["args"] = ["/probe", ...attempts];
            const sets = config.process["capabilities"] as Record<string, string[]>;
            for (const set of Object.values(sets)) set.push(...more);
          });
        const log = ground.path("log");
        const logged = { before, global: ["--root", ground.root, "--log", log] };
        const chroots = ground.call(
          ["run", "--bundle", ground.bundle(probe("CAP_SYS_CHROOT")), ground.id()],
          logged,
        );
        expect(sight(chroots).attempts).toMatchObject({
          [`escape:${outside}`]: { errno: "ENOENT" },
          [`enter-mounts:${outside}`]: { errno: "EPERM" },
          "mount:tmpfs:/tmp": { errno: "EPERM" },
          "unshare:0x10000000": { errno: "EPERM" },
        });
        expect(existsSync(log)).toBe(false);
        const both = ground.call(
          ["run", "--bundle", ground.bundle(probe("CAP_SYS_CHROOT", "CAP_SYS_ADMIN")), ground.id()],
          logged,
        );
        expect(both.stderr).toMatch(/^pivot-oci: warning: linux\.namespaces: [^\n]*setns[^\n]*\n$/);
        expect(readFileSync(log, "utf8")).toMatch(
          /^time="[^"]*" level=warning msg="linux\.namespaces: [^\n]*\n$/,
        );
        const unattached: unknown = expect.stringMatching(/^(EINVAL|ENOENT)$/); // as the kernel has it
        // The way that the warning is about; and nothing can be mounted, since the root is in no namespace.
        expect(sight({ ...both, stderr: "" }).attempts).toMatchObject({
          [`escape:${outside}`]: { errno: "ENOENT" },
          [`enter-mounts:${outside}`]: { errno: null, text: "of the host" },
          "mount:tmpfs:/tmp": { errno: unattached },
          "bind:/bin:/tmp": { errno: unattached },
          "umount:/proc": { errno: "EINVAL" },
        });
        same();
        rmSync(`${ground.rootfs}/way-out`, { recursive: true });
      },
    );

    demand("links for mount points lead nowhere outside", async () => {
      const { same, ok, call } = await world();
      const before = await within();
      const canary = ground.path("canary");
      const rootfs = ground.path("hostile");
      mkdirSync(canary);
      makeRootfs(rootfs);
      symlinkSync(canary, `${rootfs}/absolute`);
      symlinkSync(`../../../../../../../..${canary}`, `${rootfs}/relative`);
      rmSync(`${rootfs}/dev`, { recursive: true });
      symlinkSync(canary, `${rootfs}/dev`);
      const change = bare((config) => {
        config.root["path"] = rootfs;
        for (const name of ["absolute", "relative"]) {
          config.mounts.push({ destination: `/${name}/deep`, type: "tmpfs", source: "tmpfs" });
        }
        config.linux["maskedPaths"] = ["/absolute/deep"];
        runs(`echo x >/absolute/deep; echo x >${canary}/deep/file; ls ${canary}; exec sleep 1000`)(
          config,
        );
      });
      const { id, out } = ground.create(change, [], { before });
      ok(["start", id]);
      expect(await textOf(out, /deep/)).toContain("deep");
      same();
      expect(readdirSync(canary)).toEqual([]);
      ok(["delete", "--force", id]);
      // A link in place of /proc is never followed.
      rmSync(`${rootfs}/proc`, { recursive: true });
      symlinkSync(canary, `${rootfs}/proc`);
      expect(oneLine(call(["create", "--bundle", ground.bundle(change), ground.id()]))).toContain(
        "link",
      );
      expect(readdirSync(canary)).toEqual([]);
      same();
    });

    demand(
      "what a createContainer hook mounts in the root is in it, and not on the host",
      async () => {
        const { create, ok, same } = await world();
        const at = `${ground.rootfs}/home`;
        const { id, out } = create((config) => {
          runs("ls /home; echo end")(config);
          const script = `mount -t tmpfs tmpfs ${at} && touch ${at}/by-the-hook`;
          config.hooks = {
            createContainer: [
              { path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin:/sbin"] },
            ],
          };
        });
        same();
        ok(["start", id]);
        expect(await textOf(out, /end\n$/)).toBe("by-the-hook\nend\n");
        expect(readdirSync(at)).toEqual([]);
        same();
      },
    );

    demand("a mount point that is removed or renamed brings nothing to light", async () => {
      const { create, ok, same } = await world();
      const data = ground.path("data");
      mkdirSync(`${data}/hidden`, { recursive: true });
      mkdirSync(`${data}/empty`);
      for (const name of ["hidden/secret", "masked"]) writeFileSync(`${data}/${name}`, "secret");
      const tries =
        "rmdir hidden; mv hidden moved; ls moved; rmdir empty && echo removed; cat masked; mv masked gone; cat gone; rm gone; ls";
      const change: Change = (config) => {
        runs(`cd /data; ${tries}; echo end`)(config);
        config.mounts.push(bound(data, "/data", "rw"));
        config.mounts.push({ destination: "/data/empty", type: "tmpfs", source: "tmpfs" });
        config.linux["maskedPaths"] = ["/data/hidden", "/data/masked"];
      };
      const { id, out } = create(change);
      ok(["start", id]);
      expect(await textOf(out, /end\n$/)).toBe("removed\nmoved\nend\n");
      expect(readFileSync(`${data}/moved/secret`, "utf8")).toBe("secret");
      same();
    });

    demand(
      "two of one root, and a peer of the host's namespace: each sees its own mounts",
      async () => {
        const { create, ok, same } = await world();
        const peer = await hold([
          ...(await within()),
          "unshare",
          "--mount",
          "--propagation",
          "unchanged",
        ]);
        const table = mountsOf(peer);
        expect(table).toContain(" shared:");
        const one = create(runs("echo one >/dev/shm/one; ls /dev/shm; exec sleep 1000"));
        const two = create(runs("echo two >/dev/shm/two; ls /dev/shm; exec sleep 1000"));
        ok(["start", one.id]);
        ok(["start", two.id]);
        expect(await textOf(one.out, /\n$/)).toBe("one\n");
        expect(await textOf(two.out, /\n$/)).toBe("two\n");
        same();
        ok(["delete", "--force", one.id]);
        expect(ok(["exec", two.id, "/bin/ls", "/dev/shm"]).stdout).toBe("two\n");
        ok(["delete", "--force", two.id]);
        same();
        expect(mountsOf(peer)).toBe(table);
      },
    );

    demand(
      "SIGKILL at 10 moments of create: delete --force clears, and the host's table is the same",
      async () => {
        const { ok, same } = await world();
        const before = await within();
        const bundle = ground.bundle(bare((config) => bindMount(config, ground.directory, "/tmp")));
        const first = ground.id();
        const start = performance.now();
        ok(["create", "--bundle", bundle, first]);
        const whole = performance.now() - start;
        ok(["delete", "--force", first]);
        const ends = new Set<string>();
        for (let i = 0; i < 10; i++) {
          const id = ground.id();
          const [program = "", ...args] = [
            ...before,
            ...runtimeWords,
            "--root",
            ground.root,
            "create",
            "--bundle",
            bundle,
            id,
          ];
          const child = spawn(program, args, { stdio: "ignore" });
          const ended = new Promise<string>((resolve) =>
            child.once("exit", (code, signal) => resolve(signal ?? String(code))),
          );
          const timer = setTimeout(() => child.kill("SIGKILL"), (whole * 1.1 * i) / 10);
          ends.add(await ended);
          clearTimeout(timer);
          same();
          ok(["delete", "--force", id]);
          same();
        }
        expect(ends).toContain("SIGKILL");
        for (let i = 0; i < 40 * patience && cgroupsNamed(ground.tag).length > 0; i++)
          await Bun.sleep(25);
        expect(cgroupsNamed(ground.tag)).toEqual([]);
        expect(processesAt(ground.root)).toEqual([]);
      },
      60_000,
    );

    demand(
      "without a pid namespace `kill --all` and `delete --force` end what has left the first process",
      async () => {
        const { create, ok } = await world();
        const { id, out, pid } = create(
          runs(
            "sleep 1000 & echo $!; (sleep 1000 & echo $!) & trap '' TERM; while :; do wait; sleep 1; done",
          ),
        );
        ok(["start", id]);
        const pids = (await textOf(out, /\d+\n\d+\n$/)).trim().split("\n").map(Number);
        ok(["kill", "--all", id, "TERM"]);
        for (let i = 0; i < 200 * patience && pids.some(isAlive); i++) await Bun.sleep(10);
        expect({ first: isAlive(pid), others: pids.filter(isAlive) }).toEqual({
          first: true,
          others: [],
        });
        ok(["delete", "--force", id]);
        expect(isAlive(pid)).toBe(false);
        const left = create(runs("sleep 1000 & echo $!; exit"));
        ok(["start", left.id]);
        const orphan = Number(await textOf(left.out, /\n$/));
        await ground.until(left.id, "stopped");
        ok(["delete", "--force", left.id]);
        expect(isAlive(orphan)).toBe(false);
      },
    );

    const wrong: [what: string, change: Change, says: RegExp][] = [
      [
        "a user namespace",
        ({ linux }) => {
          linux.namespaces = [{ type: "user" }];
          linux["uidMappings"] = linux["gidMappings"] = [
            { containerID: 0, hostID: 1000, size: 10 },
          ];
        },
        /linux\.namespaces: .*user namespace/,
      ],
      [
        "rootfsPropagation",
        ({ linux }) => {
          linux["rootfsPropagation"] = "rshared";
        },
        /linux\.rootfsPropagation: .*rshared/,
      ],
      [
        "a mount that is a slave",
        (config) => {
          config.mounts.push(bound("/tmp", "/tmp", "rslave"));
        },
        /mounts\[4\] \(\/tmp\): .*slave/,
      ],
      [
        "a host name",
        (config) => {
          config["hostname"] = "x";
        },
        /hostname: .*uts namespace/,
      ],
      [
        "a domain name",
        (config: Config) => {
          Object.assign(config, { domainname: "x" });
        },
        /domainname: .*uts namespace/,
      ],
    ];
    demand("what it cannot have is refused in a line that names the field", async () => {
      const { call, same } = await world();
      for (const [what, change, says] of wrong) {
        const line = oneLine(
          call(["create", "--bundle", ground.bundle(bare(change)), ground.id()]),
        );
        expect({ what, line }).toEqual({ what, line: expect.stringMatching(says) });
      }
      same();
    });

    demand("checkpoint refuses it", async () => {
      const { create, ok, call, same } = await world();
      const { id } = create();
      ok(["start", id]);
      const line = oneLine(call(["checkpoint", "--image-path", ground.path("images"), id]));
      expect(line).toContain("checkpoint takes a container with a mount namespace");
      same();
    });
  },
);
