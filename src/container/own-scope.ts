/**
 * The scope of systemd's in which an ordinary user's container keeps its limits.
 *
 * A cgroup that somebody else makes among those of systemd is one of which it knows nothing: it takes a
 * controller back from a slice as soon as none of its own units there needs it (`daemon-reload` is enough),
 * and the limit is gone. A scope with `Delegate=` is there to be asked for. It is made around the container's
 * first process, whose cgroup is below; the executor stays where it was started. When nobody is in it any
 * more systemd takes it away, also after a kill.
 *
 * From a session, whose cgroup is root's, systemd alone can move a process there: the user's manager asks
 * the machine's, by the machine's bus. A further process comes in by the same way.
 */

import { locateV2 } from "../cgroup/mod.ts";
import { isHeard } from "../host/heard.ts";
import { findManager } from "../host/systemd.ts";
import type { Op } from "../plan/op.ts";
import type { CgroupLayout, Facts } from "../planner/facts.ts";
import type { LinuxResources, Spec } from "../spec/mod.ts";
import { askForOuterScope, attachToScope, type Manager } from "../systemd/ask.ts";
import { isOfSystemd, scopeOf } from "../systemd/scope.ts";
import { delegated, isOutside } from "./delegated.ts";
import type { ScopeOfContainer } from "./resources.ts";

/** The cgroup of the container, below its scope's; crun calls it so too. */
const BELOW = "/container";

const MACHINE_BUS = "/run/dbus/system_bus_socket";

async function heardManager(manager: Manager | null): Promise<Manager | null> {
  return manager?.user === true && (await isHeard(manager.socket)) ? manager : null;
}

export type PlaceForScopes = {
  readonly manager: Manager;
  /** Those of the manager's part of the cgroups. */
  readonly controllers: readonly string[];
};

/**
 * Where the user's systemd keeps scopes; null where the container's cgroup would be none of systemd's
 * anyway, and where there is none to be had.
 */
export async function placeForScopes(
  cgroups: CgroupLayout,
  found: Manager | null = findManager(),
  machineBus = MACHINE_BUS,
): Promise<PlaceForScopes | null> {
  const { mode, v2 } = cgroups;
  if (mode !== "v2" || v2 === null || found?.user !== true) return null;
  if (!isOfSystemd(locateV2(v2, "pivot").base.slice(v2.mount.length), found.root)) return null;
  const part = delegated(cgroups, "", undefined, undefined, found.root).layout.v2;
  const manager = await heardManager(found);
  if (part === null || manager === null) return null;
  const isOut = isOutside(cgroups, `${v2.mount}${manager.root}/user.slice`);
  return isOut && !(await isHeard(machineBus)) ? null : { manager, controllers: part.controllers };
}

/** Whether any of the limits that were asked for can be kept there. */
const isOfUse = (
  cgroups: CgroupLayout,
  resources: LinuxResources | undefined,
  { manager }: PlaceForScopes,
): boolean => delegated(cgroups, "", resources, undefined, manager.root).resources !== undefined;

/** Undefined: it has none, and its cgroup is where it would be without systemd. */
export async function ownScope(
  { linux }: Spec,
  id: string,
  { cgroups }: Pick<Facts, "cgroups">,
  place?: PlaceForScopes | null,
): Promise<ScopeOfContainer | undefined> {
  if (linux?.cgroupsPath !== undefined) return undefined;
  const there = place === undefined ? await placeForScopes(cgroups) : place;
  const scope = scopeOf(undefined, id, "user.slice");
  if (there === null || "expected" in scope) return undefined;
  if (!isOfUse(cgroups, linux?.resources, there)) return undefined;
  const { manager } = there;
  const description = `pivot container ${id}`;
  return {
    path: `${manager.root}${scope.path}${BELOW}`,
    ask: askForOuterScope({ scope, manager, properties: [], description }),
    manager: manager.root,
    user: true,
  };
}

/**
 * What is to be said of limits that are given to a container whose cgroup is among systemd's own: it was
 * started without any. Null: nothing.
 *
 * @param directories the container's cgroups on the host
 */
export function lentWarning(
  directories: readonly string[],
  { mode, v2 }: CgroupLayout,
  found: Manager | null = findManager(),
): string | null {
  if (mode !== "v2" || v2 === null || found?.user !== true) return null;
  const theirs = (directory: string): boolean =>
    directory.startsWith(`${v2.mount}${found.root}/`) &&
    isOfSystemd(directory.slice(v2.mount.length, directory.lastIndexOf("/")), found.root);
  return directories.some(theirs)
    ? "it was started without limits, so its cgroup is in a slice of systemd's, which may take these back: start it again, and they stay"
    : null;
}

/**
 * What moves a further process into the container's cgroup where its user may not; null: it is in no scope
 * of its own, or nobody is there to be asked.
 *
 * @param directory the container's cgroup on the host
 */
export async function attachment(
  directory: string,
  { v2 }: CgroupLayout,
  found: Manager | null = findManager(),
): Promise<Op | null> {
  if (!directory.endsWith(`.scope${BELOW}`) || found === null) return null;
  const scope = directory.slice(0, -BELOW.length);
  if (!directory.startsWith(`${v2?.mount}${found.root}/`)) return null;
  const manager = await heardManager(found);
  const unit = scope.slice(scope.lastIndexOf("/") + 1);
  return manager === null ? null : attachToScope(manager, unit, BELOW);
}
