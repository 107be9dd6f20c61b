/** Takes a container away, with what it wrote. */

import { existsSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { byParent, onHost } from "../planner/step.ts";
import { carryOut, clearRemains, SIGKILL, signalContainer, waitUntilGone } from "./act.ts";
import { forgetKept, noteStop } from "./kept.ts";
import { type Container, isAlive } from "./status.ts";

/**
 * Removes a container. Its row goes last: until then it can be tried again.
 *
 * @param force end it first when it runs
 * @throws WishError when it runs
 */
export async function removeContainer(
  container: Container,
  roots: Roots,
  force: boolean,
): Promise<void> {
  const { id, name, kept, status, directory } = container;
  if (isAlive(container)) {
    if (!force) {
      throw new WishError([
        `cannot remove container ${name}: it is ${status}: stop it first, or use rm --force`,
      ]);
    }
    if (kept) await noteStop(roots.dataRoot, id);
    if (container.process === null) {
      const of = onHost(`${directory}/monitor`);
      const op = { op: "signal", of, signal: SIGKILL, wait: true, required: false } as const;
      await carryOut([byParent(op, "rm --force")]);
    } else {
      await signalContainer(container, SIGKILL).catch(() => undefined);
      await waitUntilGone(container, 20_000);
    }
  }
  if (existsSync(directory)) await clearRemains(container);
  const data = onHost(`${roots.dataRoot}/containers/${id}`);
  if (existsSync(data.path)) await carryOut([byParent({ op: "remove", at: data }, "rm")]);
  if (kept) await forgetKept(roots.dataRoot, id);
}
