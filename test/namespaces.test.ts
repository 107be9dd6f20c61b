// Which namespaces a container is in: by default, the host's, another container's, a file's.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import type { Plan } from "../src/plan/op.ts";
import { patience } from "./patience.ts";
import { Ground, type Running, whyNot } from "./pivot.ts";

const ground = new Ground("namespaces");

const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] as const;
type Kind = (typeof kinds)[number];

const namespaceOf = (pid: number | "self", kind: Kind): string =>
  readlinkSync(`/proc/${pid}/ns/${kind}`);

/** The flag for each kind that has one. */
const flags: readonly (readonly [kind: Kind, flag: string])[] = [
  ["pid", "--pid"],
  ["net", "--net"],
  ["ipc", "--ipc"],
  ["uts", "--uts"],
  ["cgroup", "--cgroupns"],
];

/** The kinds in which what the probe saw is the same as a process of the host has. */
const sharedWith = (ns: Readonly<Record<string, string | null>>, pid: number | "self"): Kind[] =>
  kinds.filter((kind) => ns[kind] === namespaceOf(pid, kind));

/** The names in /proc/net/dev. */
const interfacesOf = (text: string) => [...text.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name);

describe.skipIf(whyNot !== undefined)(`namespaces (${whyNot ?? "as root"})`, () => {
  let other: Running;
  beforeAll(async () => {
    other = await ground.start(["--hostname", "other", "--ipc", "private"]);
  });
  afterAll(() => ground.close());

  test("mount, pid, network, ipc, uts and cgroup are a container's own, user and time the host's", () => {
    expect(sharedWith(ground.probe([]).ns, "self")).toEqual(["time", "user"]);
  });

  test("from outside the process is in the same namespaces that it sees from inside", () => {
    const seen = ground.command([
      "nsenter",
      "--target",
      String(other.pid),
      "--mount",
      "--pid",
      "/bin/busybox",
      "sh",
      "-c",
      "readlink /proc/1/ns/uts; readlink /proc/1/ns/net",
    ]);
    expect(seen.stdout.trim().split("\n")).toEqual([
      namespaceOf(other.pid, "uts"),
      namespaceOf(other.pid, "net"),
    ]);
  });

  test("two containers share none of those that are their own", () => {
    expect(sharedWith(ground.probe([]).ns, other.pid)).toEqual(["time", "user"]);
  });

  test("the first process is number 1, and its parent is nobody inside", () => {
    expect(ground.probe([])).toMatchObject({ pid: 1, ppid: 0, sid: 1, pgid: 1 });
  });

  for (const [kind, flag] of flags) {
    test(`${flag} host is the host's and leaves the others own`, () => {
      const { ns } = ground.probe([flag, "host"]);
      expect(sharedWith(ns, "self")).toEqual([...new Set([kind, "time", "user"])].sort() as Kind[]);
    });

    test(`${flag} private is new`, () => {
      expect(ground.probe([flag, "private"]).ns[kind]).not.toBe(namespaceOf("self", kind));
    });

    test(`${flag} with a path of a running process's namespace joins it`, () => {
      const { ns } = ground.probe([flag, `/proc/${other.pid}/ns/${kind}`]);
      expect(sharedWith(ns, other.pid)).toEqual(
        [...new Set([kind, "time", "user"])].sort() as Kind[],
      );
    });

    test(`${flag} ns:PATH means the same`, () => {
      const { ns } = ground.probe([flag, `ns:/proc/${other.pid}/ns/${kind}`]);
      expect(ns[kind]).toBe(namespaceOf(other.pid, kind));
    });

    test(`${flag} with a path that is no namespace is refused in one line`, () => {
      const ran = ground.run([flag, "/etc/passwd", "busybox", "true"]);
      expect(ran.code).toBe(125);
      expect(ran.stderr).toMatch(/^pivot: [^\n]*\/etc\/passwd[^\n]*\n$/);
    });

    test(`${flag} with a namespace of another kind is refused in one line`, () => {
      const wrong = kind === "uts" ? "ipc" : "uts";
      const path = `/proc/${other.pid}/ns/${wrong}`;
      const ran = ground.run([flag, path, "busybox", "true"]);
      expect(ran.code).toBe(125);
      expect(ran.stderr).toMatch(/^pivot: [^\n]+\n$/);
      expect(ran.stderr).toContain(path);
    });
  }

  for (const [kind, flag] of flags) {
    test(`${flag} container:NAME joins that container's`, () => {
      const { ns } = ground.probe([flag, `container:${other.name}`]);
      expect(sharedWith(ns, other.pid)).toEqual(
        [...new Set([kind, "time", "user"])].sort() as Kind[],
      );
    });
  }

  test("--ipc container:NAME shares that container's /dev/shm, in both directions", async () => {
    const script =
      "echo theirs >/dev/shm/a; echo ready; until [ -e /dev/shm/b ]; do sleep 0.02; done; cat /dev/shm/b; sleep 60";
    const sharer = await ground.start(["--ipc", "shareable"], ["busybox", "sh", "-c", script]);
    try {
      const words = ["--ipc", `container:${sharer.name}`];
      expect(ground.shell(words, "cat /dev/shm/a; echo ours >/dev/shm/b")).toBe("theirs");
      const shm = readFileSync(`/proc/${sharer.pid}/root/dev/shm/b`, "utf8");
      expect(shm).toBe("ours\n");
      const shown = ground.shell(words, "grep ' /dev/shm ' /proc/mounts");
      expect(shown).toMatch(/nosuid,nodev,noexec/);
    } finally {
      await sharer.stop();
    }
  });

  test("container:ID takes the beginning of an id", () => {
    const id = ground.stateOf(other).replace(/^.*\//, "").slice(0, 12);
    expect(ground.probe(["--net", `container:${id}`]).ns["net"]).toBe(
      namespaceOf(other.pid, "net"),
    );
  });

  test("a number that is another process's by now leads nowhere", () => {
    const file = `${ground.stateOf(other)}/pid`;
    const noted = readFileSync(file, "utf8");
    const words = ["--net", `container:${other.name}`, "busybox", "true"];
    const planned = ground.pivot(["plan", "--format", "json", "--rm", ...words]);
    const { steps } = JSON.parse(planned.stdout) as Pick<Plan, "steps">;
    const looked = steps.flatMap(({ op }) => (op.op === "process" ? [op.of?.path] : []));
    expect(looked).toEqual([file]);
    writeFileSync(file, noted.replace(/ \d+$/, " 1"));
    try {
      expect(ground.run(words).stderr).toContain(`the container ${other.name} is not running`);
    } finally {
      writeFileSync(file, noted);
    }
  });

  test("a container that does not run cannot be joined", () => {
    const ran = ground.run(["--pid", "container:nobody", "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: [^\n]*nobody[^\n]*\n$/);
  });

  test("who joins a pid namespace sees its processes, and is not its first", () => {
    const seen = ground.shell(
      ["--pid", `container:${other.name}`],
      "cat /proc/1/cmdline; echo; echo $$",
    );
    const [first, own] = seen.split("\n");
    expect(first).toBe("sleep\u00001000\u0000");
    expect(Number(own)).toBeGreaterThan(1);
  });

  test("what makes a container in another's pid namespace is not born there itself", async () => {
    const seen = `${ground.directory}/seen`;
    mkdirSync(seen);
    // Those inside could end it, and with CAP_SYS_PTRACE be it: root of the host.
    const fake = `${ground.directory}/netavark`;
    writeFileSync(fake, `#!/bin/sh\ntouch ${seen}/ran\nsleep 0.7\nexit 1\n`, { mode: 0o755 });
    const spy = await ground.start(
      ["-v", `${seen}:/seen`],
      [
        "busybox",
        "sh",
        "-c",
        "echo ready; while :; do grep -qsx netavark /proc/[0-9]*/comm && touch /seen/it; done",
      ],
    );
    try {
      const env = { ...process.env, PIVOT_NETWORK: "", PIVOT_NETAVARK: fake };
      const words = ["--network", "bridge", "--pid", `container:${spy.name}`, "busybox", "true"];
      expect(ground.run(words, { env }).stderr).toContain("netavark ended with 1");
      expect(readdirSync(seen)).toEqual(["ran"]);
    } finally {
      await spy.stop();
    }
  });

  test("who joins a uts namespace has its name", () => {
    expect(ground.probe(["--uts", `container:${other.name}`]).hostname).toBe("other");
  });

  test("who joins a network namespace sees the same interfaces, and has the name of its owner", () => {
    const sight = ground.probe(["--net", `container:${other.name}`]);
    expect(sight.hostname).toBe("other");
    expect(sight.ns["uts"]).not.toBe(namespaceOf(other.pid, "uts"));
  });

  test("a network of its own has a loopback that is up, and nothing else", () => {
    const seen = ground.shell(
      [],
      "ls /sys/class/net; ping -c1 -W1 127.0.0.1 >/dev/null && echo up",
    );
    expect(seen).toBe("lo\nup");
  });

  test("the host's network shows the host's interfaces", () => {
    const seen = ground.shell(["--net", "host"], "cat /proc/net/dev");
    expect(interfacesOf(seen)).toEqual(interfacesOf(readFileSync("/proc/net/dev", "utf8")));
  });

  test("--ipc container:NAME of one with the host's root in its mount namespace is refused", async () => {
    const chrooted = await ground.start(["--root-switch", "chroot"]);
    try {
      const ran = ground.run(["--ipc", `container:${chrooted.name}`, "busybox", "ls", "/dev/shm"]);
      expect(ran).toMatchObject({ code: 125, stdout: "" });
      expect(ran.stderr).toContain("non-shareable IPC");
    } finally {
      await chrooted.stop();
    }
  });

  test("message queues of the host are not seen, unless its ipc namespace is shared", () => {
    const made = ground.command(["ipcmk", "-Q"]);
    const id = /(\d+)\s*$/.exec(made.stdout)?.[1] ?? "none";
    try {
      const queue = "cat /proc/sysvipc/msg";
      expect(ground.shell([], queue)).not.toMatch(new RegExp(`^\\s*-?\\d+\\s+${id}\\s`, "m"));
      expect(ground.shell(["--ipc", "host"], queue)).toMatch(
        new RegExp(`^\\s*-?\\d+\\s+${id}\\s`, "m"),
      );
    } finally {
      ground.command(["ipcrm", "-q", id]);
    }
  });

  test("--time-offset makes a time namespace whose clocks are shifted", () => {
    const uptime = Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
    const { ns, boottime, monotonic } = ground.probe([
      "--time-offset",
      "boottime=86400",
      "--time-offset",
      "monotonic=-1",
    ]);
    expect(ns["time"]).not.toBe(namespaceOf("self", "time"));
    expect(Math.abs(boottime - uptime - 86400)).toBeLessThan(10 * patience);
    expect(Math.abs(monotonic - uptime)).toBeLessThan(10 * patience);
  });

  test("without --time-offset the clocks are the host's", () => {
    const uptime = Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
    expect(Math.abs(ground.probe([]).boottime - uptime)).toBeLessThan(10);
  });

  test("--userns private is a new user namespace, with root as root of its own", () => {
    const { ns, uids, uidMap } = ground.probe(["--userns", "private"]);
    expect(sharedWith(ns, "self")).toEqual(["time"]);
    expect(uids).toEqual([0, 0, 0]);
    expect(uidMap?.trim().split(/\s+/)[0]).toBe("0");
  });

  test("root of a user namespace has no rights over the host's namespaces", () => {
    const attempts = ["write:/proc/sys/kernel/hostname", "mknod:c:1:3:/tmp/null", "sethostname:x"];
    const { attempts: came } = ground.probe(
      ["--userns", "private", "--uts", "host", "--security-opt", "systempaths=unconfined"],
      attempts,
    );
    expect(came["sethostname:x"]?.errno).toBe("EPERM");
    expect(came["mknod:c:1:3:/tmp/null"]?.errno).toBe("EPERM");
  });

  test("--userns joins the user namespace of a path and of a container", async () => {
    const owner = await ground.start(["--userns", "private"]);
    for (const mode of [`/proc/${owner.pid}/ns/user`, `container:${owner.name}`]) {
      expect(ground.probe(["--userns", mode]).ns["user"]).toBe(namespaceOf(owner.pid, "user"));
    }
    await owner.stop();
  });

  for (const flag of ["--pid", "--net", "--uts", "--cgroupns"]) {
    test(`--userns private goes with ${flag} host`, () => {
      const { ns } = ground.probe(["--userns", "private", flag, "host"]);
      const kind = flags.find(([, each]) => each === flag)?.[0] ?? "user";
      expect(sharedWith(ns, "self")).toEqual([kind, "time"].sort() as Kind[]);
    });
  }

  test("--ipc host shares the host's /dev/shm, otherwise it is the container's own", () => {
    const file = `/dev/shm/pivot-test-${process.pid}`;
    writeFileSync(file, "the host's\n");
    try {
      expect(ground.shell(["--ipc", "host"], `cat ${file}`)).toBe("the host's");
      expect(ground.shell([], "ls /dev/shm")).toBe("");
    } finally {
      rmSync(file);
    }
  });

  test("--ipc none has no /dev/shm", () => {
    expect(ground.probe(["--ipc", "none"]).devices["/dev/shm"]).toBeUndefined();
  });

  test("who joins user and pid namespace of a container is watched by its number outside", async () => {
    const owner = await ground.start(["--userns", "private"]);
    const mode = `container:${owner.name}`;
    const joined = ["--userns", mode, "--pid", mode, "--net", mode];
    const ran = ground.run([...joined, "busybox", "sh", "-c", "echo $$; exit 42"], {
      timeout: 5_000,
    });
    await owner.stop();
    expect(ran).toMatchObject({ code: 42, stderr: "" });
    expect(Number(ran.stdout)).toBeGreaterThan(1);
  });

  for (const words of [
    ["--pid", "container"],
    ["--time-offset", "boottime=9"],
  ]) {
    test(`what fails after ${words[0]} is told in one line`, () => {
      const given = words.map((word) => word.replace(/^container$/, `container:${other.name}`));
      const ran = ground.run([...given, "busybox", "nonexistent"], { timeout: 5_000 });
      expect(ran.code).toBe(127);
      expect(ran.stderr).toMatch(/^pivot: cannot execute nonexistent [^\n]+\n$/);
    });
  }

  test("--pid host shows the host's processes in /proc, and a warning says so", () => {
    const ran = ground.run(["--pid", "host", "busybox", "cat", `/proc/${process.pid}/comm`]);
    expect(ran).toMatchObject({
      code: 0,
      stdout: readFileSync("/proc/self/comm", "utf8"),
      stderr:
        "pivot: warning: /proc shows the host's processes: the container has no pid namespace of its own\n",
    });
  });
});
