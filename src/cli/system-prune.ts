/** `pivot system prune`: everything that nothing uses. */

import { rm } from "node:fs/promises";
import { removeBuildCache } from "../build/cache.ts";
import type { Roots } from "../container/roots.ts";
import { writeAll } from "../host/write.ts";
import { idleParts } from "../registry/partial.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { confirm } from "./confirm.ts";
import { pruneContainers } from "./container-prune.ts";
import { engineRoots } from "./each-container.ts";
import { readFilterPairs } from "./filter.ts";
import { humanSize } from "./human.ts";
import { prunedLines, pruneUnusedImages } from "./image-prune.ts";
import { removeLeftBehind } from "./left-behind.ts";
import { forceFlag, pruneFilterFlag } from "./listing-flags.ts";
import { readMoment } from "./moment.ts";
import { pruneNetworks } from "./network-change.ts";
import { report } from "./report-error.ts";
import { storeContext } from "./store.ts";
import { pruneVolumes } from "./volume-change.ts";

const filterKeys = ["label", "label!", "until"] as const;

export const systemPruneFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "all images that no container is made of, not only dangling" },
  pruneFilterFlag(filterKeys),
  forceFlag,
  { name: "volumes", help: "anonymous volumes too" },
];

type Wish = {
  readonly all: boolean;
  readonly volumes: boolean;
  readonly filters: readonly string[];
};

type Freed = {
  /** What is gone, under a title. */
  readonly deleted: readonly (readonly [title: string, names: readonly string[]])[];
  readonly bytes: number;
  /** What could not be removed, in one line each. */
  readonly problems: readonly string[];
};

/** In docker's order, where docker has it. */
type Part = {
  /** What is said of it before anything is done; null: it is not asked for. */
  readonly warning: (wish: Wish) => string | null;
  readonly free: (wish: Wish, roots: Roots, globals: Globals) => Promise<Freed>;
};

async function freeContainers({ filters }: Wish, roots: Roots): Promise<Freed> {
  const { ids, bytes, problems } = await pruneContainers(roots, filters);
  return { deleted: [["Deleted Containers", ids]], bytes, problems };
}

/** What ended or killed containers have left: nobody's any more, so no filter asks for it. */
async function freeRemains(_: Wish, roots: Roots): Promise<Freed> {
  const { containers, paths, problems } = await removeLeftBehind(roots);
  const deleted = [["Deleted Containers", containers] as const, ["Deleted", paths] as const];
  return { deleted, bytes: 0, problems };
}

async function freeNetworks({ filters }: Wish, roots: Roots): Promise<Freed> {
  const names = await pruneNetworks(roots, filters);
  return { deleted: [["Deleted Networks", names]], bytes: 0, problems: [] };
}

async function freeVolumes({ filters }: Wish, roots: Roots): Promise<Freed> {
  const { names, bytes, problems } = await pruneVolumes(roots, false, filters);
  return { deleted: [["Deleted Volumes", names]], bytes, problems };
}

async function freeImages({ all, filters }: Wish, _: Roots, globals: Globals): Promise<Freed> {
  const pruned = await pruneUnusedImages(storeContext(globals), all, filters);
  return {
    deleted: [["Deleted Images", prunedLines(pruned)]],
    bytes: pruned.bytes,
    problems: [],
  };
}

/** What a new pull would have gone on with. */
async function freeDownloads(_: Wish, __: Roots, globals: Globals): Promise<Freed> {
  const parts = await idleParts(storeContext(globals).store);
  for (const { path } of parts) await rm(path, { force: true });
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  return { deleted: [["Deleted", parts.map(({ path }) => path)]], bytes, problems: [] };
}

async function freeBuildCache(_: Wish, roots: Roots): Promise<Freed> {
  const { bytes, problem } = await removeBuildCache(roots);
  return { deleted: [], bytes, problems: problem === null ? [] : [problem] };
}

const parts: readonly Part[] = [
  { warning: () => "all stopped containers", free: freeContainers },
  // After them: with its state directory goes what tells that a start of one has come to its end.
  { warning: () => "what is left of killed containers", free: freeRemains },
  {
    warning: () => "all networks not used by at least one container",
    free: freeNetworks,
  },
  {
    warning: ({ volumes }) =>
      volumes ? "all anonymous volumes not used by at least one container" : null,
    free: freeVolumes,
  },
  {
    warning: ({ all }) =>
      all ? "all images without at least one container associated to them" : "all dangling images",
    free: freeImages,
  },
  {
    // It has neither labels nor an age.
    warning: ({ filters }) => (filters.length === 0 ? "unused build cache" : null),
    free: freeBuildCache,
  },
  {
    warning: ({ filters }) => (filters.length === 0 ? "interrupted downloads" : null),
    free: freeDownloads,
  },
];

function readWish(given: ParsedArguments): Wish {
  if (given.words.length > 0) {
    throw new UsageError(`system prune takes no arguments, received ${given.words.join(" ")}`);
  }
  const filters = given.flags.get("filter") ?? [];
  const pairs = readFilterPairs(filters, filterKeys);
  const volumes = isOn(given, "volumes");
  for (const [key, value] of pairs) {
    if (key === "until") readMoment("--filter until", value);
    if (key === "until" && volumes) {
      throw new UsageError("--filter until means nothing to volumes: leave --volumes out");
    }
  }
  return { all: isOn(given, "all"), volumes, filters };
}

function warningOf(wish: Wish): string {
  const lines = parts.flatMap(({ warning }) => warning(wish) ?? []).map((line) => `  - ${line}\n`);
  const filters = wish.filters.map((filter) => `  - ${filter}\n`).join("");
  const filtered =
    filters === "" ? "" : `\n  Items to be pruned will be filtered with:\n${filters}`;
  return `WARNING! This will remove:\n${lines.join("")}${filtered}`;
}

export async function systemPruneCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  const wish = readWish(given);
  if (!isOn(given, "force") && !confirm(warningOf(wish))) return 0;
  const roots = engineRoots(globals);
  let code = 0;
  let sum = 0;
  for (const { warning, free } of parts) {
    if (warning(wish) === null) continue;
    const { deleted, bytes, problems } = await free(wish, roots, globals);
    for (const problem of problems) report("error", problem, globals.logFormat);
    if (problems.length > 0) code = 1;
    for (const [title, names] of deleted) {
      if (names.length > 0) writeAll(1, `${title}:\n${names.join("\n")}\n\n`);
    }
    sum += bytes;
  }
  writeAll(1, `Total reclaimed space: ${humanSize(sum)}\n`);
  return code;
}
