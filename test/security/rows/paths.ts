// A runtime and roots with links in them: where it mounts, makes and writes stays inside.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Config } from "../../oci/config.ts";
import { type Canary, secret } from "../canary.ts";
import { broken, notApplicable, type Row, unless } from "../outcome.ts";
import type { Called, RuntimeWorld } from "../runtime.ts";
import { tally, waysOut } from "../ways-out.ts";

const bind = (source: string, destination: string) => ({
  source,
  destination,
  type: "bind",
  options: ["rbind", "rw"],
});

/** Runs `cat` of these in each of these roots with each of these changes; what came of the canary. */
function tryEach(
  world: RuntimeWorld,
  canary: Canary,
  roots: readonly (() => string)[],
  changes: readonly ((config: Config) => void)[],
  paths: readonly string[] = [],
  judge: (called: Called) => string | undefined = () => undefined,
) {
  let made = 0;
  let refused = 0;
  const findings: string[] = [];
  for (const root of roots) {
    for (const change of changes) {
      const called = world.run(root(), ["/bin/cat", "/proc/self/mountinfo", ...paths], change);
      if (called.stdout.includes(" - ")) made++;
      else refused++;
      if (called.stdout.includes(secret)) findings.push("a file outside the root was read");
      const finding = judge(called);
      if (finding !== undefined) findings.push(finding);
    }
  }
  return unless([...canary.changes(), ...findings], tally(made, refused));
}

