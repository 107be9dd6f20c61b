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
 * the machine's. A further process comes in by the same way.
 */

import { connect } from "node:net";
import { locateV2 } from "../cgroup/mod.ts";
import { findManager } from "../host/systemd.ts";
import type { Op } from "../plan/op.ts";
import type { CgroupLayout, Facts } from "../planner/facts.ts";
import type { Spec } from "../spec/mod.ts";
import { askForOuterScope, attachToScope, type Manager } from "../systemd/ask.ts";
import { isOfSystemd, scopeOf } from "../systemd/scope.ts";
import { delegated } from "./delegated.ts";
import type { ScopeOfContainer } from "./resources.ts";

/** The cgroup of the container, below its scope's; crun calls it so too. */
const BELOW = "/container";

/** Whether somebody listens there: a socket stays when who made it was killed. */
const isHeard = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });

async function userManager(): Promise<Manager | null> {
  const manager = findManager();
  return manager?.user === true && (await isHeard(manager.socket)) ? manager : null;
}

/**
 * Undefined where none is needed: nothing is asked for that could be kept, or the cgroup in which the
 * container's would be is not systemd's; and where there is none to be had.
 */
export async function ownScope(
  { linux }: Spec,
  id: string,
  { cgroups }: Facts,
): Promise<ScopeOfContainer | undefined> {
  const { mode, v2 } = cgroups;
  if (mode !== "v2" || v2 === null || linux?.cgroupsPath !== undefined) return undefined;
  const manager = await userManager();
  if (manager === null) return undefined;
  const above = locateV2(v2, id).base.slice(v2.mount.length);
  if (!isOfSystemd(above, manager.root)) return undefined;
  const scope = scopeOf(undefined, id, "user.slice");
  if ("expected" in scope) return undefined;
  const kept = delegated(cgroups, scope.path, linux?.resources, () => true, manager.root);
  if (kept.resources === undefined) return undefined;
  const description = `pivot container ${id}`;
  return {
    path: `${manager.root}${scope.path}${BELOW}`,
    ask: askForOuterScope({ scope, manager, properties: [], description }),
    manager: manager.root,
    user: true,
  };
}

/**
 * What moves a further process into the container's cgroup where its user may not; null: it is in no scope
 * of its own, or nobody is there to be asked.
 *
 * @param directory the container's cgroup on the host
 */
export async function attachment(directory: string, { v2 }: CgroupLayout): Promise<Op | null> {
  const unit = /\/([^/]+\.scope)\/container$/.exec(directory)?.[1];
  const manager = unit === undefined ? null : await userManager();
  if (unit === undefined || manager === null) return null;
  return directory.startsWith(`${v2?.mount}${manager.root}/`)
    ? attachToScope(manager, unit, BELOW)
    : null;
}
