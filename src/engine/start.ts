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
import { executorPath } from "../executor/locate.ts";
import type { StreamFact } from "../planner/facts.ts";
import type { Attachment, Monitor } from "../planner/setting.ts";
import { type EventSubject, eventLine, eventsFile, makeRoomForEvents } from "./events.ts";
import type { EngineOptions } from "./options.ts";
import { type Container, exitFile } from "./status.ts";

export type StartWish = {
  readonly roots: Roots;
  /** Printed by the caller's process once the program runs; null: nothing is. */
  readonly announce: string | null;
  /** The caller's process takes part in what it reads and writes; null: it does not. */
  readonly attach: Attachment | null;
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

/** Of a container that was started without a restart policy and has been given one since. */
export const policyMark = ({ dataRoot }: Pick<Roots, "dataRoot">, id: string): string =>
  `${dataRoot}/containers/${id}/policy`;

/** What `events` tells of a start and of an end, behind which the executor writes the exit code. */
const eventsOf = (id: string, subject: EventSubject, roots: Roots): Monitor["events"] => ({
  path: eventsFile(roots),
  start: eventLine("start", id, subject),
  end: eventLine("die", id, subject),
});

/** What the executor does for a container beside waiting for its end. */
export function monitorOf(
  id: string,
  { restart, health, log }: EngineOptions,
  { roots, announce, attach, delay }: StartWish,
  named: EventSubject,
): Monitor {
  makeRoomForEvents(roots);
  return {
    announce,
    attach,
    log:
      log.driver === "none"
        ? null
        : { path: logFile(roots, id), maxBytes: log.maxBytes, files: log.files },
    exit: exitFile(roots, id),
    events: eventsOf(id, named, roots),
    afterwards: [
      // `update` may give it a policy while it runs.
      ...(restart.name === "no" ? ["--if-there", policyMark(roots, id)] : []),
      ...callBack(roots, "internal-ended", id),
    ],
    health:
      health === null
        ? null
        : {
            argv: callBack(roots, "internal-health", id),
            interval: health.interval,
            startInterval: health.startInterval,
            startPeriod: health.startPeriod,
          },
    program: executorPath(),
    environment: callBackEnvironment(),
    delay,
  };
}

/** Beside its home, what the next start's networks depend on. */
const passedOn = [
  "PATH",
  "HOME",
  "PIVOT_ROOTLESS",
  "XDG_RUNTIME_DIR",
  "PIVOT_NETWORK",
  "PIVOT_NETAVARK",
  "PIVOT_AARDVARK",
  "NETAVARK_FW",
  "PIVOT_PASTA",
  "PIVOT_NFT",
] as const;

/** What the program needs when it is called back. */
const callBackEnvironment = (): string[] =>
  passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });

/** For `prepareContainer`: the engine watches over the container. */
export const watched = (
  id: string,
  options: EngineView["options"],
  wish: StartWish,
): EngineView => ({
  id,
  options,
  monitor: (of, resolved, subject) => monitorOf(of, resolved, wish, subject),
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
    idMappings: record.idMappings ?? null,
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
