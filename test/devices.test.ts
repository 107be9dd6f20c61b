// /dev: the listed nodes and no others; and which devices the container's cgroup lets it use.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { Ground, whyNot } from "./pivot.ts";
import { parseMountinfo, type Sight } from "./sight.ts";

const ground = new Ground("devices");

/** A disk of the machine, as `MAJOR:MINOR`; any that the kernel knows. */
function findDisk(): { major: number; minor: number } | undefined {
  const lines = readFileSync("/proc/partitions", "utf8").split("\n").slice(2);
  const [major, minor] = (lines[0] ?? "").trim().split(/\s+/).map(Number);
  return major === undefined || minor === undefined || lines[0] === ""
    ? undefined
    : { major, minor };
}

const disk = findDisk();

/** What is below /dev: nodes as `c MAJOR:MINOR MODE`, links as `-> TARGET`, directories as `d`. */
function listing({ devices }: Sight): Record<string, string> {
  return Object.fromEntries(
    Object.entries(devices).map(([path, { type, target, major, minor, mode, uid, gid }]) => {
      if (type === "link") return [path, `-> ${target}`];
      if (type === "directory") return [path, `d ${mode.toString(8)}`];
      return [path, `${type[0]} ${major}:${minor} ${mode.toString(8)} ${uid}:${gid}`];
    }),
  );
}

const standard: Readonly<Record<string, string>> = {
  "/dev/fd": "-> /proc/self/fd",
  "/dev/full": "c 1:7 666 0:0",
  "/dev/mqueue": "d 1777",
  "/dev/null": "c 1:3 666 0:0",
  "/dev/ptmx": "-> pts/ptmx",
  "/dev/pts": "d 755",
  "/dev/pts/ptmx": "c 5:2 666 0:0",
  "/dev/random": "c 1:8 666 0:0",
  "/dev/shm": "d 1777",
  "/dev/stderr": "-> /proc/self/fd/2",
  "/dev/stdin": "-> /proc/self/fd/0",
  "/dev/stdout": "-> /proc/self/fd/1",
  "/dev/tty": "c 5:0 666 0:0",
  "/dev/urandom": "c 1:9 666 0:0",
  "/dev/zero": "c 1:5 666 0:0",
};

