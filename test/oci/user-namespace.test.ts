// A user namespace of a container's own: the other namespaces are its, its maps are as they were asked
// for, and all mounts, devices and files are as ever.

import { describe, expect } from "bun:test";
import { chmodSync, readlinkSync } from "node:fs";
import { parseMountinfo, statusOf } from "../sight.ts";
import { type Change, type Config, OciGround } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

const all = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"];

describe.skipIf(whyNot !== undefined)(title("user namespaces"), () => {
  const ground = new OciGround("userns");
  // Who is root inside must be able to reach its root.
  if (whyNot === undefined) chmodSync(ground.directory, 0o711);

  const mapped =
    (uids: number, gids: number, change: Change = () => undefined): Change =>
    (config: Config) => {
      config.linux["uidMappings"] = [{ containerID: 0, hostID: 1000, size: uids }];
      config.linux["gidMappings"] = [{ containerID: 0, hostID: 1000, size: gids }];
      config.linux.namespaces = all.map((type) => ({ type }));
      change(config);
    };

  demand("all seven namespaces are new ones, as soon as it is created", () => {
    const { pid } = ground.create(mapped(1000, 1000));
    for (const name of ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]) {
      const [own, host] = [pid, "self"].map((of) => readlinkSync(`/proc/${of}/ns/${name}`));
      expect({ name, isNew: own !== host }).toEqual({ name, isNew: true });
    }
  });

  demand("the maps are as they were asked for, and mounts and devices as ever", () => {
    const seen = ground.probe(
      mapped(2000, 3000, (config) => {
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "cgroup");
        const more: [string, string][] = [
          ["/dev/mqueue", "mqueue"],
          ["/sys", "sysfs"],
        ];
        for (const [destination, type] of more) {
          config.mounts.push({
            destination,
            type,
            source: type,
            options: ["nosuid", "noexec", "nodev"],
          });
        }
      }),
    );
    expect(seen.uidMap?.trim().split(/\s+/)).toEqual(["0", "1000", "2000"]);
    expect(seen.gidMap?.trim().split(/\s+/)).toEqual(["0", "1000", "3000"]);
    expect(seen.uids).toEqual([0, 0, 0]);
    const types = parseMountinfo(seen.mountinfo).map(({ at, type }) => `${at} ${type}`);
    for (const wanted of [
      "/proc proc",
      "/dev tmpfs",
      "/dev/pts devpts",
      "/dev/shm tmpfs",
      "/dev/mqueue mqueue",
      "/sys sysfs",
    ]) {
      expect(types).toContain(wanted);
    }
    for (const [name, major, minor] of [
      ["null", 1, 3],
      ["zero", 1, 5],
      ["full", 1, 7],
      ["random", 1, 8],
      ["urandom", 1, 9],
      ["tty", 5, 0],
    ] as const) {
      expect(seen.devices[`/dev/${name}`]).toMatchObject({ type: "character", major, minor });
    }
    expect(seen.devices["/dev/ptmx"]?.target).toBe("pts/ptmx");
    expect(statusOf(seen.status, "NoNewPrivs")).toBe("1");
  });
});
