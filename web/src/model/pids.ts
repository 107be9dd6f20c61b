/**
 * Pid namespaces, as far as /proc is about them: a proc file system shows the pid namespace of the
 * process that mounted it. pid_namespaces(7), "/proc and PID namespaces".
 */

import {
  mountTable,
  type ProcessId,
  type State,
  type SuperblockId,
} from "../../../src/simulator/mod.ts";

export type Pids = {
  /** Processes whose children are counted anew. */
  readonly own: ReadonlySet<ProcessId>;
  /** Who mounted each proc. */
  readonly mountedBy: ReadonlyMap<SuperblockId, ProcessId>;
};

export const noPids: Pids = { own: new Set(), mountedBy: new Map() };

export const withOwnPids = (pids: Pids, process: ProcessId): Pids => ({
  ...pids,
  own: new Set([...pids.own, process]),
});

/** Notes who mounted each proc that is new. */
export function afterLine(pids: Pids, state: State, by: ProcessId): Pids {
  const fresh = Object.values(state.superblocks).filter(
    ({ id, type }) => type === "proc" && !pids.mountedBy.has(id),
  );
  if (fresh.length === 0) return pids;
  return {
    ...pids,
    mountedBy: new Map([...pids.mountedBy, ...fresh.map(({ id }) => [id, by] as const)]),
  };
}

/** What a process's /proc is about: the host's processes, those of a namespace, or nothing. */
export function procView(pids: Pids, state: State, process: ProcessId): "host" | "own" | "nothing" {
  const table = mountTable(state, process);
  const top = table.findLast(({ mountpoint }) => mountpoint === "/proc");
  const mount = top === undefined ? undefined : state.mounts[top.id];
  const superblock = mount === undefined ? undefined : state.superblocks[mount.superblock];
  if (superblock?.type !== "proc") return "nothing";
  const by = pids.mountedBy.get(superblock.id);
  return by !== undefined && pids.own.has(by) ? "own" : "host";
}

/** As `ps -o pid,args` would print it. */
export function psLines(view: "host" | "own" | "nothing"): readonly string[] {
  switch (view) {
    case "nothing":
      return ["ps: /proc is not mounted"];
    case "own":
      return ["PID COMMAND", "  1 sh", "  2 ps"];
    case "host":
      return [
        "PID COMMAND",
        "  1 /sbin/init",
        "412 sshd: alice",
        "733 postgres",
        "958 sh",
        "960 ps",
      ];
  }
}
