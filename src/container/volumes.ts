/** The volumes of a container: settled for good, looked up, and put in words for the planner. */

import type { VolumeFacts } from "../options/facts.ts";
import type { ImageConfig } from "../options/image-config.ts";
import type { MountOption } from "../options/mount-option.ts";
import type { RunOptions } from "../options/options.ts";
import { parseVolumesFrom, settleVolumes, unfitVolume } from "../options/settle-volumes.ts";
import type { VolumeUse } from "../options/volume-mount.ts";
import type { VolumeSetting } from "../planner/setting.ts";
import {
  newVolumeName,
  readVolume,
  recordText,
  volumeDirectory,
  volumesDirectory,
} from "../volume/store.ts";
import type { Roots } from "./roots.ts";
import { WishError } from "./wish-error.ts";

async function mountsOf(roots: Roots, wanted: string): Promise<readonly MountOption[]> {
  const { findContainer } = await import("../engine/find.ts");
  return (await findContainer(roots, wanted)).record.options.mounts ?? [];
}

export type Settled = { readonly options: RunOptions; readonly facts: VolumeFacts };

/**
 * Gives each volume its name, and finds out how those were made that are there.
 *
 * @throws WishError when the image has a volume where none can be; NoSuchContainerError when a container of `volumesFrom` is not there
 */
export async function settle(
  image: ImageConfig | null,
  given: RunOptions,
  roots: Roots,
): Promise<Settled> {
  const names = (given.volumesFrom ?? []).flatMap((word) => {
    const parsed = parseVolumesFrom(word);
    return parsed.ok ? [parsed.value.container] : [];
  });
  const others: Record<string, readonly MountOption[]> = {};
  for (const name of names) others[name] = await mountsOf(roots, name);
  const options = settleVolumes(image, given, { others, newName: newVolumeName });
  const unfit = unfitVolume(image, given, options);
  if (unfit !== undefined) {
    throw new WishError([
      `the image has a VOLUME ${unfit}, which would cover what each container has there: use an image without it`,
    ]);
  }
  const found = (options.mounts ?? []).flatMap((mount) => {
    if (mount.type !== "volume" || mount.source === undefined) return [];
    const volume = readVolume(roots, mount.source);
    return volume === null ? [] : [[volume.name, volume.options] as const];
  });
  const facts = { directory: volumesDirectory(roots), options: Object.fromEntries(found) };
  return { options, facts };
}

/** @param goes anonymous volumes go with the container: `--rm` */
export const volumeSettings = (
  uses: readonly VolumeUse[],
  roots: Roots,
  goes: boolean,
): readonly VolumeSetting[] =>
  uses.map(({ name, destination, subpath, copy, anonymous, labels, options, kind, idmap }) => ({
    directory: volumeDirectory(roots, name),
    record: recordText({ labels, options, anonymous }),
    destination,
    subpath,
    // By maps of its own there is no saying whose the image's files would be on the disk.
    copy: copy && subpath === null && idmap !== "own",
    idmapped: idmap !== null,
    kind,
    device: kind === "bind" ? (options["device"] ?? null) : null,
    temporary: anonymous && goes,
  }));
