/** From a bundle to the plan that creates its container, or runs it. */

import { statSync } from "node:fs";
import { readConfig, withAbsoluteSources } from "../container/bundle.ts";
import { filterFor } from "../container/filter.ts";
import { planResources } from "../container/resources.ts";
import { checkRootDirectory } from "../container/root-directory.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { encodePlan } from "../executor/encode.ts";
import { readAskedFacts } from "../host/asked.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { readStreams } from "../host/streams.ts";
import type { Stream } from "../plan/constants.ts";
import type { Plan, Step } from "../plan/op.ts";
import type { Facts } from "../planner/facts.ts";
import { rdtGroups } from "../planner/intel-rdt.ts";
import { planContainer } from "../planner/plan.ts";
import type { Lifetime, SeccompFilter, Setting } from "../planner/setting.ts";
import type { Mount, Process, Spec } from "../spec/mod.ts";
import { planDelete } from "./delete.ts";
import { filterKey, keepFilter, recallFilter } from "./filter-store.ts";
import { keptState } from "./kept-state.ts";
import { keptKillPlans } from "./kill.ts";
import { type ContainerRecord, type Groups, isContainerId } from "./record.ts";
import { planStart } from "./start.ts";

export type CreateWish = {
  readonly root: string;
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly lifetime: Lifetime;
  readonly pidFile: string | null;
  readonly consoleSocket: string | null;
  readonly preserveFds: number;
  /** State and cgroups stay when a container that was supervised has ended. */
  readonly keep: boolean;
  readonly noPivot: boolean;
  /** systemd makes its cgroups. */
  readonly systemdCgroup: boolean;
};

export type Prepared = { readonly plan: Plan; readonly warnings: readonly string[] };

/** sd_listen_fds(3): the descriptors that a service manager has opened go on to the program. */
function listenFds(env: NodeJS.ProcessEnv): { readonly count: number; readonly env: string[] } {
  const count = Number(env["LISTEN_FDS"] ?? 0);
  if (!Number.isInteger(count) || count <= 0) return { count: 0, env: [] };
  const names = env["LISTEN_FDNAMES"];
  return {
    count,
    env: [
      `LISTEN_FDS=${count}`,
      "LISTEN_PID=1",
      ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`]),
    ],
  };
}

/** sd_notify(3): the service manager's socket, shown inside where the program can reach it. */
function notifySocket(env: NodeJS.ProcessEnv): {
  readonly mounts: Mount[];
  readonly env: string[];
} {
  const source = env["NOTIFY_SOCKET"];
  if (source === undefined || !source.startsWith("/")) return { mounts: [], env: [] };
  const isThere = statSync(source, { throwIfNoEntry: false })?.isSocket() === true;
  if (!isThere) return { mounts: [], env: [] };
  const destination = "/run/notify/notify.sock";
  return {
    mounts: [{ destination, source, type: "bind", options: ["bind", "nosuid", "nodev", "noexec"] }],
    env: [`NOTIFY_SOCKET=${destination}`],
  };
}

const withEnvironment = (process: Process, more: readonly string[]): Process =>
  more.length === 0 ? process : { ...process, env: [...(process.env ?? []), ...more] };

/** What a service manager has given to this process, for the container's. */
function withServiceManager(spec: Spec): { readonly spec: Spec; readonly descriptors: number } {
  const listen = listenFds(process.env);
  const notify = notifySocket(process.env);
  return {
    descriptors: listen.count,
    spec: {
      ...spec,
      ...(notify.mounts.length === 0 ? {} : { mounts: [...(spec.mounts ?? []), ...notify.mounts] }),
      ...(spec.process === undefined
        ? {}
        : { process: withEnvironment(spec.process, [...listen.env, ...notify.env]) }),
    },
  };
}

export function streamsOf(terminal: boolean): [Stream, Stream, Stream] {
  return terminal ? ["terminal", "terminal", "terminal"] : ["inherit", "inherit", "inherit"];
}

/** The host's null device is a file of outside, by which no container could be checkpointed. */
function withOwnNull(streams: Setting["streams"], spec: Spec, facts: Facts): Setting["streams"] {
  const dev = spec.mounts?.find(({ destination }) => destination === "/dev");
  if (dev === undefined || dev.type === "bind") return streams;
  const [stdin, stdout, stderr] = streams.map((stream, i) =>
    stream === "inherit" && facts.streams[i] === "null" ? "null" : stream,
  );
  return [stdin ?? "inherit", stdout ?? "inherit", stderr ?? "inherit"];
}

export function recordOf(
  wish: Pick<CreateWish, "id" | "bundle"> & { readonly endsWithParent: boolean },
  spec: Spec,
  rootfs: string,
  { cgroups, scope, rdtGroups: ofRdt = [] }: Groups,
): ContainerRecord {
  return {
    version: 1,
    id: wish.id,
    ociVersion: spec.ociVersion,
    bundle: wish.bundle,
    rootfs,
    created: new Date().toISOString(),
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    namespaces: (spec.linux?.namespaces ?? []).map(({ type }) => type),
    cgroups,
    ...(scope === undefined ? {} : { scope }),
    ...(ofRdt.length === 0 ? {} : { rdtGroups: ofRdt }),
    ...(wish.endsWithParent ? { endsWithParent: true } : {}),
  };
}

/** As the file `state.json` has it. */
export const recordText = (record: ContainerRecord): string => `${JSON.stringify(record)}\n`;

export function checkId({ id, root }: Pick<CreateWish, "id" | "root">): void {
  if (!isContainerId(id)) {
    throw new WishError([
      `the container id ${JSON.stringify(id.slice(0, 80))} is invalid: expected 1 to 255 of letters, digits and _+-., and not . or ..`,
    ]);
  }
  if (statSync(`${root}/${id}`, { throwIfNoEntry: false }) !== undefined) {
    throw new WishError([
      `container with id exists: ${id}; choose another, or \`pivot-oci delete ${id}\` first`,
    ]);
  }
}

