/** `pivot start`, and what `restart` shares with it. */

import { nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { clearRemains } from "../engine/act.ts";
import { noteFailure, noteStart } from "../engine/kept.ts";
import { prepareStart } from "../engine/start.ts";
import { type Container, isAlive } from "../engine/status.ts";
import { describeFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { eachContainer } from "./each-container.ts";
import { report } from "./report-error.ts";

export const startFlags: readonly Flag[] = [
  { name: "attach", short: "a", help: "show what it writes, and end with its exit code" },
  { name: "detach-keys", value: "KEYS", help: "what leaves it: ctrl-p,ctrl-q" },
  { name: "interactive", short: "i", help: "pass standard input on; with -a" },
];

/**
 * Starts a container that is kept; it goes on by itself.
 *
 * @param announce what is printed once it runs, or null
 * @throws WishError when it is of no use to start it, or a step failed
 */
export async function startDetached(
  found: Container,
  roots: Roots,
  globals: Globals,
  announce: string | null,
): Promise<void> {
  const { id, record } = found;
  if (isAlive(found)) return;
  if (!found.kept) throw new WishError([`container ${nameOf(record)} is about to be removed`]);
  if (found.status === "dead") await clearRemains(found);
  const seen: Container = found.status === "dead" ? { ...found, status: "exited" } : found;
  const { plan, warnings } = await prepareStart(seen, {
    roots,
    announce: announce ?? "",
    delay: 0,
  });
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  await noteStart(roots.dataRoot, id);
  const { failure } = await executePlan(plan, ["ignore", "inherit", "inherit"]).outcome;
  if (failure === null) return;
  const line = describeFailure(plan, failure);
  await noteFailure(roots.dataRoot, id, line);
  throw new WishError([line]);
}

export async function startCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const isAttached = ["attach", "interactive"].some(
    (name) => given.flags.get(name)?.at(-1) === "true",
  );
  if (isAttached && given.words.length !== 1) {
    throw new UsageError("you cannot start and attach multiple containers at once");
  }
  return eachContainer(given, globals, "start", async (container, word, roots) => {
    await startDetached(container, roots, globals, `${word}\n`);
    return null;
  });
}
