/** What is written down of a container that is about to be made. */

import type { MountOption } from "../options/mount-option.ts";
import type { NetworkMode } from "../options/namespace-mode.ts";
import type { ContainerWish, DescribedContainer, PreparedContainer } from "./prepare.ts";
import type { ContainerRecord, Described, RecordedMount } from "./record.ts";

function recordMount(mount: MountOption, dataRoot: string): RecordedMount {
  const common = { type: mount.type, destination: mount.target, readonly: mount.readonly === true };
  switch (mount.type) {
    case "bind":
      return { ...common, source: mount.source };
    case "volume":
      return {
        ...common,
        source: mount.source === undefined ? "" : `${dataRoot}/volumes/${mount.source}/_data`,
        ...(mount.source === undefined ? {} : { volume: mount.source }),
      };
    case "tmpfs":
      return { ...common, source: "" };
  }
}

/** As `--network` takes it. */
function networkText(mode: NetworkMode): string {
  if (typeof mode === "string") return mode === "private" ? "none" : mode;
  if ("container" in mode) return `container:${mode.container}`;
  if ("pasta" in mode) return "pasta";
  return "path" in mode ? mode.path : mode.network;
}

export function recordContainer(
  { roots }: Pick<ContainerWish, "roots">,
  { id, engine, cgroups }: Pick<ContainerRecord, "id" | "engine" | "cgroups">,
  described: Pick<DescribedContainer, "source" | "image" | "extras" | "spec" | "options"> &
    Partial<Pick<DescribedContainer, "users">>,
): ContainerRecord {
  const { source, image, extras, spec, options, users } = described;
  const idMappings = users?.maps ?? null;
  const { process } = spec;
  return {
    version: 2,
    id,
    name: options.name ?? null,
    image,
    source,
    dataRoot: roots.dataRoot,
    hostname: extras.hostname,
    cgroups,
    options,
    ...(idMappings === null ? {} : { idMappings }),
    engine,
    process: {
      env: process?.env ?? [],
      cwd: process?.cwd ?? "/",
      user: extras.user,
      groups: extras.groups,
      tty: extras.tty,
      interactive: extras.interactive,
      stopSignal: extras.stopSignal,
    },
    mounts: (options.mounts ?? []).map((mount) => recordMount(mount, roots.dataRoot)),
    labels: extras.labels,
    networkMode: networkText(extras.network),
  };
}

/** A container that is made now, with what its record leaves out. */
export const describeContainer = (
  { record, spec }: Pick<PreparedContainer, "record" | "spec">,
  command: readonly string[],
): Described => ({
  ...record,
  created: Date.now(),
  args: spec.process?.args ?? [],
  command,
});
