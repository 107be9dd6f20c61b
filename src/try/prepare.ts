/**
 * From a wish to try something to its plan: a container whose root is the host's own, below
 * overlays that take what is written.
 */

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { filterFor } from "../container/filter.ts";
import { gatherContainerFacts } from "../container/gather.ts";
import { newId } from "../container/identity.ts";
import { encodeRecord } from "../container/record.ts";
import { recordContainer } from "../container/record-container.ts";
import { planResources } from "../container/resources.ts";
import type { Roots } from "../container/roots.ts";
import { chooseStreams } from "../container/streams.ts";
import { WishError } from "../container/wish-error.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { containerSpec } from "../options/container-spec.ts";
import type { RunOptions } from "../options/options.ts";
import { formatOptionProblem } from "../options/problem.ts";
import type { Plan } from "../plan/op.ts";
import type { Facts, StreamFact } from "../planner/facts.ts";
import { planContainer } from "../planner/plan.ts";
import type { Setting, StateFile } from "../planner/setting.ts";
import type { Linux, Mount, Spec } from "../spec/mod.ts";
import { type HostMount, showingOf, visibleMounts } from "./host-mounts.ts";
import type { Part, Try } from "./store.ts";
import { type Shown, viewMounts } from "./view-mounts.ts";

export type TryWish = {
  readonly command: readonly string[];
  /** Limits and the network; the rest is the view's own. */
  readonly options: RunOptions;
  readonly roots: Roots;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly streams: readonly [StreamFact, StreamFact, StreamFact];
  /** Absolute paths of the host that are shown as they are, to be written to. */
  readonly share: readonly string[];
  /** Absolute paths that are covered. */
  readonly hide: readonly string[];
};

/** Magic numbers of statfs(2): file systems that overlayfs cannot write its changes to. */
const unfit: Readonly<Record<number, string>> = {
  0x794c7630: "overlayfs",
  0x6969: "NFS",
  0x65735546: "FUSE",
  0x4d44: "FAT",
  0x2011bab0: "exFAT",
  0x1021997: "9p",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
};

/** @throws WishError when what is written could not be kept there. */
export function checkDataRoot(dataRoot: string): void {
  let directory = dataRoot;
  while (!existsSync(directory)) directory = directory.replace(/\/[^/]*$/, "") || "/";
  const name = unfit[Number(statfsSync(directory).type)];
  if (name === undefined) return;
  throw new WishError([
    `${dataRoot} is on ${name}, which cannot keep the changes of a view: choose a directory on another file system with --root`,
  ]);
}

