// Volumes as mounts of a configuration: a directory of the engine's, or what its options say.

import type { Mount } from "../spec/mod.ts";
import { hasRecursiveReadonly } from "./default-mounts.ts";
import type { ContainerFacts, VolumeFacts } from "./facts.ts";
import type { MountOption, VolumeMount } from "./mount-option.ts";
import { idmapMaps, idmapOption } from "./mount-owners.ts";
import { cleanPath } from "./path.ts";
import type { Findings } from "./problem.ts";

/** What a volume of the driver `local` can be made with. */
export type DriverOptions = Readonly<Record<string, string>>;

/** A volume that a container uses. */
export interface VolumeUse {
  readonly name: string;
  /** Absolute and clean, in the container. */
  readonly destination: string;
  /** A directory below its root to show; null: its root. */
  readonly subpath: string | null;
  /** It is filled from the image when it is empty. */
  readonly copy: boolean;
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: DriverOptions;
  readonly kind: VolumeKind;
  /** Its files are shown with other owners: those of the container, or by maps of its own. */
  readonly idmap: "container" | "own" | null;
}

/**
 * `data`: a directory of the engine's; `bind`: one of the host; `own`: a file system that is mounted
 * for each container, such as a tmpfs or NFS.
 */
export type VolumeKind = "data" | "bind" | "own";

const words = ({ o = "" }: DriverOptions): readonly string[] =>
  o.split(",").filter((word) => word !== "");

export function volumeKind(options: DriverOptions): VolumeKind {
  if (options["type"] === undefined && options["device"] === undefined) return "data";
  return words(options).some((word) => word === "bind" || word === "rbind") ? "bind" : "own";
}

/** What is wrong with a driver and its options, or null; the words are docker's. */
export function driverProblem(driver: string, options: DriverOptions): string | null {
  if (driver !== "" && driver !== "local") {
    return `volume driver ${driver} is not there: pivot has only local`;
  }
  const foreign = Object.keys(options).find((key) => !/^(?:type|device|o)$/.test(key));
  if (foreign !== undefined) return `invalid option: "${foreign}": it is type, device or o`;
  const given = Object.keys(options).length > 0;
  for (const key of ["type", "device"]) {
    if (given && (options[key] ?? "") === "") return `missing required option: "${key}"`;
  }
  const { device = "" } = options;
  if (volumeKind(options) === "bind" && !device.startsWith("/")) {
    return `the device ${device} is no absolute path of a directory`;
  }
  return null;
}

/** An existing volume is as it was made; what the mount asks for is for a new one. */
const optionsOf = ({ source = "", driverOptions = {} }: VolumeMount, facts?: VolumeFacts) =>
  facts?.options[source] ?? driverOptions;

/** A volume of the options as a mount. */
export function volumeMount(
  mount: VolumeMount,
  destination: string,
  { volumes, kernel }: ContainerFacts,
  findings: Findings,
): Mount | undefined {
  const { source, subpath, driver = "" } = mount;
  if (source === undefined || volumes === undefined) {
    findings.problem("-v, --volume", source ?? destination, "there is no place for volumes");
    return undefined;
  }
  const options = optionsOf(mount, volumes);
  const problem = driverProblem(driver, options);
  if (problem !== null) {
    findings.problem("--mount", source, problem);
    return undefined;
  }
  const kind = volumeKind(options);
  if (kind === "own") return ownFileSystem(mount, destination, options, findings);
  const given = kind === "bind" ? words(options) : ["rbind"];
  const readonly = hasRecursiveReadonly(kernel) ? "rro" : "ro";
  return {
    destination,
    type: "bind",
    source:
      kind === "bind"
        ? cleanPath(options["device"] ?? "")
        : `${volumes.directory}/${source}/_data${subpath === undefined ? "" : `/${subpath}`}`,
    options: [
      ...given,
      ...(mount.readonly === true ? [readonly] : []),
      "rprivate",
      ...idmapOption(mount),
    ],
    ...idmapMaps(mount),
  };
}

function ownFileSystem(
  mount: VolumeMount,
  destination: string,
  options: DriverOptions,
  findings: Findings,
): Mount | undefined {
  const { type = "", device = "" } = options;
  if (mount.subpath !== undefined) {
    findings.problem("--mount", mount.source ?? "", `a volume of type ${type} has no subpath`);
    return undefined;
  }
  const copies = type === "tmpfs" && mount.noCopy !== true;
  return {
    destination,
    type,
    source: device,
    options: [
      ...words(options),
      ...(mount.readonly === true ? ["ro"] : []),
      ...(copies ? ["tmpcopyup"] : []),
    ],
  };
}

/** The volumes among the mounts that have a name. */
export function volumeUses(
  mounts: readonly MountOption[],
  facts: VolumeFacts | undefined,
): readonly VolumeUse[] {
  return mounts.flatMap((mount) => {
    if (mount.type !== "volume" || mount.source === undefined) return [];
    const options = optionsOf(mount, facts);
    return [
      {
        name: mount.source,
        destination: cleanPath(mount.target),
        subpath: mount.subpath ?? null,
        copy: mount.noCopy !== true,
        anonymous: mount.anonymous === true,
        labels: mount.labels ?? {},
        options,
        kind: volumeKind(options),
        idmap: mount.idmap === undefined ? null : mount.idmap === "container" ? "container" : "own",
      },
    ];
  });
}
