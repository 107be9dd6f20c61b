/** `pivot update`: other limits and another restart policy, at once and for later starts. */

import { gatherContainerFacts } from "../container/gather.ts";
import { lentWarning } from "../container/own-scope.ts";
import type { Roots } from "../container/roots.ts";
import { OptionError, WishError } from "../container/wish-error.ts";
import { carryOut } from "../engine/act.ts";
import { changeRecord } from "../engine/kept.ts";
import { planLimits } from "../engine/limits.ts";
import { policyMark } from "../engine/start.ts";
import { type Container, isAlive } from "../engine/status.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { readStreams } from "../host/streams.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { parseRestart } from "../options/engine.ts";
import type { RunOptions } from "../options/options.ts";
import { Findings, formatOptionProblem } from "../options/problem.ts";
import { containerResources } from "../options/resources.ts";
import { byParent, onHost } from "../planner/step.ts";
import type { LinuxResources } from "../spec/mod.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { eachContainer } from "./each-container.ts";
import { engineFlags } from "./engine-flags.ts";
import { report } from "./report-error.ts";
import { createFlags } from "./run-flags.ts";
import { readRunOptions } from "./run-options.ts";

const limitNames: ReadonlySet<string> = new Set([
  "blkio-weight",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "pids-limit",
]);

export const updateFlags: readonly Flag[] = [
  ...createFlags.filter(({ name }) => limitNames.has(name)),
  ...engineFlags.filter(({ name }) => name === "restart"),
];

const optionOf = (flag: string): string =>
  flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Of all options those that were given. */
function readLimits(given: ParsedArguments): RunOptions {
  const flags = new Map([...given.flags].filter(([name]) => limitNames.has(name)));
  const { options, problems } = readRunOptions({ flags, words: [] }, { cwd: "/", env: {} });
  if (problems.length > 0) throw new OptionError(problems);
  const wanted = new Set([...flags.keys()].map(optionOf));
  return Object.fromEntries(Object.entries(options).filter(([name]) => wanted.has(name)));
}

function resourcesOf(options: RunOptions, { id }: Container, { runRoot }: Roots): LinuxResources {
  const findings = new Findings();
  const facts = gatherContainerFacts({
    id,
    root: "/",
    runRoot,
    options,
    facts: readFacts(readCgroupLayout(), readStreams()),
    volumes: null,
  });
  const resources = containerResources(options, undefined, facts, findings) ?? {};
  if (findings.problems.length > 0) throw new WishError(findings.problems.map(formatOptionProblem));
  // For a new cgroup no limit is none; here it takes one away.
  const lifted = options.pidsLimit !== undefined && resources.pids === undefined;
  return lifted ? { ...resources, pids: { limit: -1n } } : resources;
}

async function updateLimits(
  container: Container,
  limits: RunOptions,
  roots: Roots,
  globals: Globals,
): Promise<void> {
  const { record, process } = container;
  if (process === null || Object.keys(limits).length === 0) return;
  const resources = resourcesOf(limits, container, roots);
  if (record.cgroups.length === 0 && readUserNamespace() !== null) {
    throw new WishError([
      `container ${container.name} has no cgroup, and so no limits that can be changed: without root that takes a part of cgroup version 2 that is delegated to this user`,
    ]);
  }
  const planned = planLimits(record.cgroups, resources);
  const lent = lentWarning(record.cgroups, readCgroupLayout());
  const own = lent === null ? [] : [`${container.name}: ${lent}`];
  for (const warning of [...own, ...planned.warnings])
    report("warning", warning, globals.logFormat);
  await carryOut(planned.steps);
}

/** So that whoever watches over it asks for its policy when it has ended. */
function markPolicy({ id }: Container, roots: Roots): Promise<void> {
  const at = onHost(policyMark(roots, id));
  return carryOut([
    byParent({ op: "append", at, text: "update", mode: 0o600, code: false }, "update --restart"),
  ]);
}

export async function updateCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const limits = readLimits(given);
  const word = given.flags.get("restart")?.at(-1);
  const restart = word === undefined ? undefined : parseRestart(word);
  if (restart?.ok === false) throw new UsageError(formatOptionProblem(restart.problem));
  if (Object.keys(limits).length === 0 && restart === undefined) {
    throw new UsageError("you must provide one or more flags: what is to be changed?");
  }
  return eachContainer(given, globals, "update", async (container, name, roots) => {
    const { record, kept } = container;
    if (restart !== undefined && record.options.rm === true) {
      throw new WishError([`container ${name} is removed when it ends (--rm): it has no policy`]);
    }
    await updateLimits(container, limits, roots, globals);
    if (kept) {
      const engine =
        record.engine === null || restart === undefined
          ? record.engine
          : { ...record.engine, restart: restart.value };
      await changeRecord({ ...record, options: { ...record.options, ...limits }, engine });
      if (restart !== undefined && isAlive(container)) await markPolicy(container, roots);
    }
    return name;
  });
}