function kindOf(path: string): { kind: "directory" | "file" | "other"; stat: Stats | null } {
  try {
    const stat = statSync(path);
    return { kind: stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other", stat };
  } catch {
    return { kind: "other", stat: null }; // gone meanwhile, or a FUSE mount of another user
  }
}

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** What is mounted at a path, to know it again another day. */
const identityOf = ({ type, source }: HostMount, stat: Stats): string =>
  `${type} ${source} ${stat.ino}`;

type Seen = { readonly mount: HostMount; readonly shown: Shown; readonly stat: Stats | null };

/**
 * The directories that an ordinary user writes to, each covered by itself: in their namespace
 * overlayfs covers nothing in which something is mounted, and copies nothing that is another's,
 * such as the directories that lead to theirs.
 */
function ownPlaces(seen: readonly Seen[], uid: number, places: readonly string[]): Seen[] {
  const hasMounts = (path: string): boolean => seen.some(({ shown }) => isBelow(shown.path, path));
  const tops = places.flatMap(
    (path) => ownDirectories(path, uid).find((each) => !hasMounts(each)) ?? [],
  );
  return [...new Set([...tops, "/tmp", "/var/tmp"])].toSorted().flatMap((path) => {
    const within = seen.findLast(
      ({ shown }) => shown.path === "/" || shown.path === path || isBelow(path, shown.path),
    );
    const { kind, stat } = kindOf(path);
    if (within?.shown.showing !== "overlay" || kind !== "directory" || hasMounts(path)) return [];
    return [{ mount: { ...within.mount, path }, shown: { ...within.shown, path }, stat }];
  });
}

/** A directory and those above it, as far as they are the user's; the highest first. */
function ownDirectories(path: string, uid: number): string[] {
  const found: string[] = [];
  try {
    for (let at = realpathSync(path); at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      if (statSync(at).uid !== uid) break;
      found.unshift(at);
    }
  } catch {
    // It is not there, or may not be looked at: then nothing can be written there either.
  }
  return found;
}

/** The mounts of the host as they are shown, but for those within the engine's own directories. */
function lookAround(roots: Roots, places: readonly string[]): Seen[] {
  const uid = process.geteuid?.() ?? 0;
  const seen = shownMounts(roots);
  return uid === 0 ? seen : ownPlaces(seen, uid, places);
}

function shownMounts(roots: Roots): Seen[] {
  const own = [roots.dataRoot, roots.runRoot];
  return visibleMounts(readFileSync("/proc/self/mountinfo", "latin1")).flatMap((found) => {
    const mount = { ...found, path: Buffer.from(found.path, "latin1").toString() };
    if (own.some((each) => isBelow(mount.path, each) || mount.path === each)) return [];
    const { kind, stat } = kindOf(mount.path);
    const showing = mount.path === "/" ? "overlay" : showingOf(mount, kind);
    if (showing === "none") return [];
    return [{ mount, shown: { path: mount.path, flags: mount.flags, showing }, stat }];
  });
}

/** The part of a path that is there already, or the next number; its identity is today's. */
function partOf(path: string, identity: string, parts: readonly Part[]): Part {
  const found = parts.find((part) => part.path === path);
  if (found === undefined) return { path, directory: String(parts.length), identity };
  if (found.identity === identity) return found;
  throw new WishError([
    `another file system is mounted on ${path} than when the try began: discard the try, or begin a new one`,
  ]);
}

/** Makes the upper directory of a part, which lends the covered one its attributes. */
function makeUpper(at: string, { directory }: Part, stat: Stats): void {
  const upper = `${at}/${directory}/upper`;
  if (existsSync(upper)) return;
  mkdirSync(upper, { recursive: true, mode: 0o700 });
  if (process.geteuid?.() === 0) chownSync(upper, stat.uid, stat.gid);
  chmodSync(upper, stat.mode & 0o7777);
}

/**
 * What the host shows today, and the try with the parts that it needs for that.
 *
 * @throws WishError when another file system is where one was
 */
export function arrangeParts(
  roots: Roots,
  given: Try,
  places: readonly string[],
): { shown: Shown[]; arranged: Try } {
  let { parts } = given;
  const shown: Shown[] = [];
  for (const each of lookAround(roots, places)) {
    if (each.shown.showing === "overlay" && each.stat !== null) {
      const part = partOf(each.shown.path, identityOf(each.mount, each.stat), parts);
      if (!parts.includes(part)) parts = [...parts, part];
      makeUpper(given.at, part, each.stat);
      shown.push({ ...each.shown, directory: `${given.at}/${part.directory}` });
    } else {
      shown.push(each.shown);
    }
  }
  return { shown, arranged: { ...given, parts } };
}

/** Identities of today by path, for who compares. */
export const identitiesNow = (
  roots: Roots,
  places: readonly string[],
): ReadonlyMap<string, string> =>
  new Map(
    lookAround(roots, places).flatMap(({ mount, stat }) =>
      stat === null ? [] : [[mount.path, identityOf(mount, stat)] as const],
    ),
  );

/** Many machines have a link to a file below /run there, which a view does not show. */
function resolverFiles(): StateFile[] {
  let path: string;
  try {
    path = realpathSync("/etc/resolv.conf");
    if (!path.startsWith("/run/")) return [];
    return [
      {
        name: "resolv.conf",
        destination: path,
        text: readFileSync(path, "utf8"),
        why: "/etc/resolv.conf is a link to it",
      },
    ];
  } catch {
    return []; // then there is none on the host either
  }
}

/** Capabilities that docker gives and nobody needs here: nodes of devices, packets of others. */
const dropped = ["CAP_MKNOD", "CAP_NET_RAW"];

/** An ordinary user is there as who they are; nobody else is. */
function idMappings({ uid, gid }: Facts) {
  if (uid === 0) return {};
  const only = (id: number) => [{ containerID: id, hostID: id, size: 1 }];
  return { idMappings: { uid: only(uid), gid: only(gid) } };
}

function specOf(wish: TryWish, id: string, facts: Facts, mounts: (own: Mount[]) => Mount[]) {
  const { options, roots, command, cwd, env } = wish;
  const made = containerSpec(
    null,
    command,
    {
      network: "host",
      uts: "host",
      cgroupns: facts.uid === 0 ? "private" : "host",
      capDrop: dropped,
      ...options,
      securityOpt: { noNewPrivileges: true, mask: wish.hide },
      tty: wish.streams[0] === "terminal" && wish.streams[1] === "terminal",
      interactive: true,
      rm: true,
    },
    {
      ...gatherContainerFacts({
        id,
        root: `${roots.runRoot}/${id}`,
        runRoot: roots.runRoot,
        options,
        facts,
        volumes: null,
      }),
      ...idMappings(facts),
    },
  );
  if (!made.ok) throw new WishError(made.problems.map(formatOptionProblem));
  const { process: program, linux = {} } = made.spec;
  if (program === undefined) throw new WishError(["no command"]);
  const spec: Spec = {
    ...made.spec,
    mounts: mounts([...(made.spec.mounts ?? [])]),
    process: {
      ...program,
      cwd,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      user: {
        uid: facts.uid,
        gid: facts.gid,
        umask: process.umask(),
        additionalGids: process.getgroups?.() ?? [],
      },
    },
    linux: ofCaller(withoutDeviceRules(linux), facts),
  };
  return { spec, extras: made.extras };
}

/** The user namespace is the executor's, which has it before the container is made. */
function ofCaller(linux: Linux, { uid }: Facts): Linux {
  if (uid === 0) return linux;
  const { uidMappings: _, gidMappings: __, namespaces = [], ...rest } = linux;
  return { ...rest, namespaces: namespaces.filter(({ type }) => type !== "user") };
}

/** No node can be made, and the mounts take none as a device: without rules there is no cgroup. */
function withoutDeviceRules({ resources, ...linux }: Linux): Linux {
  if (resources === undefined) return linux;
  const { devices: _, ...limits } = resources;
  return Object.keys(limits).length === 0 ? linux : { ...linux, resources: limits };
}

/** Without limits it stays in the caller's: its processes end with their namespace. */
const noCgroup: ReturnType<typeof planResources> = {
  make: [],
  clone: null,
  join: [],
  paths: [],
  warnings: [],
};

/** An ordinary user's is the host's root, read-only: see `ownPlaces`. */
function rootOf({ at }: Try, covered: readonly string[], { uid }: Facts): Setting["root"] {
  const view = {
    lock: at,
    directory: covered[0] ?? at,
    work: covered.map((directory) => `${directory}/work`),
  };
  return uid === 0
    ? { kind: "overlay", layers: ["/"], view }
    : { kind: "directory", path: "/", view };
}

export type PreparedTry = { readonly plan: Plan; readonly warnings: readonly string[] };

/**
 * Plans the program of a try.
 *
 * @param shown of `arrangeParts`
 * @throws WishError with every problem
 */
export async function prepareTry(wish: TryWish, of: Try, shown: Shown[]): Promise<PreparedTry> {
  const facts = readFacts(readCgroupLayout(), wish.streams);
  const id = newId();
  const view = { facts, roots: wish.roots, share: wish.share, env: wish.env };
  const { spec, extras } = specOf(wish, id, facts, (own) => viewMounts(own, shown, view));
  const cgroup = spec.linux?.resources === undefined ? noCgroup : planResources(spec, id, facts);
  const record = recordContainer(
    wish,
    { id, engine: null, cgroups: cgroup.paths },
    {
      source: { kind: "rootfs", directory: "/", readonly: false },
      image: `try ${of.name}`,
      options: { rm: true },
      spec,
      extras,
    },
  );
  const covered = shown.flatMap(({ directory }) => directory ?? []);
  const setting: Setting = {
    id,
    ...wish.roots,
    name: null,
    root: rootOf(of, covered, facts),
    user: null,
    groups: [],
    files: resolverFiles(),
    volumes: [],
    makeDirectories: [],
    streams: chooseStreams(extras, wish.streams),
    terminalInput: extras.interactive,
    init: true,
    rootSwitch: "pivot",
    keep: false,
    seccomp: await filterFor(extras.seccomp, spec.process?.capabilities?.bounding ?? [], facts),
    state: `${encodeRecord(record)}\n`,
    pidFile: null,
    passSignals: true,
    endWithCaller: false,
    lifetime: "supervised",
    monitor: null,
    consoleSocket: null,
    preserveFds: 0,
    keptPlans: [],
    bundle: null,
    ...(facts.uid === 0 ? {} : { asCaller: { uid: facts.uid, gid: facts.gid } }),
  };
  const planned = planContainer(spec, setting, facts, cgroup);
  if (!planned.ok) throw new WishError(planned.problems);
  return { plan: planned.plan, warnings: [...cgroup.warnings, ...planned.warnings] };
}
