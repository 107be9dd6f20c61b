/** `exec`: a further process in a container that runs. */

import { readFileSync } from "node:fs";
import { directoriesBelow, joinFile, readCgroupBelow } from "../cgroup/join.ts";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { readAskedFacts } from "../host/asked.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { readStreams } from "../host/streams.ts";
import type { Op } from "../plan/op.ts";
import { planExec, type Target } from "../planner/exec.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import { rdtGroups } from "../planner/intel-rdt.ts";
import { findLabelProblems } from "../planner/labels.ts";
import { findScheduleProblems } from "../planner/schedule.ts";
import { planSeccompAgentOfExec, seccompAgentOf } from "../planner/seccomp-agent.ts";
import { CAPABILITIES, formatProblem, type Process, parseProcess, type Spec } from "../spec/mod.ts";
import { carryOut, ownErrorOfExec, warnOf } from "./carry-out.ts";
import { containerSpecOf } from "./config-copy.ts";
import { readAll, readCount, readLast, readSwitch } from "./flags.ts";
import { type Globals, workingDirectory } from "./globals.ts";
import { filterOf, streamsOf } from "./prepare.ts";
import { type Container, findContainer, processFile } from "./record.ts";

export const execFlags: readonly Flag[] = [
  { name: "process", short: "p", value: "FILE", help: "the process as JSON, as in config.json" },
  { name: "tty", short: "t", help: "make a terminal" },
  { name: "user", short: "u", value: "UID[:GID]", help: "who to be" },
  { name: "cwd", value: "DIR", help: "working directory inside" },
  {
    name: "env",
    short: "e",
    value: "NAME=VALUE",
    help: "set a variable; may be given several times",
  },
  { name: "cap", short: "c", value: "CAP", help: "add a capability; may be given several times" },
  {
    name: "additional-gids",
    short: "g",
    value: "GID",
    help: "a further group; may be given several times",
  },
  { name: "no-new-privs", help: "let no program gain privileges" },
  { name: "detach", short: "d", help: "leave the process to itself once it runs" },
  { name: "pid-file", value: "FILE", help: "write the process id there" },
  { name: "console-socket", value: "SOCKET", help: "who gets the terminal's other end" },
  { name: "preserve-fds", value: "N", help: "pass on so many descriptors, from 3 on" },
  { name: "ignore-paused", help: "also when the container is paused: it then waits" },
  {
    name: "cgroup",
    value: "[CONTROLLER,...:]PATH",
    help: "a cgroup below the container's, which is there; may be given several times",
  },
  { name: "apparmor", value: "PROFILE", help: "the AppArmor profile" },
  { name: "process-label", value: "LABEL", help: "the SELinux label" },
  { name: "no-subreaper", help: "accepted: pivot is none" },
];

/** Numbers and nothing else, since names would have to be somebody's (CVE-2026-30892). */
const isId = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) < 0xffffffff;

/** `UID[:GID]`. */
function readUser(text: string): { readonly uid: number; readonly gid: number } {
  const [uid = "", gid = "0", ...more] = text.split(":");
  if (isId(uid) && isId(gid) && more.length === 0) return { uid: Number(uid), gid: Number(gid) };
  throw new UsageError(
    `--user takes UID[:GID], numbers up to 4294967294, received ${JSON.stringify(text)}`,
  );
}

function readGroup(text: string): number {
  if (isId(text)) return Number(text);
  throw new UsageError(
    `--additional-gids takes a number up to 4294967294, received ${JSON.stringify(text)}`,
  );
}

function readCapabilities(
  process: Process,
  names: readonly string[],
): Pick<Process, "capabilities"> {
  if (names.length === 0) return {};
  const added = names.map((name) => {
    const upper = name.toUpperCase();
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    const known = CAPABILITIES.find((each) => each === full);
    if (known === undefined)
      throw new UsageError(`--cap: unknown capability ${JSON.stringify(name)}`);
    return known;
  });
  const sets = process.capabilities ?? {};
  const more = (set: (typeof sets)["bounding"] = []) => [...new Set([...set, ...added])];
  // Not inheritable: that would hand it to programs that ask for none (CVE-2022-29162).
  return {
    capabilities: {
      ...sets,
      bounding: more(sets.bounding),
      effective: more(sets.effective),
      permitted: more(sets.permitted),
    },
  };
}

