// A container's cgroup below a scope that systemd has handed over with `Delegate=`: the scope's own files
// stay systemd's, and all below is ours alone, so neither writes what the other has written.
//
// Source: systemd.io/CGROUP_DELEGATION, "Two Key Design Rules".

import type { Place, Step } from "../plan/op.ts";
import { byParent, mkdir, onHost, write } from "../planner/step.ts";
import type { FileWrite } from "./limits.ts";
import { CGROUPS_PATH } from "./name.ts";

/** Those that systemd hands over with `Delegate=yes`, as far as its own part has them. */
const delegable: Readonly<Record<string, true>> = {
  cpu: true,
  cpuset: true,
  io: true,
  memory: true,
  pids: true,
};

/**
 * Moves the first process, which is there already, to where systemd may have moved it: so it is sure
 * that this cgroup is the one that it is in.
 */
export const planEntry = (at: Place): Step =>
  byParent(
    { op: "write_pid", at, how: "existing", mode: 0, started: false, own: false },
    CGROUPS_PATH,
  );

/**
 * The steps after the scope was made around the first process.
 *
 * @param directory the container's cgroup, right below the scope's
 * @param controllers those of the user's part of the cgroups
 * @param limits all that is written to it
 */
export function planBelowScope(
  directory: string,
  controllers: readonly string[],
  limits: readonly FileWrite[],
): Step[] {
  const at = onHost(directory);
  const scope = directory.slice(0, directory.lastIndexOf("/"));
  // All of them, so that each limit can be given later: what is above has them on since it is delegated.
  const enabling = controllers.filter((name) => delegable[name] === true).map((name) => `+${name}`);
  return [
    byParent(mkdir(at, 0o755, false), CGROUPS_PATH, { op: "remove_cgroup", at }),
    planEntry(onHost(`${directory}/cgroup.procs`)),
    // Only now: what hands controllers on may hold no process (cgroups(7), "no internal processes").
    byParent(write(onHost(`${scope}/cgroup.subtree_control`), enabling.join(" ")), CGROUPS_PATH),
    ...limits.map(({ file, text, why }) =>
      byParent(write(onHost(`${directory}/${file}`), text), why),
    ),
  ];
}
