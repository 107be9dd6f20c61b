/** Commands that change how a container fares: stop, kill, restart, pause, unpause, rm, rename, wait. */

import { setTimeout as sleep } from "node:timers/promises";
import { WishError } from "../container/wish-error.ts";
import { endContainer, setPaused, signalContainer } from "../engine/act.ts";
import { noteEvent } from "../engine/events.ts";
import { findContainer } from "../engine/find.ts";
import { checkNameIsFree, noteStop, renameKept } from "../engine/kept.ts";
import { removeContainer } from "../engine/remove.ts";
import { type Container, isAlive, subjectOf } from "../engine/status.ts";
import { quote } from "../image/error.ts";
import { containerNameProblem } from "../options/name.ts";
import { formatOptionProblem } from "../options/problem.ts";
import { parseSignal } from "../options/signal.ts";
import { type Flag, FlagError, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { eachContainer, engineRoots, manyAtOnce } from "./each-container.ts";

const timeFlag: Flag = {
  name: "timeout",
  short: "t",
  aliases: ["time"],
  value: "SECONDS",
  help: "how long to wait before it is killed; -1: for as long as it takes",
};

const signalFlag: Flag = {
  name: "signal",
  short: "s",
  value: "SIGNAL",
  help: "what is sent first",
};

export const stopFlags: readonly Flag[] = [signalFlag, timeFlag];

export const killFlags: readonly Flag[] = [{ ...signalFlag, help: "what is sent: KILL" }];

export const removeFlags: readonly Flag[] = [
  { name: "force", short: "f", help: "end it first (SIGKILL) when it runs" },
  { name: "volumes", short: "v", help: "remove its anonymous volumes too" },
];

const last = ({ flags }: ParsedArguments, name: string): string | undefined =>
  flags.get(name)?.at(-1);

function readSignal(given: ParsedArguments, standard: number): number {
  const word = last(given, "signal");
  if (word === undefined) return standard;
  const parsed = parseSignal(word, "-s, --signal");
  if (!parsed.ok) throw new UsageError(formatOptionProblem(parsed.problem));
  return parsed.value;
}

function readSeconds(given: ParsedArguments): number | undefined {
  const word = last(given, "timeout");
  if (word === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(word)) return Number(word);
  throw new FlagError(`--timeout takes a number of seconds, received ${JSON.stringify(word)}`);
}

/** Read before any container is: what is wrong with a word is told once, and nothing is done. */
function readStop(given: ParsedArguments) {
  const wanted = { signal: readSignal(given, 0), seconds: readSeconds(given) };
  return ({ record }: Container) => ({
    signal: wanted.signal === 0 ? record.process.stopSignal : wanted.signal,
    seconds: wanted.seconds ?? record.engine?.stopTimeout ?? 10,
  });
}

export async function stopCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const wish = readStop(given);
  return eachContainer(
    given,
    globals,
    "stop",
    async (container, word, roots) => {
      await endContainer(container, roots, wish(container));
      if (isAlive(container)) noteEvent(roots, "stop", container.id, subjectOf(container));
      return word;
    },
    manyAtOnce,
  );
}

/** SIGKILL and the container's own stop signal are a wish that it stays ended. */
export async function killCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const signal = readSignal(given, 9);
  return eachContainer(given, globals, "kill", async (container, word, roots) => {
    const { id, kept, record } = container;
    const ends = signal === 9 || signal === record.process.stopSignal;
    if (ends && kept && container.process !== null) await noteStop(roots.dataRoot, id);
    await signalContainer(container, signal);
    noteEvent(roots, "kill", id, subjectOf(container));
    return word;
  });
}

export async function restartCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const wish = readStop(given);
  return eachContainer(given, globals, "restart", async (container, word, roots) => {
    if (!container.kept) {
      throw new WishError([
        `container ${word} is removed when it ends (--rm): it cannot be started again`,
      ]);
    }
    await endContainer(container, roots, wish(container));
    const { startDetached } = await import("./start.ts");
    await startDetached(await findContainer(roots, container.id), roots, globals, null);
    noteEvent(roots, "restart", container.id, subjectOf(container));
    return word;
  });
}

export const pauseCommand = (given: ParsedArguments, globals: Globals): Promise<number> =>
  eachContainer(given, globals, "pause", async (container, word, roots) => {
    await setPaused(container, true);
    noteEvent(roots, "pause", container.id, subjectOf(container));
    return word;
  });

export const unpauseCommand = (given: ParsedArguments, globals: Globals): Promise<number> =>
  eachContainer(given, globals, "unpause", async (container, word, roots) => {
    await setPaused(container, false);
    noteEvent(roots, "unpause", container.id, subjectOf(container));
    return word;
  });

export const removeCommand = (given: ParsedArguments, globals: Globals): Promise<number> =>
  eachContainer(
    given,
    globals,
    "rm",
    async (container, word, roots) => {
      await removeContainer(container, roots, {
        force: last(given, "force") === "true",
        volumes: last(given, "volumes") === "true",
      });
      return word;
    },
    manyAtOnce,
    last(given, "force") === "true",
  );

export async function renameCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, name, ...more] = given.words;
  if (word === undefined || name === undefined || more.length > 0) {
    throw new UsageError("usage: pivot rename CONTAINER NEW_NAME");
  }
  const problem = containerNameProblem(name);
  if (problem !== null) throw new UsageError(`${quote(name)}: ${problem}`);
  const roots = engineRoots(globals);
  const container = await findContainer(roots, word);
  if (!container.kept) {
    throw new WishError([`container ${word} is removed when it ends (--rm): it keeps its name`]);
  }
  if (container.name === name) {
    throw new WishError([`renaming a container with the same name as its current name: ${name}`]);
  }
  await checkNameIsFree(roots, name);
  await renameKept(roots.dataRoot, container.id, name);
  noteEvent(roots, "rename", container.id, { ...subjectOf(container), name });
  return 0;
}

/** Milliseconds between two looks at a container that somebody waits for. */
const lookEvery = 20;

export const waitCommand = (given: ParsedArguments, globals: Globals): Promise<number> =>
  eachContainer(given, globals, "wait", async (container, _, roots) => {
    let seen = container;
    // By its policy it may run again before anybody looks.
    while (isAlive(seen) && seen.restarts === container.restarts) {
      await sleep(lookEvery);
      seen = await findContainer(roots, container.id);
    }
    return String(seen.end?.code ?? 0);
  });
