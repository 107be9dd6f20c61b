// What has to be so after any fault: the world is as it was, or becomes so by the commands that clear
// it; and what is told is a line that a person can read. Only in a world of its own (tools/world.sh),
// where nobody else's processes, mounts and cgroups come and go.

import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { countMounts, listIfThere } from "../leftovers.ts";
import type { Ground } from "../pivot.ts";
import { parseMountinfo, type Sight } from "../sight.ts";
import type { Traced } from "./trace.ts";

/** Why this is no clear word; undefined: it is one. A line about what could not be removed may follow. */
export function unclear({ code, stderr }: Traced): string | undefined {
  if (code === "late") return "it does not end";
  if (code === 0) return undefined;
  if (code === null) return "a signal ended it";
  const lines = stderr.split("\n").slice(0, -1);
  if (lines.length === 0) return `it says nothing, and ends with ${code}`;
  if (lines.length > 3) return `it says more than a line: ${stderr}`;
  const strange = lines.find(
    (line) => !/^pivot(-oci)?: \S.*[^:]$/.test(line) || /undefined|\[object|at .*\.ts:/.test(line),
  );
  return strange === undefined ? undefined : `it says: ${strange}`;
}

/** Everything below, but what is kept to be quicker next time, and the database's own files. */
function filesBelow(directory: string): string[] {
  const isPassing = (path: string): boolean =>
    /(^|\/)(plans|filters|cache|templates)(\/|$)|pivot\.db(-wal|-shm)?$|events|\.lock$|^room(\/|$)|^(downloads|names|network\/left)$|^(network\/leases|userns)(\/|$)/.test(
      path,
    );
  const found: string[] = [];
  const look = (below: string): void => {
    for (const name of listIfThere(`${directory}/${below}`)) {
      const path = below === "" ? name : `${below}/${name}`;
      if (!isPassing(path)) found.push(path);
      if (isPassing(path) && !/^(downloads|names|network\/left)$/.test(path)) continue;
      const isDirectory = lstatSync(`${directory}/${path}`, {
        throwIfNoEntry: false,
      })?.isDirectory();
      // What a layer has in it is another test's.
      if (isDirectory === true && !/^layers\/[0-9a-f]{64}$/.test(path)) look(path);
    }
  };
  look("");
  return found;
}

function cgroups(): string[] {
  const found: string[] = [];
  const look = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      found.push(`${directory}/${entry.name}`);
      look(`${directory}/${entry.name}`);
    }
  };
  for (const { at, type } of parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))) {
    if ((type === "cgroup" || type === "cgroup2") && existsSync(at)) look(at);
  }
  return found;
}

function processes(): string[] {
  return listIfThere("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, comm = "", state] =
          /\((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
        return state === "Z" ? [] : [`${pid} ${comm}`];
      } catch {
        return [];
      }
    });
}

/** Those that a mount keeps; a process that keeps one is found as such. */
const mountedNamespaces = (): string[] =>
  parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))
    .filter(({ type }) => type === "nsfs")
    .map(({ root, at }) => `${root} ${at}`);

/** Addresses, routes and rules, without their counters. */
const networkLines = (): string[] =>
  [
    ["ip", "-brief", "address"],
    ["ip", "route"],
    ["ip", "-6", "route"],
    ["iptables-save"],
    ["ip6tables-save"],
    ["nft", "list", "ruleset"],
    ["ip", "netns"],
  ]
    .filter(([program = ""]) => Bun.which(program) !== null)
    .flatMap((words) => Bun.spawnSync(words, { stderr: "ignore" }).stdout.toString().split("\n"))
    .filter((line) => !line.startsWith("#"))
    // An address of IPv6 is tried out for a moment.
    .filter((line) => !/^out\d|dev out\d/.test(line))
    .map((line) =>
      line.replace(/\[\d+:\d+\]|packets \d+ bytes \d+/, "").replaceAll(/@\S+|\s+/g, " "),
    );

/** What there is in this world. */
export class World {
  readonly #ground: Ground;
  #before: Record<string, unknown>;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#before = this.#look();
  }

  #look(): Record<string, readonly string[]> {
    const { root, runRoot } = this.#ground;
    return {
      processes: processes(),
      cgroups: cgroups(),
      mounts: [String(countMounts())],
      interfaces: listIfThere("/sys/class/net"),
      namespaces: mountedNamespaces(),
      network: networkLines(),
      run: filesBelow(runRoot),
      data: filesBelow(root),
    };
  }

  /** What is there now is what has to be there from now on. */
  settle(): void {
    this.#before = this.#look();
  }

  /** What is more or less than before, in words; undefined: nothing. Looks for a while. */
  async difference(patience = 1): Promise<string | undefined> {
    for (let i = 0; ; i++) {
      const now = this.#look();
      const differs = Object.entries(now).flatMap(([what, list]) => {
        const before = this.#before[what] as string[];
        const more = list.filter((each) => !before.includes(each)).map((each) => `+${each}`);
        const less = before.filter((each) => !list.includes(each)).map((each) => `-${each}`);
        const all = [...more, ...less];
        return all.length === 0 ? [] : [`${what}: ${all.slice(0, 6).join(" ")}`];
      });
      if (differs.length === 0) return undefined;
      if (i >= patience) return differs.join("; ");
      await Bun.sleep(30);
    }
  }
}

/** A container's sight without what differs between two of the same kind; a line for each thing. */
export function essence(text: string): string {
  const sight = JSON.parse(text) as Record<string, unknown> & Sight;
  const { boottime: _b, monotonic: _m, ns, mountinfo, fds, devices, status, ...others } = sight;
  const { pid, sid, pgid, ...rest } = others;
  // Mount ids, device numbers and peer groups are counted by the kernel.
  const mounts = (mountinfo ?? "")
    .split("\n")
    .map((line) => line.split(" ").toSpliced(0, 3).join(" "));
  const own = (status ?? "")
    .split("\n")
    .filter((line) => /^(Cap|Seccomp|NoNewPrivs|Uid|Gid|Groups)/.test(line));
  const file = ({ type, mode, uid, gid, major, minor }: Sight["devices"][string]) => ({
    type,
    mode,
    uid,
    gid,
    rdev: type === "char" ? [major, minor] : [],
  });
  const host = (name: string): string => readlinkSync(`/proc/self/ns/${name}`);
  return (
    JSON.stringify(
      {
        ...rest,
        // In a container that goes on each has another one.
        leads: [pid <= 2 ? pid : "a later one", sid === pid, pgid === pid],
        mounts,
        fds: Object.entries(fds).map(([fd, { type, flags }]) => [fd, type, flags]),
        devices: Object.entries(devices).map(([path, each]) => [path, file(each)]),
        status: own,
        ns: Object.entries(ns).map(([name, at]) => [name, at === host(name)]),
      },
      null,
      1,
    )
      .replaceAll(/[0-9a-f]{64}|[0-9a-f]{12}\b/g, "ID")
      .replaceAll(/("[ug]idMap": " *\d+ +)\d+/g, "$1OUTSIDE")
      // Which range is free depends on what starts of the last minute have got.
      .replaceAll(/\b([ug]id=)\d{9,}/g, "$1OUTSIDE")
  );
}

/** The first line in which two texts differ; undefined: none. */
export function firstDifference(before: string, after: string): string | undefined {
  const [one, other] = [before.split("\n"), after.split("\n")];
  const at = one.findIndex((line, i) => line !== other[i]);
  return at < 0 ? undefined : `${one[at]?.trim()} became ${other[at]?.trim()}`;
}