/**
 * The compiled filter of a configuration, or the one that is kept of its like.
 *
 * @throws WishError when the profile cannot be compiled
 */
export async function filterOf(
  root: string,
  spec: Spec,
  facts: Facts,
): Promise<SeccompFilter | null> {
  const profile = spec.linux?.seccomp;
  if (profile === undefined) return null;
  // An agent is a wish of its own beside the filter.
  const key =
    profile.listenerPath === undefined ? filterKey([profile, facts.arch, facts.kernel]) : null;
  const kept = key === null ? null : recallFilter(root, key);
  if (kept !== null) return kept;
  const filter = await filterFor(profile, [], facts);
  if (key !== null && filter !== null) keepFilter(root, key, filter);
  return filter;
}

const encoded = (steps: readonly Step[]): Uint8Array => encodePlan({ version: 1, steps });

/** All are known by now, so that the commands need not plan: see `native/kept.c`. */
export function keptPlans(
  { root, id, bundle, lifetime }: Pick<CreateWish, "root" | "id" | "bundle" | "lifetime">,
  spec: Spec,
  groups: Groups,
  record: ContainerRecord,
): Setting["keptPlans"] {
  const directory = `${root}/${id}`;
  const later = { id, directory, bundle };
  const ends = [
    ...keptKillPlans(directory, groups.cgroups),
    { name: "delete.plan", bytes: encoded(planDelete(later, groups, spec)) },
    keptState(record),
  ];
  if (lifetime === "detached") return ends;
  return [{ name: "start.plan", bytes: encoded(planStart(later, spec)) }, ...ends];
}

/**
 * Plans the container of a bundle.
 *
 * @throws WishError with every problem
 */
export async function prepareCreate(wish: CreateWish): Promise<Prepared> {
  checkId(wish);
  const { root, id, bundle, lifetime, preserveFds } = wish;
  const config = readConfig(bundle);
  const facts = {
    ...readFacts(readCgroupLayout(), readStreams()),
    ...readAskedFacts(config.spec, id),
  };
  const { spec, descriptors } = withServiceManager(withAbsoluteSources(config.spec, bundle));
  const rootfs = absolutePath(spec.root.path, bundle);
  checkRootDirectory(rootfs, `${bundle}/config.json: root.path`);
  // Loaded only where it is asked for: not on the path of other starts.
  const scope = wish.systemdCgroup ? (await import("./scope.ts")).planScope(spec, id) : undefined;
  const cgroup = planResources(spec, id, facts, true, scope?.cgroup);
  const groups = {
    cgroups: cgroup.paths,
    ...(scope === undefined ? {} : { scope: scope.record, stop: scope.stop }),
    rdtGroups: rdtGroups(spec.linux?.intelRdt, id, facts.resctrl?.mount ?? null).own,
  };
  const endsWithParent = lifetime === "supervised";
  const record = recordOf({ id, bundle, endsWithParent }, spec, rootfs, groups);
  const terminal = spec.process?.terminal === true;
  const setting: Setting = {
    id,
    runRoot: root,
    dataRoot: "",
    name: null,
    root: { kind: "directory", path: rootfs },
    user: null,
    groups: [],
    files: [],
    volumes: [],
    makeDirectories: [],
    streams: withOwnNull(streamsOf(terminal), spec, facts),
    terminalInput: true,
    init: false,
    rootSwitch: wish.noPivot ? "move" : "pivot",
    keep: wish.keep || lifetime !== "supervised",
    seccomp: spec.process === undefined ? null : await filterOf(root, spec, facts),
    state: recordText(record),
    pidFile: wish.pidFile,
    passSignals: true,
    endWithCaller: false,
    lifetime,
    monitor: null,
    consoleSocket: wish.consoleSocket,
    preserveFds: preserveFds + descriptors,
    bundle: { directory: bundle, config: config.text },
    keptPlans: lifetime === "supervised" ? [] : keptPlans(wish, spec, groups, record),
  };
  const planned = planContainer(spec, setting, facts, cgroup);
  if (!planned.ok) throw new WishError(planned.problems);
  return {
    plan: planned.plan,
    warnings: [...config.warnings, ...cgroup.warnings, ...planned.warnings],
  };
}