const isVariable = (text: string): boolean => /^[^=\0]+=/.test(text);

/** The container's own process, but for what the flags say. */
function processFromFlags(given: ParsedArguments, base: Process, args: readonly string[]): Process {
  if (args.length === 0) throw new UsageError("exec needs a command, or --process FILE");
  const user = readLast(given, "user");
  const cwd = readLast(given, "cwd");
  const label = readLast(given, "process-label");
  const profile = readLast(given, "apparmor");
  const groups = readAll(given, "additional-gids").map(readGroup);
  const added = readAll(given, "env");
  const wrong = added.find((entry) => !isVariable(entry));
  if (wrong !== undefined)
    throw new UsageError(`--env takes NAME=VALUE, received ${JSON.stringify(wrong)}`);
  if (cwd !== null && !cwd.startsWith("/")) {
    throw new UsageError(`--cwd takes an absolute path, received ${JSON.stringify(cwd)}`);
  }
  const { consoleSize: _size, execCPUAffinity, ...own } = base;
  return {
    ...own,
    ...(execCPUAffinity === undefined ? {} : { execCPUAffinity }),
    args,
    terminal: readSwitch(given, "tty"),
    env: [...(base.env ?? []), ...added],
    ...(cwd === null ? {} : { cwd }),
    ...readCapabilities(base, readAll(given, "cap")),
    ...(readSwitch(given, "no-new-privs") ? { noNewPrivileges: true } : {}),
    ...(label === null ? {} : { selinuxLabel: label }),
    ...(profile === null ? {} : { apparmorProfile: profile }),
    user: {
      ...base.user,
      ...(user === null ? {} : readUser(user)),
      additionalGids: [...(base.user.additionalGids ?? []), ...groups],
    },
  };
}

/** What a file does not say of rights and labels is the container's, as with the peers. */
function rightsOf(base: Process | undefined): Partial<Process> {
  const { capabilities, apparmorProfile, selinuxLabel } = base ?? {};
  return {
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
  };
}

function processFromFile(path: string, given: ParsedArguments, base: Process | undefined): Process {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new WishError([`--process: ${(error as Error).message}`]);
  }
  const parsed = parseProcess(text);
  if (!parsed.ok) throw new WishError(parsed.problems.map((p) => `${path}: ${formatProblem(p)}`));
  return {
    ...rightsOf(base),
    ...parsed.process,
    ...(readSwitch(given, "tty") ? { terminal: true } : {}),
  };
}

function readProcess(given: ParsedArguments, spec: Spec, args: readonly string[]): Process {
  const file = readLast(given, "process");
  const base = spec.process;
  if (file !== null) return processFromFile(absolutePath(file, workingDirectory()), given, base);
  if (base === undefined) throw new UsageError("the container has no process: use --process FILE");
  return processFromFlags(given, base, args);
}

/** @throws UsageError when a path leads out of the container's cgroup */
function cgroupsOf(
  { record }: Container,
  texts: readonly string[],
  layout: CgroupLayout,
): string[] {
  const below = texts.map((text) => {
    const read = readCgroupBelow(text);
    if (read !== undefined) return read;
    throw new UsageError(
      `--cgroup takes [CONTROLLER,...:]PATH below the container's cgroup, received ${JSON.stringify(text)}`,
    );
  });
  return directoriesBelow(record?.cgroups ?? [], below, layout);
}

