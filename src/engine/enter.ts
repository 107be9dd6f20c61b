/** A further process in a container that runs: with the rights that its first process began with. */

import { joinFile } from "../cgroup/join.ts";
import { bundleWish } from "../container/bundle.ts";
import { isOutside, scopeCure } from "../container/delegated.ts";
import { isHeld } from "../container/egress-holder.ts";
import { filterFor } from "../container/filter.ts";
import { gatherContainerFacts } from "../container/gather.ts";
import { newId } from "../container/identity.ts";
import type { Described } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { chooseStreams, ownStreams } from "../container/streams.ts";
import { WishError } from "../container/wish-error.ts";
import { readAskedFacts } from "../host/asked.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { foreignNamespaces } from "../host/join.ts";
import { containerSpec } from "../options/container-spec.ts";
import type { RunOptions } from "../options/options.ts";
import { formatOptionProblem } from "../options/problem.ts";
import type { Op, Plan, Step } from "../plan/op.ts";
import { planExec } from "../planner/exec.ts";
import type { CgroupLayout, Facts, StreamFact } from "../planner/facts.ts";
import { findLabelProblems } from "../planner/labels.ts";
import { detachStep, planEvents } from "../planner/monitor.ts";
import { planSeccompAgentOfExec } from "../planner/seccomp-agent.ts";
import type { Monitor } from "../planner/setting.ts";
import { onHost } from "../planner/step.ts";
import type { Profile } from "../seccomp/profile.ts";
import type { Capability, Process, Spec } from "../spec/mod.ts";
import { eventLine, eventsFile, makeRoomForEvents } from "./events.ts";
import { type Container, subjectOf } from "./status.ts";

export type ExecWish = {
  readonly command: readonly string[];
  /** Beside the container's own, and over it; null takes a variable away. */
  readonly env: Readonly<Record<string, string | null>>;
  /** `USER[:GROUP]`; null: as the container's first process. */
  readonly user: string | null;
  /** Absolute; null: the container's. */
  readonly workdir: string | null;
  readonly interactive: boolean;
  readonly tty: boolean;
  /** All capabilities. */
  readonly privileged: boolean;
  /** Nobody waits for its end, and what it writes is lost. */
  readonly detach: boolean;
  /** What to type at a terminal to leave it; the process goes on. */
  readonly detachKeys: Uint8Array;
  /** What the executor's standard streams will be. */
  readonly streams: readonly [StreamFact, StreamFact, StreamFact];
};

export type PreparedExec = { readonly plan: Plan; readonly warnings: readonly string[] };

/** In docker's words, which scripts look for. */
function checkRuns({ status, name, process }: Container): number {
  if (status === "paused") {
    throw new WishError([`container ${name} is paused, unpause the container before exec`]);
  }
  if (status === "restarting") {
    throw new WishError([`container ${name} is restarting, wait until the container is running`]);
  }
  if (process === null) throw new WishError([`container ${name} is not running: it is ${status}`]);
  return process.pid;
}

/** Who it is, what it may do, and by which filter. */
type Identity = {
  readonly process: Process;
  readonly spec: Spec;
  /** To be looked up inside; null: the numbers of `process`. */
  readonly user: string | null;
  readonly groups: readonly string[];
  readonly seccomp: "default" | "unconfined" | Profile;
};

/** The options that a further process has of the container's. */
function ownOptions({ options }: Described): RunOptions {
  const { capAdd, capDrop, egress, ulimits, securityOpt, oomScoreAdj, umask, groupAdd } = options;
  // Of what a privileged container has, a process has the capabilities.
  const rights = options.privileged === true ? { capAdd: ["ALL"] } : { capAdd, capDrop };
  return { ...rights, egress, ulimits, securityOpt, oomScoreAdj, umask, groupAdd };
}

function identityByOptions(
  record: Described,
  wish: ExecWish,
  { runRoot }: Roots,
  facts: Facts,
): Identity {
  const { id, process, options } = record;
  const own: RunOptions = {
    ...ownOptions(record),
    ...(wish.user === null ? {} : { groupAdd: [] }),
    user: wish.user ?? process.user,
    workdir: wish.workdir ?? process.cwd,
    env: wish.env,
    tty: wish.tty,
  };
  const root = `${runRoot}/${id}`;
  const made = containerSpec(
    { Env: process.env },
    wish.command,
    own,
    gatherContainerFacts({ id, root, runRoot, options: own, facts, volumes: null }),
  );
  if (!made.ok) throw new WishError(made.problems.map(formatOptionProblem));
  const { spec, extras } = made;
  if (spec.process === undefined) throw new Error("a configuration without a process");
  const standard = options.privileged === true ? "unconfined" : "default";
  return {
    spec,
    process: spec.process,
    user: extras.user,
    groups: extras.groups,
    seccomp: options.securityOpt?.seccomp ?? standard,
  };
}

/** A bundle's configuration says what its process may do; it is read again. */
function identityByBundle(directory: string, wish: ExecWish): Identity {
  const { spec, extras } = bundleWish(directory, {});
  const base = spec.process;
  if (base === undefined) throw new WishError([`${directory}/config.json has no process`]);
  const env = new Map(
    (base.env ?? []).map((entry) => [entry.slice(0, Math.max(0, entry.indexOf("="))), entry]),
  );
  for (const [name, value] of Object.entries(wish.env)) {
    if (value === null) env.delete(name);
    else env.set(name, `${name}=${value}`);
  }
  const process: Process = {
    ...base,
    terminal: wish.tty,
    args: wish.command,
    env: [...env.values()],
    cwd: wish.workdir ?? base.cwd,
  };
  return { spec, process, user: wish.user, groups: [], seccomp: extras.seccomp };
}