/** Devices that root may open without further rights: one of them is on most machines. */
const openable = ["/dev/fuse", "/dev/net/tun", "/dev/loop-control"].find((path) =>
  existsSync(path),
);
const path = openable ?? "/dev/fuse";
const { rdev = 0, mode = 0, uid = 0, gid = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
/** Both are small, so makedev(3) is simple. */
const number = { major: rdev >> 8, minor: rdev & 0xff };
const shown = `c ${number.major}:${number.minor} ${(mode & 0o7777).toString(8)} ${uid}:${gid}`;

describe.skipIf(whyNot !== undefined)(`devices (${whyNot ?? "as root"})`, () => {
  beforeAll(() => {
    ground.shell([], "true"); // makes the image
  });
  afterAll(() => ground.close());

  test("/dev has exactly the nodes that every program may use", () => {
    expect(listing(ground.probe([]))).toEqual({ ...standard });
  });

  test("a user namespace changes nothing of it but whose they are", () => {
    const seen = listing(ground.probe(["--userns", "private"]));
    expect(Object.keys(seen).sort()).toEqual(Object.keys(standard).sort());
    expect(seen["/dev/null"]).toStartWith("c 1:3 666 ");
  });

  test("the nodes work: null swallows, zero and urandom give, full is full", () => {
    const script = `echo x >/dev/null && head -c 4 /dev/zero | od -An -tx1
      head -c 16 /dev/urandom | wc -c; echo x 2>&1 >/dev/full; cat /dev/null | wc -c`;
    const seen = ground.shell([], script);
    expect(seen.split("\n").map((line) => line.trim())).toEqual([
      "00 00 00 00",
      "16",
      "sh: write error: No space left on device",
      "0",
    ]);
  });

  test("/dev is a file system of its own, where nothing of the image or the host is", () => {
    const line = parseMountinfo(ground.probe([]).mountinfo).find(({ at }) => at === "/dev");
    expect(line).toMatchObject({ type: "tmpfs", root: "/" });
    expect(line?.flags).toContain("nosuid");
  });

  test("/dev/shm is as big as --shm-size says, 64 MiB unless told", () => {
    const size = "df -k /dev/shm | tail -1 | awk '{ print $2 }'";
    expect(ground.shell([], size)).toBe("65536");
    expect(ground.shell(["--shm-size", "1m"], size)).toBe("1024");
  });

  test("pseudo-terminals are the container's own", () => {
    const line = parseMountinfo(ground.probe([]).mountinfo).find(({ at }) => at === "/dev/pts");
    expect(line).toMatchObject({ type: "devpts", root: "/" });
    expect(ground.shell([], "ls /dev/pts")).toBe("ptmx");
  });

  describe.skipIf(openable === undefined)(`one of the host's (${path})`, () => {
    test("is shown by --device, with number, mode and owner, and may be used", () => {
      const sight = ground.probe(["--device", path], [`read:${path}`]);
      expect(listing(sight)).toMatchObject({ ...standard, [path]: shown });
      expect(sight.attempts[`read:${path}`]).toMatchObject({ errno: null, ...number });
    });

    test("is shown under another name, also in a directory that is not there", () => {
      const flags = ["--device", `${path}:/dev/made/for/it`, "--device", `${path}:/opt/other`];
      const sight = ground.probe(flags, ["read:/dev/made/for/it", "read:/opt/other"]);
      expect(listing(sight)["/dev/made/for/it"]).toBe(shown);
      expect(sight.attempts["read:/dev/made/for/it"]).toMatchObject({ errno: null, ...number });
      expect(sight.attempts["read:/opt/other"]).toMatchObject({ errno: null, ...number });
    });

    test("may be read and not written with :r", () => {
      const words = [`read:${path}`, `write:${path}`];
      const { attempts } = ground.probe(["--device", `${path}:${path}:r`], words);
      expect(words.map((word) => attempts[word]?.errno)).toEqual([null, "EPERM"]);
    });

    const make = `mknod:c:${number.major}:${number.minor}:/tmp/node`;
    /** What comes of making the node, and of opening it. */
    const tryNode = (flags: readonly string[]) => {
      const { attempts } = ground.probe(flags, [make, "read:/tmp/node"]);
      return [attempts[make]?.errno, attempts["read:/tmp/node"]?.errno];
    };

    test("can be made a node of without --device, which then does not open", () => {
      expect(tryNode([])).toEqual([null, "EPERM"]);
    });

    test("does not open with every capability and without a filter, either", () => {
      const rights = ["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"];
      expect(tryNode(rights)).toEqual([null, "EPERM"]);
    });

    test("opens with a rule of --device-cgroup-rule", () => {
      const rule = `c ${number.major}:${number.minor} r`;
      expect(tryNode(["--device-cgroup-rule", rule])).toEqual([null, null]);
    });

    test("cannot be made a node of without CAP_MKNOD", () => {
      expect(tryNode(["--cap-drop", "MKNOD"])).toEqual(["EPERM", "ENOENT"]);
    });

    test("is there and may be used when --privileged", () => {
      const sight = ground.probe(["--privileged"], [`read:${path}`]);
      expect(listing(sight)[path]).toBe(shown);
      expect(sight.attempts[`read:${path}`]?.errno).toBeNull();
    });
  });

  test.skipIf(disk === undefined)(
    "a disk of the host cannot be opened through a node made inside",
    () => {
      const { major: high = 0, minor: low = 0 } = disk ?? {};
      const words = [`mknod:b:${high}:${low}:/tmp/disk`, "read:/tmp/disk", "write:/tmp/disk"];
      const { attempts } = ground.probe(["--cap-add", "ALL"], words);
      expect(attempts[words[0] ?? ""]?.errno).toBeNull();
      expect(attempts["read:/tmp/disk"]?.errno).toBe("EPERM");
      expect(attempts["write:/tmp/disk"]?.errno).toBe("EPERM");
    },
  );

  test("a device that the host does not have is refused by name", () => {
    const ran = ground.run(["--device", "/dev/nothing", "busybox", "true"]);
    expect(ran).toMatchObject({
      code: 125,
      stderr:
        'pivot: invalid argument "/dev/nothing" for "--device": the host has no device, and no directory with devices, there\n',
    });
  });
});
