// Which volumes a container has in the end: asked for, the image's, and other containers'.

import type { ImageConfig } from "./image-config.ts";
import type { MountOption } from "./mount-option.ts";
import type { RunOptions } from "./options.ts";
import { cleanPath } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** Nothing of it is needed when neither options nor image have a volume. */
export interface VolumeSources {
  /** The mounts of the containers of `volumesFrom`, by what stands before the colon there. */
  readonly others: Readonly<Record<string, readonly MountOption[]>>;
  /** A new name for an anonymous volume. */
  readonly newName: () => string;
}

/** A word of `--volumes-from`. */
export interface VolumesFrom {
  readonly container: string;
  readonly readonly: boolean;
}

/** Parses `--volumes-from`: `CONTAINER[:ro|:rw]`, where docker's `z` and `Z` mean nothing. */
export function parseVolumesFrom(given: string): Result<VolumesFrom> {
  const [container = "", ...modes] = given.split(":");
  const known = modes.length <= 1 && modes.every((mode) => /^(?:ro|rw|z|Z)$/.test(mode));
  if (container === "" || !known) {
    return refuse("--volumes-from", given, "it looks like CONTAINER or CONTAINER:ro");
  }
  return accept({ container, readonly: modes[0] === "ro" });
}

/** Whether there is anything to settle. */
export const hasVolumes = (image: ImageConfig | null, options: RunOptions): boolean =>
  (options.volumesFrom?.length ?? 0) > 0 ||
  options.mounts?.some(({ type }) => type === "volume") === true ||
  volumePaths(image).length > 0;

function volumePaths(image: ImageConfig | null): readonly string[] {
  const { Volumes } = image ?? {};
  const paths = Array.isArray(Volumes) ? Volumes : Object.keys(Volumes ?? {});
  return [...new Set(paths.map(cleanPath))].filter((path) => path !== "/");
}

/** What another container has mounted, as this one gets it: it is not filled a second time. */
function inherited(given: MountOption, readonly: boolean): MountOption {
  const mount = given.type === "tmpfs" ? given : { ...given, chown: undefined };
  const common = mount.readonly === true || readonly ? { readonly: true } : {};
  if (mount.type === "volume") return { ...mount, ...common, noCopy: true };
  return { ...mount, ...common };
}

/**
 * The image's volume that takes the place of devices or processes, if nothing else was asked for there;
 * undefined: there is none.
 */
export function unfitVolume(
  image: ImageConfig | null,
  asked: RunOptions,
  settled: RunOptions,
): string | undefined {
  const isAt = (path: string) => (mount: MountOption) => cleanPath(mount.target) === path;
  return volumePaths(image).find(
    (path) =>
      (path === "/dev" || path === "/proc") &&
      settled.mounts?.some(isAt(path)) === true &&
      asked.mounts?.some(isAt(path)) !== true,
  );
}

/**
 * The options with all volumes among their mounts, each with a name: of those asked for, those of
 * `volumesFrom` and the image's, whatever comes first takes the path, as with docker. Done once for a
 * container, so that it has the same volumes each time that it starts.
 */
export function settleVolumes(
  image: ImageConfig | null,
  options: RunOptions,
  { others, newName }: VolumeSources,
): RunOptions {
  const { volumesFrom = [], ...rest } = options;
  const asked = (options.mounts ?? []).map((mount) =>
    mount.type === "volume" && mount.source === undefined
      ? { ...mount, source: newName(), anonymous: true }
      : mount,
  );
  const taken = new Set([
    ...asked.map(({ target }) => cleanPath(target)),
    ...Object.keys(options.tmpfs ?? {}).map(cleanPath),
  ]);
  const fromOthers = new Map<string, MountOption>();
  for (const word of volumesFrom) {
    const parsed = parseVolumesFrom(word);
    if (!parsed.ok) continue; // said by whoever read the option
    const { container, readonly } = parsed.value;
    for (const mount of others[container] ?? []) {
      const target = cleanPath(mount.target);
      if (mount.type === "tmpfs" || taken.has(target)) continue;
      fromOthers.set(target, inherited(mount, readonly));
    }
  }
  const images = volumePaths(image)
    .filter((path) => !taken.has(path) && !fromOthers.has(path))
    .map((target) => ({ type: "volume", target, source: newName(), anonymous: true }) as const);
  return { ...rest, mounts: [...asked, ...fromOthers.values(), ...images] };
}
