/** `pivot volume ls` and `pivot volume inspect`. */

import { WishError } from "../container/wish-error.ts";
import type { VolumesInUse } from "../volume/in-use.ts";
import { listVolumes, readVolume, type Volume } from "../volume/store.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { type FilterTests, hasLabel, readFilters, readTruth } from "./filter.ts";
import {
  filterFlag,
  formatFlag,
  inspectFormatFlag,
  quietFlag,
  readListing,
} from "./listing-flags.ts";
import { type Column, printDocuments, printRows } from "./output.ts";
import { report } from "./report-error.ts";

export const volumeFilterKeys = ["dangling", "driver", "label", "name"] as const;

export const listFlags: readonly Flag[] = [filterFlag(volumeFilterKeys), formatFlag, quietFlag];

export const inspectFlags: readonly Flag[] = [inspectFormatFlag];

const labelText = ({ labels }: Volume): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");

const columnsOf = (used: () => VolumesInUse): readonly Column<Volume>[] => [
  { name: "Driver", header: "DRIVER", value: ({ driver }) => driver },
  { name: "Name", header: "VOLUME NAME", quiet: true, value: ({ name }) => name },
  { name: "Labels", header: "LABELS", hidden: true, value: labelText },
  {
    name: "Label",
    header: "",
    hidden: true,
    value:
      ({ labels }) =>
      (name: string) =>
        labels[name] ?? "",
  },
  { name: "Mountpoint", header: "MOUNTPOINT", hidden: true, value: (each) => each.mountpoint },
  { name: "Scope", header: "SCOPE", hidden: true, value: () => "local" },
  {
    name: "Links",
    header: "LINKS",
    hidden: true,
    value: ({ name }) => String(used().get(name)?.length ?? 0),
  },
];

const testsOf = (used: () => VolumesInUse): FilterTests<Volume> => ({
  dangling: ({ name }, value) => readTruth("dangling", value) !== used().has(name),
  driver: ({ driver }, value) => driver === value,
  label: ({ labels }, value) => hasLabel(labels, value),
  name: ({ name }, value) => name.includes(value),
});

export async function listCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot volume ls [OPTIONS]");
  const roots = engineRoots(globals);
  const asked = [...(given.flags.get("filter") ?? []), lastValue(given, "format") ?? ""];
  // Most listings need not know which containers there are.
  const needsUsers = asked.some((word) => /dangling|Links|json/.test(word));
  const used: VolumesInUse = needsUsers
    ? await (await import("../volume/in-use.ts")).volumesInUse(roots)
    : new Map();
  const passes = readFilters(
    given.flags.get("filter") ?? [],
    testsOf(() => used),
  );
  printRows(
    listVolumes(roots).filter(passes),
    columnsOf(() => used),
    readListing(given),
  );
  return 0;
}

const orNull = (map: Readonly<Record<string, string>>) =>
  Object.keys(map).length === 0 ? null : map;

export const documentOf = ({ created, driver, labels, mountpoint, name, options }: Volume) => ({
  CreatedAt: created,
  Driver: driver,
  Labels: orNull(labels),
  Mountpoint: mountpoint,
  Name: name,
  Options: orNull(options),
  Scope: "local",
});

export function inspectCommand(given: ParsedArguments, globals: Globals): number {
  if (given.words.length === 0) {
    throw new UsageError("which volume? `pivot volume ls` lists them");
  }
  const roots = engineRoots(globals);
  const found = given.words.map((name) => ({ name, volume: readVolume(roots, name) }));
  const volumes = found.flatMap(({ volume }) => volume ?? []);
  printDocuments(volumes.map(documentOf), lastValue(given, "format"));
  for (const { name, volume } of found) {
    if (volume === null) report("error", noSuchVolume(name).message, globals.logFormat);
  }
  return volumes.length === found.length ? 0 : 1;
}

/** In docker's words, which scripts look for. */
export const noSuchVolume = (name: string): WishError =>
  new WishError([`no such volume: ${name}; \`pivot volume ls\` lists them`]);
