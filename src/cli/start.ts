/** `pivot start`, and what `restart` shares with it. */

import { nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { clearRemains, hasRunAnew, waitUntilGone, whenTidied } from "../engine/act.ts";
import { findContainer } from "../engine/find.ts";
import { isLastStart, noteFailure, noteStart } from "../engine/kept.ts";
import { prepareStart } from "../engine/start.ts";
import { isStartedElsewhere } from "../engine/started-elsewhere.ts";
import { type Container, isAlive } from "../engine/status.ts";
import { encodePlan } from "../executor/encode.ts";
import { describeFailure, type StepFailure } from "../executor/failure.ts";
import { handOver } from "../executor/hand-over.ts";
import { executePlan } from "../executor/spawn.ts";
import { writeAll } from "../host/write.ts";
import type { Plan } from "../plan/op.ts";
import type { Attachment } from "../planner/setting.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import { attachTo } from "./attach.ts";
import { detachKeysFlag, readAttachment } from "./attachment.ts";
import { whileItIsThere } from "./changed-meanwhile.ts";
import type { Globals } from "./command.ts";
import { eachContainer, engineRoots } from "./each-container.ts";
import { report } from "./report-error.ts";

export const startFlags: readonly Flag[] = [
  { name: "attach", short: "a", help: "show what it writes, and end with its exit code" },
  detachKeysFlag,
  { name: "interactive", short: "i", help: "pass standard input on; with -a" },
];

/** A container as it is before its start, with nothing left of an earlier one. */
async function makeReady(found: Container, roots: Roots): Promise<Container> {
  const name = nameOf(found.record);
  if (!found.kept) throw new WishError([`container ${name} is about to be removed`]);
  if (found.status !== "dead") return found;
  // Whoever has started it meanwhile is met again, when its state is to be made.
  await clearRemains(found, roots, { isOver: hasRunAnew });
  return { ...found, status: "exited" };
}

/** What has only just ended is waited for: it does not run, and its monitor still has it in hand. */
const readyOf = async (found: Container, roots: Roots): Promise<Container> =>
  (await whenTidied(found, roots)) ?? findContainer(roots, found.id);

/** Starts it, or finds it started, and takes part in what it reads and writes. */
async function startAttached(
  asFound: Container,
  roots: Roots,
  globals: Globals,
  attach: Attachment,
): Promise<never> {
  const found = await readyOf(asFound, roots);
  const { id } = found;
  if (isAlive(found)) return attachTo(found, roots, attach, globals);
  const ready = await makeReady(found, roots);
  const wish = { roots, announce: null, attach, delay: 0 };
  const { plan, warnings } = await prepareStart(ready, wish);
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  await noteStart(roots.dataRoot, id);
  const told = ["--root", roots.dataRoot, "internal-report", id, "start"];
  return handOver(encodePlan(plan), ["--log-format", globals.logFormat, ...told]);
}

const EINTR = 4;
const ECHILD = 10;
const EAGAIN = 11;

/** Of the locks, the container's own is that of a layer into which files are copied meanwhile. */
const isCopiedInto = ({ steps }: Plan, { step, errno }: StepFailure): boolean => {
  const op = steps[step]?.op;
  return errno === EAGAIN && op?.op === "lock" && op.patience > 0;
};

/** What came of a start. */
type Outcome =
  | "running"
  /** Another command is starting it, and was first. */
  | "elsewhere"
  /** Another command has ended what was starting: for a start of its own, or for good. */
  | "ended"
  /** The executor was killed: its monitor may be on its way, so what comes of it is seen, not noted. */
  | "killed"
  | "failed";

/** @param isLast whether nobody has stopped or started it since */
async function outcomeOf(
  plan: Plan,
  failure: StepFailure | null,
  id: string,
  isLast: () => Promise<boolean>,
): Promise<Outcome> {
  if (failure === null) return "running";
  if (failure.errno === 0) return "killed";
  if (isStartedElsewhere(plan, failure, id)) return "elsewhere";
  if (failure.errno === EINTR) return "ended";
  if (failure.errno !== ECHILD) return "failed";
  // SIGKILL has met the monitor. The first process may be killed for want of memory, too: then nobody
  // has noted anything.
  const isOfMonitor = plan.steps[failure.step]?.op.op === "detach";
  return isOfMonitor || !(await isLast()) ? "ended" : "failed";
}

/** Whether what another has begun comes to run; false: it is gone, or is still there without. */
const runsByAnother = async (found: Container): Promise<boolean> =>
  (await waitUntilGone(found, 5_000, hasRunAnew)) && hasRunAnew(found);

/** What is told of a start that has come to nothing. */
function lineOf(plan: Plan, failure: StepFailure, outcome: Outcome, name: string): string {
  if (outcome === "elsewhere") return `container ${name}: another command starts it: try again`;
  return isCopiedInto(plan, failure)
    ? `container ${name}: another command copies into it: start it when that is done`
    : describeFailure(plan, failure);
}

/**
 * Starts a container that is kept; it goes on by itself. When another command starts it in the very
 * moment, that is as good.
 *
 * @param announce what is printed once it runs, or null
 * @throws WishError when it is of no use to start it, or a step failed
 */
export async function startDetached(
  asFound: Container,
  roots: Roots,
  globals: Globals,
  announce: string | null,
  attempts = 8,
): Promise<void> {
  const found = await readyOf(asFound, roots);
  const { id, name } = found;
  if (isAlive(found)) {
    if (announce !== null) writeAll(1, announce);
    return;
  }
  const { plan, warnings, release } = await prepareStart(await makeReady(found, roots), {
    roots,
    announce: announce ?? "",
    attach: null,
    delay: 0,
  });
  const started = await noteStart(roots.dataRoot, id);
  const { failure } = await executePlan(plan, ["ignore", "inherit", "inherit"]).outcome;
  const isLast = () => isLastStart(roots.dataRoot, id, started);
  const outcome = await outcomeOf(plan, failure, id, isLast);
  if (outcome !== "running" && outcome !== "killed") release();
  if (outcome === "elsewhere" && (await runsByAnother(found))) {
    if (announce !== null) writeAll(1, announce);
    return;
  }
  if ((outcome === "elsewhere" || outcome === "ended") && attempts > 1) {
    const seen = await findContainer(roots, id);
    return startDetached(seen, roots, globals, announce, attempts - 1);
  }
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  if (failure === null) return;
  const line = lineOf(plan, failure, outcome, name);
  if (outcome === "ended" || outcome === "failed") await noteFailure(roots.dataRoot, id, line);
  await whileItIsThere(found, roots, () => Promise.reject(new WishError([line])));
}

export async function startCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (isOn(given, "attach") || isOn(given, "interactive")) {
    const [word = "", ...more] = given.words;
    if (more.length > 0 || word === "") {
      throw new UsageError("start -a and -i take one container: it is its streams that are shown");
    }
    const roots = engineRoots(globals);
    const attachment = readAttachment(given, isOn(given, "interactive"));
    return startAttached(await findContainer(roots, word), roots, globals, attachment);
  }
  return eachContainer(given, globals, "start", async (container, word, roots) => {
    await startDetached(container, roots, globals, `${word}\n`);
    return null;
  });
}
