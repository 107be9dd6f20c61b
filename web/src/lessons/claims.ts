/** Holds what a lesson says against what the simulator did. */

import { mountTable } from "../../../src/simulator/mod.ts";
import { worldOf } from "../model/from-state.ts";
import { procView } from "../model/pids.ts";
import type { Scene } from "../model/story.ts";
import type { Claim } from "./lesson.ts";

/** The same claim, with what is so in the place of what was said. */
export function asItIs({ session, pids }: Scene, claim: Claim): Claim {
  const id = [...session.names].find(([, name]) => name === claim.who)?.[0];
  if (id === undefined) throw new Error(`there is no process ${claim.who}`);
  if ("at" in claim) {
    const { who, at } = claim;
    const row = mountTable(session.state, id).findLast(({ mountpoint }) => mountpoint === at);
    return { who, at, is: row?.type ?? null };
  }
  if ("ps" in claim) return { who: claim.who, ps: procView(pids, session.state, id) };
  const world = worldOf(session.state, session.names);
  const process = world
    .flatMap(({ processes }) => processes)
    .find(({ name }) => name === claim.who);
  if (process === undefined) throw new Error(`${claim.who} is not drawn`);
  if ("root" in claim) return { who: claim.who, root: process.root.path };
  if ("cwd" in claim) return { who: claim.who, cwd: process.cwd.path };
  const mount = session.state.processes[id]?.cwd.mount;
  const adrift = mount === undefined || session.state.mounts[mount]?.namespace === null;
  return { who: claim.who, adrift };
}
