/**
 * Volumes on the disk: `DATAROOT/volumes/NAME` with `volume.json` and the data in `_data`. They come
 * and go by operations of a plan (native/volume.c), each by a rename; here they are only read.
 */

import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { listIfThere } from "../host/list-if-there.ts";

/** `volume.json`. */
export type VolumeRecord = {
  readonly version: 1;
  /** ISO 8601, in UTC. */
  readonly created: string;
  readonly driver: "local";
  readonly labels: Readonly<Record<string, string>>;
  /** `type`, `device` and `o`. */
  readonly options: Readonly<Record<string, string>>;
  /** Its name was made up, for one container. */
  readonly anonymous: boolean;
};

export type Volume = VolumeRecord & { readonly name: string; readonly mountpoint: string };

export const volumesDirectory = ({ dataRoot }: Pick<Roots, "dataRoot">): string =>
  `${dataRoot}/volumes`;

export const volumeDirectory = (roots: Pick<Roots, "dataRoot">, name: string): string =>
  `${volumesDirectory(roots)}/${name}`;

/** As docker's: 64 digits. */
export const newVolumeName = (): string => randomBytes(32).toString("hex");

export const isVolumeName = (name: string): boolean =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) && name.length <= 255;

export type VolumeChoices = Pick<VolumeRecord, "labels" | "options" | "anonymous">;

/** What `volume.json` says of a volume that is made now. */
export function recordText(choices: VolumeChoices, now = new Date()): string {
  const { labels, options, anonymous } = choices;
  const created = now.toISOString();
  const record: VolumeRecord = {
    version: 1,
    created,
    driver: "local",
    labels,
    options,
    anonymous,
  };
  return `${JSON.stringify(record)}\n`;
}

function readRecord(directory: string): Partial<VolumeRecord> {
  try {
    const record = JSON.parse(readFileSync(`${directory}/volume.json`, "utf8")) as VolumeRecord;
    return record.version === 1 ? record : {};
  } catch {
    return {}; // lost by the end of the machine: the data is what counts
  }
}

/** The volume of this name, or null. */
export function readVolume(roots: Pick<Roots, "dataRoot">, name: string): Volume | null {
  if (!isVolumeName(name)) return null;
  const directory = volumeDirectory(roots, name);
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return null;
  return {
    version: 1,
    created: stat.mtime.toISOString(),
    driver: "local",
    labels: {},
    options: {},
    anonymous: false,
    ...readRecord(directory),
    name,
    mountpoint: `${directory}/_data`,
  };
}

/** All volumes, by name. */
export function listVolumes(roots: Pick<Roots, "dataRoot">): readonly Volume[] {
  return listIfThere(volumesDirectory(roots))
    .filter(isVolumeName)
    .sort()
    .flatMap((name) => readVolume(roots, name) ?? []);
}

/** What removals that were cut short have left: no volumes any more. */
export const removedVolumes = (roots: Pick<Roots, "dataRoot">): readonly string[] =>
  listIfThere(volumesDirectory(roots))
    .filter((name) => name.startsWith(".gone-"))
    .map((name) => `${volumesDirectory(roots)}/${name}`);

/** The ids of containers that have been noted as users of a volume; some may be gone. */
export const notedUsers = (roots: Pick<Roots, "dataRoot">, name: string): readonly string[] =>
  listIfThere(`${volumeDirectory(roots, name)}/users`);
