/** What is written down of a container that is about to be made. */

import type { MountOption } from "../options/mount-option.ts";
import type { NetworkMode } from "../options/namespace-mode.ts";
import type { ContainerWish, DescribedContainer } from "./prepare.ts";
import type { ContainerRecord, RecordedMount } from "./record.ts";

function recordMount(mount: MountOption): RecordedMount {
  const common = { type: mount.type, destination: mount.target, readonly: mount.readonly === true };
  switch (mount.type) {
    case "bind":
      return { ...common, source: mount.source };
    case "volume":
      return {
        ...common,
        source: "",
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
  return "path" in mode ? mode.path : mode.network;
}

export function recordContainer(
  { options, roots }: ContainerWish,
  { id, engine, cgroups }: Pick<ContainerRecord, "id" | "engine" | "cgroups">,
  { source, image, extras, spec }: DescribedContainer,
): ContainerRecord {
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
    mounts: (options.mounts ?? []).map(recordMount),
    labels: extras.labels,
    networkMode: networkText(extras.network),
  };
}
