// A runtime and who a process is in its container: ids, capabilities, what it may write.

import { rmSync, writeFileSync } from "node:fs";
import type { Config } from "../../oci/config.ts";
import { broken, notApplicable, type Row, unless } from "../outcome.ts";
import type { Called, RuntimeWorld } from "../runtime.ts";

const idsOf = ({ stdout }: Called): string =>
  ["Uid", "Gid"]
    .map((name) => new RegExp(`^${name}:\\s+(\\d+)\\s+\\1\\s+\\1\\s+\\1$`, "m").exec(stdout)?.[1])
    .join(" ");

const status = ["/bin/cat", "/proc/self/status"];
const field = (called: Called, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(called.stdout)?.[1] ?? "unseen";

/** All sets that a configuration of engines of 2022 has. */
const withCapabilities =
  (uid: number, sets: readonly string[]) =>
  (config: Config): void => {
    config.process["user"] = { uid, gid: uid };
    config.process["capabilities"] = Object.fromEntries(
      sets.map((set) => [set, ["CAP_CHOWN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]]),
    );
  };

export const rights: readonly Row<RuntimeWorld>[] = [
  {
    ids: ["CVE-2016-3697"],
    title: "a user given by number is looked up as a name",
    tried: "exec --user 1000 where /etc/passwd has a user called 1000, who is root",
    run: (world) => {
      const root = world.root();
      rmSync(`${root}/etc/passwd`);
      writeFileSync(`${root}/etc/passwd`, "1000:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n");
      const made = world.mustStart(root);
      const ids = idsOf(world.exec(made.id, status, ["--user", "1000:1000"]));
      world.drop(made);
      return unless(ids === "1000 1000" ? [] : [`the ids are ${ids}`], "it is 1000");
    },
  },
  {
    ids: ["CVE-2026-30892"],
    title: "exec --user is read as somebody else",
    tried:
      "numbers with signs, spaces and rubbish, too large and negative: exactly that id, or an error",
    run: (world) => {
      const made = world.mustStart(world.root());
      const findings: string[] = [];
      const given: readonly (readonly [string, readonly string[]])[] = [
        ["1", ["1 0", "1 1"]],
        ["1:1", ["1 1"]],
        ["1:", ["1 0", "1 1"]],
        [" 1", ["1 0", "1 1"]],
        ["+1", ["1 0", "1 1"]],
        ["1x", []],
        ["0x1", []],
        ["1:x", []],
        ["-1", []],
        ["1:-1", []],
        ["4294967295", []],
        ["4294967296", []],
        ["4294967297", []],
        ["18446744073709551617", []],
        ["1e10", []],
        ["somebody", ["1234 1234"]],
        ["nobody-here", []],
      ];
      for (const [user, allowed] of given) {
        const called = world.exec(made.id, status, ["--user", user]);
        if (called.code !== 0) continue;
        const ids = idsOf(called);
        if (!allowed.includes(ids)) findings.push(`${JSON.stringify(user)} is ${ids}`);
      }
      world.drop(made);
      return unless(findings, `${given.length} users`);
    },
  },
  {
    ids: ["CVE-2024-40635"],
    title: "a large id wraps around to root",
    tried: "uid and gid of 2^31 and more, and negative ones, in the configuration",
    run: (world) => {
      const findings: string[] = [];
      const ids = [
        2147483647, 2147483648, 4294967294, 4294967295, 4294967296, 4294967297, 1e10, -1,
      ];
      for (const id of ids) {
        const called = world.run(world.root(), status, (config) => {
          config.process["user"] = { uid: id, gid: id, additionalGids: [id] };
        });
        const got = idsOf(called);
        if (called.stdout !== "" && got !== `${id} ${id}`) findings.push(`${id} is ${got}`);
      }
      return unless(findings, `${ids.length} ids: exact, or refused`);
    },
  },
  {
    ids: ["CVE-2016-8867"],
    title: "a user who is not root keeps capabilities",
    tried: "uid 1000 with bounding, permitted and effective sets of the configuration",
    run: (world) => {
      const sets = ["bounding", "effective", "permitted"];
      const called = world.run(world.root(), status, withCapabilities(1000, sets));
      const bad = ["CapInh", "CapEff", "CapPrm", "CapAmb"].filter(
        (name) => !/^0+$/.test(field(called, name)),
      );
      return unless(
        bad.map((name) => `${name} is ${field(called, name)}`),
        "inheritable, permitted, effective and ambient sets are empty",
      );
    },
  },
  {
    ids: ["CVE-2022-29162", "CVE-2022-24769", "CVE-2022-27649", "CVE-2022-27650"],
    title: "the inheritable set is not empty",
    tried: "run, exec, and exec --cap, with a configuration that asks for no inheritable ones",
    run: (world) => {
      const made = world.mustStart(
        world.root(),
        withCapabilities(0, ["bounding", "effective", "permitted"]),
      );
      const seen = [
        [
          "run",
          field({ code: 0, stdout: world.read(`/proc/${made.pid}/status`), stderr: "" }, "CapInh"),
        ],
        ["exec", field(world.exec(made.id, status), "CapInh")],
        ["exec --cap", field(world.exec(made.id, status, ["--cap", "CAP_NET_RAW"]), "CapInh")],
      ] as const;
      world.drop(made);
      return unless(
        seen
          .filter(([, set]) => !/^0+$/.test(set))
          .map(([how, set]) => `by ${how} CapInh is ${set}`),
        "run, exec and exec --cap",
      );
    },
  },
  {
    ids: ["CVE-2022-36109", "CVE-2022-2989", "CVE-2023-25173"],
    title: "groups of the caller come along",
    tried:
      "the runtime is called with groups of its own; inside are those of the configuration alone",
    run: (world) => {
      const root = world.root();
      const bundle = world.bundle(root, (config) => {
        config.process["args"] = status;
        config.process["user"] = { uid: 1000, gid: 1000, additionalGids: [2000] };
      });
      const id = "groups";
      const called = world.call(["run", "--bundle", bundle, id], {
        before: ["setpriv", "--groups", "4,24,27"],
      });
      world.drop(id);
      const groups = field(called, "Groups").trim();
      return unless(groups === "2000" ? [] : [`the groups are ${groups}`], "they are 2000 alone");
    },
  },
  {
    ids: ["CVE-2023-25809"],
    title: "without a cgroup namespace the host's cgroups can be written",
    tried:
      "root of a user namespace, whose id owns the cgroups, writes where they are mounted read-only",
    run: (world) => {
      // A tmpfs above the hierarchies is the container's own.
      const script = `for d in /sys/fs/cgroup /sys/fs/cgroup/*; do
          [ "$(busybox stat -f -c %t $d)" = 1021994 ] && continue
          busybox mkdir $d/made-inside 2>/dev/null && echo made $d
        done; echo looked at $(busybox ls /sys/fs/cgroup | busybox wc -l)`;
      const called = world.run(world.root(), ["/bin/busybox", "sh", "-c", script], (config) => {
        const mappings = [{ containerID: 0, hostID: 0, size: 65536 }];
        config.linux["uidMappings"] = mappings;
        config.linux["gidMappings"] = mappings;
        config.linux.namespaces = ["ipc", "mount", "network", "pid", "user", "uts"].map((type) => ({
          type,
        }));
        const options = ["nosuid", "noexec", "nodev", "relatime", "ro"];
        config.mounts.push(
          { destination: "/sys", type: "sysfs", source: "sysfs", options },
          { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options },
        );
      });
      for (const path of /made (\S+)/g.exec(called.stdout)?.slice(1) ?? []) {
        world.command(["rmdir", `${path}/made-inside`]);
      }
      if (!called.stdout.includes("looked at")) {
        return notApplicable(`it makes no such container: ${called.stderr.trim().slice(0, 120)}`);
      }
      return called.stdout.includes("made ")
        ? broken(called.stdout.trim().split("\n")[0] ?? "")
        : unless([], "no cgroup could be made");
    },
  },
];
