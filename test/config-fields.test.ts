// Fields of a bundle's process and devices, as config.md and config-linux.md have them.

import { afterAll, describe, expect, test } from "bun:test";
import { type BundleConfig, makeBundle, runBundle } from "./bundle.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("config-fields");
const root = makeSmallRoot(ground, "root", { "etc/group": "docs:x:300:root\n" });

const see = (change: (config: BundleConfig) => void, attempts: readonly string[] = []) =>
  ground.sight(runBundle(ground, root, ["/probe", ...attempts], change));

const inUserNamespace = ({ linux }: BundleConfig): void => {
  (linux["namespaces"] as unknown[]).push({ type: "user" });
  const map = [
    { containerID: 0, hostID: 0, size: 1000 },
    { containerID: 1000, hostID: 5000, size: 10 },
  ];
  linux["uidMappings"] = linux["gidMappings"] = map;
};

describe.skipIf(whyNot !== undefined)(`fields of a configuration (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("a umask that is not said stays the caller's", () => {
    const bundle = makeBundle(ground, "umask", root, ({ process }) => {
      process["args"] = ["/probe"];
    });
    const pivot = [pivotPath, ...ground.roots(), "run", "--rm", "--bundle", bundle];
    const ran = ground.command(["sh", "-c", 'umask 031; exec "$@"', "sh", ...pivot]);
    expect(ground.sight(ran).umask).toBe(0o031);
    const said = see(({ process }) => {
      process["user"] = { uid: 0, gid: 0, umask: 0o077 };
    });
    expect(said.umask).toBe(0o077);
  });

  test("additional groups are numbers, and no others come along", () => {
    const { groups, gids } = see(({ process }) => {
      process["user"] = { uid: 7, gid: 8, additionalGids: [300, 12] };
    });
    expect([...groups].sort()).toEqual([12, 300]);
    expect(gids).toEqual([8, 8, 8]);
  });

  test("consoleSize is that of the terminal, and is ignored without one", () => {
    const sized = (terminal: boolean) =>
      see(({ process }) => {
        process["terminal"] = terminal;
        process["consoleSize"] = { height: 33, width: 111 };
      }).terminal;
    expect(sized(true)).toMatchObject({ in: 1, rows: 33, columns: 111 });
    expect(sized(false)).toMatchObject({ in: 0, rows: 0, columns: 0 });
  });

  test("limits, the soft and the hard one", () => {
    const { rlimits } = see(({ process }) => {
      process["rlimits"] = [
        { type: "RLIMIT_CORE", soft: 1, hard: 2 },
        { type: "RLIMIT_NOFILE", soft: 64, hard: 128 },
      ];
    });
    expect(rlimits[4]).toEqual([1, 2]);
    expect(rlimits[7]).toEqual([64, 128]);
  });

  const devices = [
    { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, uid: 7, gid: 8 },
    { path: "/dev/unbuffered", type: "u", major: 1, minor: 5 },
    {
      path: "/dev/disk",
      type: "b",
      major: 7,
      minor: 77,
      fileMode: 0o100_660,
      uid: 1000,
      gid: 1001,
    },
    { path: "/dev/pipe", type: "p", fileMode: 0o622 },
    { path: "/opt/deep/null", type: "c", major: 1, minor: 3, fileMode: 0o604 },
  ];
  for (const where of ["", ", also in a user namespace"]) {
    test(`devices have their type, numbers, mode and owner${where}`, () => {
      const seen = see(
        (config) => {
          config.linux["devices"] = devices;
          if (where !== "") inUserNamespace(config);
        },
        ["stat:/opt/deep/null"],
      );
      const dev = seen.devices;
      expect(dev["/dev/fuse"]).toMatchObject({
        type: "character",
        major: 10,
        minor: 229,
        mode: 0o640,
        uid: 7,
        gid: 8,
      });
      expect(dev["/dev/unbuffered"]).toMatchObject({
        type: "character",
        major: 1,
        minor: 5,
        mode: 0o666,
      });
      expect(dev["/dev/disk"]).toMatchObject({ type: "block", major: 7, minor: 77, mode: 0o660 });
      expect(dev["/dev/disk"]).toMatchObject({ uid: 1000, gid: 1001 });
      expect(dev["/dev/pipe"]).toMatchObject({ type: "fifo", mode: 0o622 });
      expect(seen.attempts["stat:/opt/deep/null"]).toMatchObject({
        type: "character",
        major: 1,
        minor: 3,
        mode: 0o604,
      });
    });
  }

  test("what is there already and is another file is an error", () => {
    const ran = runBundle(ground, root, ["/bin/true"], ({ linux }) => {
      linux["devices"] = [{ path: "/etc/group", type: "c", major: 1, minor: 3 }];
    });
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toMatch(/^pivot: cannot make the device \/etc\/group .*EEXIST[^\n]*\n$/);
  });

  for (const [wanted, expected] of [
    ["shared", /^shared:\d+$/],
    ["private", /^$/],
    ["unbindable", /^unbindable$/],
  ] as const) {
    test(`rootfsPropagation ${wanted}`, () => {
      const { mountinfo } = see(({ linux }) => {
        linux["rootfsPropagation"] = wanted;
      });
      const line = mountinfo?.split("\n").find((each) => each.split(" ")[4] === "/") ?? "";
      const words = line.split(" ");
      expect(words.slice(6, words.indexOf("-")).join(" ")).toMatch(expected);
    });
  }
});