/** What moves it to the scope, where only systemd may; null: we may, or there is none. */
async function attachmentTo(
  container: Container,
  named: readonly string[],
  layout: CgroupLayout,
): Promise<Op | null> {
  const scope = container.record?.scope;
  if (scope?.manager.user !== true) return null;
  const { isOutside } = await import("../container/delegated.ts");
  const [own = ""] = container.record?.cgroups ?? [];
  if (!isOutside(layout, own)) return null;
  const [directory = own] = cgroupsOf(container, named, layout);
  const { attachToScope } = await import("../systemd/ask.ts");
  return attachToScope(scope.manager, scope.unit, directory.slice(own.length));
}

function targetOf(
  container: Container,
  spec: Spec,
  given: ParsedArguments,
  layout: CgroupLayout,
  rdtMount: string | null,
  attach: Op | null,
): Target {
  const { id, status, process, record } = container;
  if (process === null || record === null || status === "creating") {
    throw new WishError([`cannot exec in a container that is not running: ${id} is ${status}`]);
  }
  if (status === "paused" && !readSwitch(given, "ignore-paused")) {
    throw new WishError([
      `cannot exec in a paused container: resume ${id} first, or --ignore-paused`,
    ]);
  }
  const bundle = { directory: record.bundle, config: null };
  const isInOwnMounts = record.namespaces.includes("mount");
  return {
    of: processFile(container.directory),
    // Without one of its own it is in the one that `create` was called in: so is who joins it.
    namespaces: isInOwnMounts ? record.namespaces : [...record.namespaces, "mount"],
    linux: spec.linux,
    root: isInOwnMounts ? null : `/proc/${process.pid}/root`,
    cgroupFiles: [
      ...cgroupsOf(container, readAll(given, "cgroup"), layout).map((path) =>
        joinFile(path, layout),
      ),
      ...rdtGroups(spec.linux?.intelRdt, id, rdtMount).joined.map((path) => `${path}/tasks`),
    ],
    attach,
    agent: planSeccompAgentOfExec(
      spec,
      { id, runRoot: "", bundle },
      process.pid,
      seccompAgentOf(spec),
    ),
  };
}

export async function execCommand(given: ParsedArguments, globals: Globals): Promise<never> {
  const [id, ...args] = given.words;
  if (id === undefined)
    throw new UsageError("which container? pivot-oci exec [OPTIONS] ID COMMAND");
  const cwd = workingDirectory();
  const container = findContainer(globals.root, id);
  const spec = containerSpecOf(container);
  const layout = readCgroupLayout();
  const process = readProcess(given, spec, args);
  const asked = readAskedFacts({ ...spec, process }, id);
  const attach = await attachmentTo(container, readAll(given, "cgroup"), layout);
  const target = targetOf(container, spec, given, layout, asked.resctrl?.mount ?? null, attach);
  const isDetached = readSwitch(given, "detach");
  const consoleSocket = readLast(given, "console-socket");
  const terminal = process.terminal === true;
  if (terminal && isDetached && consoleSocket === null) {
    throw new WishError([
      "--tty with --detach needs --console-socket: somebody has to keep the terminal",
    ]);
  }
  const facts = {
    ...readFacts(layout, readStreams()),
    ...asked,
  };
  const problems = [
    ...findScheduleProblems(process, undefined, false),
    ...findLabelProblems({ process }, facts),
  ];
  if (problems.length > 0) throw new WishError(problems);
  const pidFile = readLast(given, "pid-file");
  const { plan, warnings } = planExec(
    target,
    process,
    {
      user: null,
      groups: [],
      seccomp: await filterOf(globals.root, spec, facts),
      streams: streamsOf(terminal),
      terminalInput: true,
      lifetime: isDetached ? "detached" : "supervised",
      consoleSocket: consoleSocket === null ? null : absolutePath(consoleSocket, cwd),
      preserveFds: readCount(given, "preserve-fds") ?? 0,
      pidFile: pidFile === null ? null : absolutePath(pidFile, cwd),
      passSignals: true,
      endWithCaller: false,
      bundle: { directory: container.record?.bundle ?? "/", config: null },
    },
    facts,
  );
  warnOf(warnings, globals);
  return carryOut(plan, globals, ownErrorOfExec);
}