export const paths: readonly Row<RuntimeWorld>[] = [
  {
    ids: ["CVE-2019-18837"],
    title: "the target of a mount is a link in the image",
    tried: "directories, files and tmpfs mounted at and below links of five kinds",
    run: (world) => {
      const canary = world.canary();
      const shown = world.fresh("shown");
      mkdirSync(shown);
      writeFileSync(`${shown}/file`, "shown");
      const at = ["/link", "/link/new", "/link/deep", "/link/deep/new/deeper"];
      return tryEach(
        world,
        canary,
        waysOut(canary).map((to) => () => world.root({ link: to })),
        [
          ...at.map((path) => (config: Config) => void config.mounts.push(bind(shown, path))),
          (config) => void config.mounts.push(bind(`${shown}/file`, "/link/file")),
          (config) => void config.mounts.push(bind(`${shown}/file`, "/link/new-file")),
          (config) =>
            void config.mounts.push({
              destination: "/link/tmpfs",
              type: "tmpfs",
              source: "tmpfs",
              options: ["tmpcopyup"],
            }),
          (config) => void (config.process["cwd"] = "/link/work/directory"),
        ],
        ["/link/file"],
      );
    },
  },
  {
    ids: ["CVE-2023-27561", "CVE-2023-28642", "CVE-2019-19921", "CVE-2025-54867"],
    title: "/proc or /sys of the image is a link",
    tried: "links out, within, and to each other; what is mounted must be at its own place",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      const outcome = tryEach(
        world,
        canary,
        ["proc", "sys"].flatMap((name) =>
          [...waysOut(canary), "/tmp", "tmp", name === "proc" ? "/sys" : "/proc"].map(
            (to) => () => world.root({ [name]: to }),
          ),
        ),
        [
          (config) =>
            void config.mounts.splice(1, 0, {
              destination: "/sys",
              type: "sysfs",
              source: "sysfs",
              options: ["nosuid", "noexec", "nodev", "ro"],
            }),
        ],
        [],
        ({ stdout }) => {
          const lines = stdout.split("\n");
          const off = lines.find(
            (line) => / - (proc|sysfs) /.test(line) && !/ \/(proc|sys) /.test(line),
          );
          if (off !== undefined) findings.push(`mounted elsewhere: ${off}`);
          return findings.at(-1);
        },
      );
      return outcome;
    },
  },
  {
    ids: ["CVE-2026-41579", "CVE-2026-47766"],
    title: "/dev of the image is a link: devices are made outside",
    tried: "without a mount at /dev, and with devices of the configuration's own",
    run: (world) => {
      const canary = world.canary();
      const devices = (config: Config) => {
        config.mounts = config.mounts.filter(
          ({ destination }) => !String(destination).startsWith("/dev"),
        );
        config.linux["devices"] = [
          { path: "/dev/sub/null", type: "c", major: 1, minor: 3 },
          { path: "/link/null", type: "c", major: 1, minor: 3 },
        ];
      };
      return tryEach(
        world,
        canary,
        waysOut(canary).flatMap((to) => [
          () => world.root({ dev: to, link: to }),
          () => world.root({ link: to }),
        ]),
        [devices],
      );
    },
  },
  {
    ids: ["CVE-2025-24965"],
    title: "files that the runtime itself writes are links in the image",
    tried: "links under the names that runtimes and engines write, to a file outside",
    run: (world) => {
      const canary = world.canary();
      const names = [
        ".krun_config.json",
        ".dockerenv",
        "run",
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
        "dev/console",
        "dev/ptmx",
        "dev/fd",
      ];
      return tryEach(
        world,
        canary,
        // A device's name is refused: so it has roots of its own.
        [names, ["dev/full"]].flatMap((each) =>
          waysOut(canary).map(
            (to) => () => world.root(Object.fromEntries(each.map((name) => [name, `${to}/file`]))),
          ),
        ),
        [
          () => undefined,
          (config) => {
            config.mounts = config.mounts.filter(({ destination }) => destination === "/proc");
          },
          (config) => void (config.process["cwd"] = "/run/new"),
        ],
      );
    },
  },
  {
    ids: ["CVE-2026-87766"],
    title: "a link in a volume leads the next mount's target out",
    tried: "mounts below links in a writable bind; ordinary links of images have to go on working",
    run: (world) => {
      const canary = world.canary();
      const volume = world.fresh("volume");
      mkdirSync(volume);
      for (const [i, to] of waysOut(canary).entries()) symlinkSync(to, `${volume}/x${i}`);
      symlinkSync(`/oldroot${canary.path}`, `${volume}/old`);
      const shown = world.fresh("shown");
      mkdirSync(shown);
      writeFileSync(`${shown}/mark`, "it is here");
      const targets = [...waysOut(canary).map((_, i) => `/volume/x${i}/y`), "/volume/old/y"];
      const outcome = tryEach(
        world,
        canary,
        [() => world.root()],
        targets.map((target) => (config: Config) => {
          config.mounts.push(bind(volume, "/volume"), bind(shown, target));
        }),
      );
      const root = world.root();
      mkdirSync(`${root}/run`);
      mkdirSync(`${root}/var`);
      symlinkSync("/run", `${root}/var/run`);
      const usual = world.run(root, ["/bin/cat", "/run/mounted/mark"], (config) => {
        config.mounts.push(bind(shown, "/var/run/mounted"));
      });
      if (usual.stdout !== "it is here") {
        return broken(`an ordinary link, /var/run to /run, does not work: ${usual.stderr.trim()}`);
      }
      return outcome;
    },
  },
  {
    ids: ["CVE-2019-16884", "CVE-2025-52881"],
    title: "something else is mounted where the runtime writes to /proc",
    tried:
      "tmpfs and binds over /proc, /proc/self, /proc/sys; a parameter and oom_score_adj are set: in force, or refused",
    run: (world) => {
      const findings: string[] = [];
      let made = 0;
      let refused = 0;
      const canary = world.canary();
      const fake = world.fresh("fake");
      mkdirSync(`${fake}/kernel`, { recursive: true });
      mkdirSync(`${fake}/self/attr`, { recursive: true });
      mkdirSync(`${fake}/sys/kernel`, { recursive: true });
      for (const name of ["kernel/domainname", "sys/kernel/domainname"]) {
        symlinkSync(`${canary.path}/file`, `${fake}/${name}`);
      }
      for (const name of ["oom_score_adj", "attr/exec", "attr/current", "setgroups", "uid_map"]) {
        symlinkSync(`${canary.path}/file`, `${fake}/self/${name}`);
      }
      // And files that take what is written, and tell nobody.
      const silent = world.fresh("silent");
      mkdirSync(`${silent}/kernel`, { recursive: true });
      writeFileSync(`${silent}/kernel/domainname`, "");
      writeFileSync(`${silent}/oom_score_adj`, "");
      const covers = [
        bind(silent, "/proc/sys"),
        bind(`${silent}/kernel`, "/proc/sys/kernel"),
        bind(`${silent}/kernel/domainname`, "/proc/sys/kernel/domainname"),
        bind(fake, "/proc"),
        bind(`${fake}/self`, "/proc/self"),
        bind(`${fake}/self/attr`, "/proc/self/attr"),
        bind(fake, "/proc/sys"),
        ...["/proc", "/proc/self", "/proc/sys", "/proc/sys/kernel", "/proc/self/attr"].map(
          (destination) => ({ destination, type: "tmpfs", source: "tmpfs", options: ["rw"] }),
        ),
      ];
      for (const cover of covers) {
        const container = world.create(world.root(), (config) => {
          config.mounts = config.mounts.filter(
            ({ destination }) => destination !== cover.destination,
          );
          config.mounts.push(cover);
          config.linux["sysctl"] = { "kernel.domainname": "as-asked" };
          config.process["oomScoreAdj"] = 321;
        });
        if (typeof container === "string") {
          refused++;
          continue;
        }
        made++;
        const seen = world.seenBy(container);
        if (seen.domainname !== "as-asked") {
          findings.push(
            `with ${cover.type} on ${cover.destination} the parameter was not set: ${seen.domainname}`,
          );
        }
        if (seen.oomScoreAdj !== "321") {
          findings.push(
            `with ${cover.type} on ${cover.destination} oom_score_adj was not set: ${seen.oomScoreAdj}`,
          );
        }
        world.drop(container);
      }
      return unless([...canary.changes(), ...findings], tally(made, refused));
    },
  },
  {
    ids: ["crun NEWS 1.28"],
    title: "ids and cgroup paths that go up",
    tried: "`..`, paths, empty and overlong ids; cgroupsPath with `..`: no directory outside",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      const bundle = world.bundle(world.root());
      const ids = ["..", ".", "a/../b", "/x", "../../x", "", "a".repeat(300), "a\nb", "-x/y"];
      for (const id of ids) {
        const { code } = world.call(["create", "--bundle", bundle, "--", id]);
        if (code === 0) {
          findings.push(`the id ${JSON.stringify(id.slice(0, 20))} was taken`);
          world.call(["delete", "--force", "--", id]);
        }
      }
      const before = world.cgroupNames();
      for (const path of ["/../../out-of-here", "../out-of-here", "/a/../../../out-of-here"]) {
        const container = world.create(world.root(), (config) => {
          config.linux["cgroupsPath"] = path;
        });
        if (typeof container === "string") continue;
        // Clean, as a path below the root of the hierarchy, is what runc makes of it.
        const own = world.cgroupOf(container);
        if (own.some((each) => each.includes(".."))) findings.push(`a cgroup ${own.join(" ")}`);
        world.drop(container);
      }
      const more = world.cgroupNames().filter((each) => !before.includes(each));
      if (more.length > 0) findings.push(`cgroups stay: ${more.join(", ")}`);
      return unless([...canary.changes(), ...findings], `${ids.length} ids, 3 cgroup paths`);
    },
  },
  {
    ids: ["CVE-2021-43784"],
    title: "a length overflows, and what follows is read as another setting",
    tried: "thousands of id mappings, paths of more than 64 KiB: in force as given, or refused",
    run: (world) => {
      const all = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"];
      const mappings = Array.from({ length: 5000 }, (_, i) => ({
        containerID: i,
        hostID: 100_000 + i,
        size: 1,
      }));
      const findings: string[] = [];
      let refused = 0;
      const tries: ((config: Config) => void)[] = [
        (config) => {
          config.linux["uidMappings"] = mappings;
          config.linux["gidMappings"] = mappings;
          config.linux.namespaces = all.map((type) => ({ type }));
        },
        (config) => {
          config.linux.namespaces = config.linux.namespaces.map((namespace) =>
            namespace["type"] === "uts"
              ? { type: "uts", path: `${"/proc/self/../self/".repeat(4000)}ns/uts` }
              : namespace,
          );
        },
        (config) => void (config.linux["rootfsPropagation"] = "x".repeat(70_000)),
      ];
      for (const change of tries) {
        const container = world.create(world.root(), change);
        if (typeof container === "string") {
          refused++;
          continue;
        }
        const map = world.read(`/proc/${container.pid}/uid_map`).trim().split("\n");
        const wanted = change === tries[0] ? mappings.length : 1;
        if (map.length !== wanted)
          findings.push(`${map.length} mappings of ${wanted} are in force`);
        world.drop(container);
      }
      return unless(findings, `${tries.length} tries, ${refused} refused`);
    },
  },
  {
    ids: ["CVE-2022-0811"],
    title: "the value or the name of a parameter brings others along",
    tried: "names with `..`, `/`, `+` and line ends, and parameters of the whole machine",
    run: (world) => {
      const before = world.read("/proc/sys/kernel/core_pattern");
      const findings: string[] = [];
      const bad: readonly (readonly [string, string])[] = [
        ["net/../kernel/core_pattern", "|/evil"],
        ["net.../kernel/core_pattern", "|/evil"],
        ["net.ipv4/../../kernel/core_pattern", "|/evil"],
        ["kernel.shm_rmid_forced\nkernel.core_pattern", "1"],
        ["kernel.core_pattern", before.trim()],
        ["kernel.panic", world.read("/proc/sys/kernel/panic").trim()],
        ["fs.suid_dumpable", world.read("/proc/sys/fs/suid_dumpable").trim()],
      ];
      for (const [name, value] of bad) {
        const container = world.create(world.root(), (config) => {
          config.linux["sysctl"] = { [name]: value };
        });
        if (typeof container === "string") continue;
        findings.push(`${JSON.stringify(name)} was taken`);
        world.drop(container);
      }
      if (world.read("/proc/sys/kernel/core_pattern") !== before) {
        return broken("the machine's core pattern has changed");
      }
      return unless(findings, `${bad.length} names, each refused`);
    },
  },
  {
    ids: ["CVE-2026-41163", "CVE-2016-10117", "CVE-2022-31214", "GHSA-j2qp-rvxj-43vj"],
    title: "a set-user-id program is a way to root",
    tried: "the runtime's file has neither set-id bits nor capabilities",
    run: (world) => {
      if (world.path === "") return notApplicable("there is no file");
      // A runtime may be a script that starts others: pivot's are where it is built.
      const built = new URL("../../../build/", import.meta.url).pathname;
      const others =
        world.name === "pivot" ? ["pivot", "pivot-program"].map((name) => built + name) : [];
      const all = [world.path, ...others];
      const found = world.command(["find", "-L", ...all, "-perm", "/6000"]).stdout.trim();
      const rights = all.filter(
        (path) => world.command(["getfattr", "-n", "security.capability", path]).code === 0,
      );
      return unless(
        [
          ...(found === "" ? [] : [`${found} is set-user-id`]),
          ...rights.map((path) => `${path} has file capabilities`),
        ],
        "it has neither",
      );
    },
  },
];
