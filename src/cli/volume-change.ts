/** `pivot volume create`, `pivot volume rm` and `pivot volume prune`. */

import type { Roots } from "../container/roots.ts";
import { writeAll } from "../host/write.ts";
import { volumeNameProblem } from "../options/mount-option.ts";
import { driverProblem } from "../options/volume-mount.ts";
import { makeVolume, removePaths, removeVolume } from "../volume/change.ts";
import { volumesInUse } from "../volume/in-use.ts";
import { listVolumes, newVolumeName, readVolume, removedVolumes } from "../volume/store.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { confirm } from "./confirm.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilterPairs, readFilters, readTruth } from "./filter.ts";
import { humanSize } from "./human.ts";
import { readLabels } from "./labels.ts";
import { forceFlag, pruneFilterFlag } from "./listing-flags.ts";
import { report } from "./report-error.ts";
import { treeSize } from "./tree-size.ts";
import { noSuchVolume } from "./volume-show.ts";

export const createFlags: readonly Flag[] = [
  { name: "driver", short: "d", value: "DRIVER", help: "what keeps it: local, the only one" },
  { name: "label", value: "NAME=VALUE", help: "kept with it; may be given several times" },
  {
    name: "opt",
    short: "o",
    value: "KEY=VALUE",
    help: "type, device and o, as for mount(8): -o type=none -o device=/srv -o o=bind",
  },
];

export const removeFlags: readonly Flag[] = [
  { name: "force", short: "f", help: "one that is not there is no error" },
];

export const pruneFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "those with a name too, not only anonymous ones" },
  pruneFilterFlag(["all", "label", "label!"]),
  forceFlag,
];

function readOptions(given: ParsedArguments): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const word of given.flags.get("opt") ?? []) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new UsageError(`-o takes KEY=VALUE, received ${JSON.stringify(word)}`);
    options[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return options;
}

export async function createCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, ...more] = given.words;
  if (more.length > 0) throw new UsageError("usage: pivot volume create [OPTIONS] [NAME]");
  const options = readOptions(given);
  const labels = readLabels(given);
  const problem =
    driverProblem(lastValue(given, "driver") ?? "local", options) ??
    (word === undefined || word === "" ? null : volumeNameProblem(word));
  if (problem !== null) throw new UsageError(problem);
  const anonymous = word === undefined || word === "";
  const name = anonymous ? newVolumeName() : word;
  await makeVolume(engineRoots(globals), name, { labels, options, anonymous });
  writeAll(1, `${name}\n`);
  return 0;
}

export async function removeCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError("which volume? `pivot volume ls` lists them");
  }
  const roots = engineRoots(globals);
  const used = await volumesInUse(roots);
  let code = 0;
  for (const name of given.words) {
    const isThere = readVolume(roots, name) !== null;
    const problem = isThere
      ? await removeVolume(roots, name, used)
      : isOn(given, "force")
        ? null
        : noSuchVolume(name).message;
    if (problem === null) {
      writeAll(1, `${name}\n`);
    } else {
      report("error", problem, globals.logFormat);
      code = 1;
    }
  }
  return code;
}

const warningOf = (all: boolean): string =>
  `WARNING! This will remove ${all ? "all" : "anonymous"} local volumes not used by at least one container.`;

export const volumePruneKeys = ["all", "label", "label!"] as const;

export type PrunedVolumes = {
  readonly names: readonly string[];
  readonly bytes: number;
  /** What could not be removed, in one line each. */
  readonly problems: readonly string[];
};

/**
 * Removes volumes that no container has.
 *
 * @param all those with a name too
 * @param filters the values of `--filter`
 */
export async function pruneVolumes(
  roots: Roots,
  all: boolean,
  filters: readonly string[],
): Promise<PrunedVolumes> {
  const passes = readFilters<{ readonly labels: Readonly<Record<string, string>> }>(filters, {
    all: (_, value) => readTruth("all", value) || true,
    label: ({ labels }, value) => hasLabel(labels, value),
    "label!": ({ labels }, value) => !hasLabel(labels, value),
  });
  const used = await volumesInUse(roots);
  const names: string[] = [];
  const problems: string[] = [];
  let bytes = 0;
  for (const volume of listVolumes(roots)) {
    const { name, anonymous, mountpoint } = volume;
    if (used.has(name) || !(all || anonymous) || !passes(volume)) continue;
    const size = treeSize(mountpoint);
    const problem = await removeVolume(roots, name, used);
    if (problem !== null) {
      problems.push(problem);
      continue;
    }
    names.push(name);
    bytes += size;
  }
  const rest = await removePaths(removedVolumes(roots));
  if (rest !== null) problems.push(rest);
  return { names, bytes, problems };
}

export async function pruneCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot volume prune [OPTIONS]");
  const filters = given.flags.get("filter") ?? [];
  readFilterPairs(filters, volumePruneKeys); // a wrong one is told before we ask
  const all = isOn(given, "all") || filters.some((word) => /^all=(1|t|true)$/i.test(word));
  if (!isOn(given, "force") && !confirm(warningOf(all))) return 0;
  const { names, bytes, problems } = await pruneVolumes(engineRoots(globals), all, filters);
  for (const problem of problems) report("error", problem, globals.logFormat);
  if (names.length > 0) writeAll(1, `Deleted Volumes:\n${names.join("\n")}\n\n`);
  writeAll(1, `Total reclaimed space: ${humanSize(bytes)}\n`);
  return problems.length > 0 ? 1 : 0;
}
