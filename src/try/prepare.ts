/**
 * From a wish to try something to its plan: a container whose root is the host's own, below
 * overlays that take what is written.
 */

import { readFileSync, realpathSync } from "node:fs";
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
import type { Try } from "./store.ts";
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
  readonly endWithCaller: boolean;
};

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
      uts: "host",
      cgroupns: facts.uid === 0 ? "private" : "host",
      capDrop: dropped,
      network: options.network,
      memory: options.memory,
      cpus: options.cpus,
      pidsLimit: options.pidsLimit,
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

/** An ordinary user's is the host's root, read-only: see `ownPlaces` in parts.ts. */
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

export type PreparedTry = {
  readonly id: string;
  readonly plan: Plan;
  readonly warnings: readonly string[];
};

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
    endWithCaller: wish.endWithCaller,
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
  return { id, plan: planned.plan, warnings: [...cgroup.warnings, ...planned.warnings] };
}
