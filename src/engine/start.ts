/** Starting a container that the engine watches over: its plan, and who watches. */

import {
  type ContainerWish,
  type EngineView,
  type PreparedContainer,
  prepareContainer,
} from "../container/prepare.ts";
import { type ContainerRecord, type Described, nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import type { StreamFact } from "../planner/facts.ts";
import type { Monitor } from "../planner/setting.ts";
import type { EngineOptions } from "./options.ts";
import { type Container, exitFile } from "./status.ts";

export type StartWish = {
  readonly roots: Roots;
  /** Printed by the caller's process once the program runs; null: it stays in the foreground. */
  readonly announce: string | null;
  /** Milliseconds to wait before. */
  readonly delay: number;
};

/** The command line by which the executor, or its checks, call back. */
const callBack = ({ runRoot, dataRoot }: Roots, ...words: string[]): readonly string[] => [
  "--root",
  dataRoot,
  "--runroot",
  runRoot,
  ...words,
];

export const logFile = ({ dataRoot }: Pick<ContainerRecord, "dataRoot">, id: string): string =>
  `${dataRoot}/containers/${id}/log`;

/** What the executor does for a container beside waiting for its end. */
export function monitorOf(
  id: string,
  { restart, health, log }: EngineOptions,
  { roots, announce, delay }: StartWish,
): Monitor {
  return {
    announce,
    log:
      log.driver === "none"
        ? null
        : { path: logFile(roots, id), maxBytes: log.maxBytes, files: log.files },
    exit: exitFile(roots, id),
    afterwards: restart.name === "no" ? [] : callBack(roots, "internal-ended", id),
    health:
      health === null
        ? null
        : {
            argv: callBack(roots, "internal-health", id),
            interval: health.interval,
            startInterval: health.startInterval,
            startPeriod: health.startPeriod,
          },
    delay,
  };
}

/** For `prepareContainer`: the engine watches over the container. */
export const watched = (
  id: string,
  options: EngineView["options"],
  wish: StartWish,
): EngineView => ({
  id,
  options,
  monitor: (of, resolved) => monitorOf(of, resolved, wish),
});

const streams: readonly [StreamFact, StreamFact, StreamFact] = ["pipe", "pipe", "pipe"];

/** The wish that a record was made of, with its name as it is now. */
export function wishOf(record: Described, start: StartWish): ContainerWish {
  const { id, engine } = record;
  if (engine === null) throw new Error(`container ${id} has no engine that watches over it`);
  return {
    source: record.source,
    command: record.command ?? [],
    options: { ...record.options, name: nameOf(record) },
    roots: start.roots,
    cwd: "/", // all paths are absolute by now
    streams,
    endWithCaller: false,
    engine: watched(id, () => engine, start),
  };
}

/**
 * Plans the start of a container that is kept.
 *
 * @throws WishError, ImageError
 */
export function prepareStart(container: Container, start: StartWish): Promise<PreparedContainer> {
  const { status, name } = container;
  if (status === "dead") {
    throw new WishError([
      `container ${name} was left behind by a kill: \`pivot system prune\`, and start it then`,
    ]);
  }
  return prepareContainer(wishOf(container.record, start));
}