/** All capabilities and no AppArmor profile; the container's filter stays, as with docker. */
function privileged(process: Process, all: readonly Capability[]): Process {
  const { apparmorProfile: _, ...rest } = process;
  return { ...rest, capabilities: { bounding: all, effective: all, permitted: all } };
}

/** @throws WishError when a privileged process would not be held to its network's egress list */
function checkList({ name, record }: Container): void {
  if (!isHeld(record.options)) return;
  throw new WishError([
    `--privileged: container ${name} has an egress list, to which a privileged process would not be held`,
  ]);
}

/**
 * Who started the container had cgroups delegated; the process would escape its limits elsewhere.
 *
 * @returns what moves it there, where this command may not; null: it may
 */
async function attachmentTo({ name, record }: Container, layout: CgroupLayout): Promise<Op | null> {
  const outside = record.cgroups.find((directory) => isOutside(layout, directory));
  if (outside === undefined) return null;
  const { attachment } = await import("../container/own-scope.ts");
  const attach = await attachment(outside, layout);
  if (attach !== null) return attach;
  throw new WishError([
    `container ${name} runs in a cgroup that was delegated to this user, and this command outside of it: ${scopeCure}, as the container was`,
  ]);
}

/**
 * Plans a further process.
 *
 * @throws WishError when the container does not run, or the wish makes no sense
 */
export async function prepareExec(
  container: Container,
  wish: ExecWish,
  roots: Roots,
): Promise<PreparedExec> {
  const pid = checkRuns(container);
  if (wish.privileged) checkList(container);
  const { id, record, directory } = container;
  const seen = readFacts(readCgroupLayout(), wish.streams);
  const attach =
    seen.userNamespace === undefined ? null : await attachmentTo(container, seen.cgroups);
  const { process, spec, user, groups, seccomp } =
    record.source.kind === "bundle"
      ? identityByBundle(record.source.directory, wish)
      : identityByOptions(record, wish, roots, seen);
  const entering = wish.privileged ? privileged(process, seen.capabilities) : process;
  const facts = { ...seen, ...readAskedFacts({ ...spec, process: entering }, id) };
  const problems = findLabelProblems({ process: entering }, facts);
  if (problems.length > 0) throw new WishError(problems);
  const bounding = process.capabilities?.bounding ?? [];
  const filter = await filterFor(seccomp, bounding, facts);
  const bundle =
    record.source.kind === "bundle" ? { directory: record.source.directory, config: null } : null;
  const namespaces = foreignNamespaces(pid);
  const streams = streamsOf(wish);
  const planned = planExec(
    {
      of: onHost(`${directory}/pid`),
      namespaces,
      linux: spec.linux,
      agent: planSeccompAgentOfExec(
        spec,
        { id, runRoot: roots.runRoot, bundle },
        pid,
        filter?.agent ?? null,
      ),
      cgroupFiles: record.cgroups.map((path) => joinFile(path, facts.cgroups)),
      attach,
      root: record.options.rootSwitch === "chroot" ? `/proc/${pid}/root` : null,
    },
    entering,
    {
      user,
      groups,
      seccomp: filter,
      streams: namespaces.includes("user") ? ownStreams(streams) : streams,
      terminalInput: wish.interactive,
      lifetime: "supervised",
      consoleSocket: null,
      preserveFds: 0,
      pidFile: null,
      bundle: null,
      passSignals: true,
      endWithCaller: false,
    },
    facts,
  );
  const steps = [
    ...planLeaving(wish),
    ...planned.plan.steps.slice(0, -1),
    ...planEvents({ events: eventsOf(container, wish.command, roots) }),
    ...planned.plan.steps.slice(-1),
  ];
  return { plan: { version: 1, steps }, warnings: planned.warnings };
}

/** Characters of a command that an event tells. */
const mostShown = 500;

/** What `events` tells of it, when its program runs and when it has ended. */
function eventsOf(
  container: Container,
  command: readonly string[],
  roots: Roots,
): NonNullable<Monitor["events"]> {
  makeRoomForEvents(roots);
  const subject = subjectOf(container);
  const labels = { ...subject.labels, execID: newId() };
  const line = (action: string) => eventLine(action, container.id, { ...subject, labels });
  const start = line(`exec_start: ${command.join(" ").slice(0, mostShown)}`);
  return { path: eventsFile(roots), start, end: line("exec_die") };
}

/** Who is left to itself, from the start or by the keys: somebody keeps its terminal, and sees its end. */
function planLeaving({ detach, tty, interactive, detachKeys }: ExecWish): Step[] {
  if (detach) return [detachStep("", null, null)];
  if (!tty || !interactive || detachKeys.length === 0) return [];
  return [detachStep("", { input: true, keys: detachKeys, signals: false }, null)];
}

function streamsOf({
  detach,
  tty,
  interactive,
  streams,
}: ExecWish): ReturnType<typeof chooseStreams> {
  if (detach && !tty) return ["null", "null", "null"];
  return chooseStreams({ interactive, tty }, streams);
}
