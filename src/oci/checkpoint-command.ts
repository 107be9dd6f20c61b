// `checkpoint`: a container's processes are saved to files, and it ends unless it is to run on.

import { readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { WishError } from "../container/wish-error.ts";
import { isLocked } from "../host/first-process.ts";
import type { Step } from "../plan/op.ts";
import { byParent, create, lock, mkdir, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { carryOutSteps } from "./carry-out.ts";
import {
  type CriuContainer,
  DUMP_LOG,
  type DumpOptions,
  dumpArguments,
  type ExternalNamespace,
  externalMounts,
} from "./checkpoint.ts";
import { containerSpecOf } from "./config-copy.ts";
import {
  checkCriu,
  checkOwnMounts,
  criuFlags,
  criuProgram,
  ENDS_WITH_PARENT_FILE,
  readCriuOptions,
  STREAMS_FILE,
} from "./criu-flags.ts";
import { planRemoval } from "./delete.ts";
import { onlyId, readLast, readSwitch } from "./flags.ts";
import { freezerOf } from "./freeze.ts";
import type { Globals } from "./globals.ts";
import { groupsToRemove } from "./groups.ts";
import { type Container, type ContainerRecord, findContainer, type Groups } from "./record.ts";

export const checkpointFlags: readonly Flag[] = [
  ...criuFlags,
  { name: "parent-path", value: "DIR", help: "an earlier pre-dump, relative to --image-path" },
  { name: "leave-running", help: "the container runs on" },
  { name: "pre-dump", help: "save memory alone, for a checkpoint that comes later" },
  { name: "status-fd", value: "FD", help: "refused: it tells of lazy pages" },
  { name: "page-server", value: "ADDRESS:PORT", help: "refused: pages are saved to files only" },
];

/** @throws WishError when there is no such directory */
function parentOf(given: ParsedArguments, images: string): string | null {
  const parent = readLast(given, "parent-path");
  if (parent === null || parent === "") return null;
  if (parent.startsWith("/")) {
    throw new UsageError(`--parent-path takes a path relative to --image-path, received ${parent}`);
  }
  // Without the `..`: the directory of the images need not be there yet.
  const path = join(images, parent);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new WishError([`--parent-path ${parent}: there is no directory ${path}`]);
  }
  return parent;
}

/** What the container had as its streams: names of pipes, or of files. */
const streamsOf = (pid: number): string =>
  JSON.stringify([0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)));

const namespaceFiles = { network: ["net", 13], pid: ["pid", 14] } as const;

/** The namespaces that the container only joined, and which CRIU is to leave as they are. */
export function externalNamespaces(
  { linux }: Spec,
  inodeOf: (file: string) => bigint,
): ExternalNamespace[] {
  return (["network", "pid"] as const).flatMap((type) => {
    const joined = linux?.namespaces?.find((each) => each.type === type)?.path;
    const [file, fd] = namespaceFiles[type];
    return joined === undefined ? [] : [{ type: file, inode: inodeOf(file), fd }];
  });
}

/** What CRIU has to know of a container, from what it was made from. */
export const criuContainer = (
  spec: Spec,
  bundle: string,
  root: string,
  namespaces: readonly ExternalNamespace[],
): CriuContainer => ({
  root,
  mounts: externalMounts(spec.mounts ?? [], bundle),
  masked: spec.linux?.maskedPaths ?? [],
  namespaces,
});

/**
 * The masked paths that the null device covers, by proc_pid_mountinfo(5): files. What covers a
 * directory is the container's own, and a path that is not there has nothing on it.
 */
export function maskedFiles(masked: readonly string[], mountinfo: string): string[] {
  const covered = new Set(
    mountinfo.split("\n").flatMap((line) => {
      const [, , , root = "", mountPoint = ""] = line.split(" ");
      return root.endsWith("/null") ? [mountPoint] : [];
    }),
  );
  return masked.filter((path) => covered.has(path.replaceAll(" ", "\\040")));
}

/** What `restore` has to know of a container, and no image says. */
function planNotes(images: string, pid: number, { endsWithParent }: ContainerRecord): Step[] {
  const mark = onHost(`${images}/${ENDS_WITH_PARENT_FILE}`);
  return [
    byParent(
      {
        op: "write",
        at: onHost(`${images}/${STREAMS_FILE}`),
        text: streamsOf(pid),
        how: "replace",
        mode: 0o600,
      },
      "what new pipes are put in place of",
    ),
    endsWithParent === true
      ? byParent({ ...create(mark, "", 0o600), how: "missing" }, "it was run in the foreground")
      : byParent({ op: "remove", at: mark }, "an earlier container's"),
  ];
}

/**
 * The steps that save a container.
 *
 * @throws WishError when it does not run
 */
export function planCheckpoint(
  container: Container,
  groups: Groups,
  spec: Spec,
  options: DumpOptions,
): Step[] {
  const { id, directory, process, record, status } = container;
  if (process === null || record === null || status !== "running") {
    throw new WishError([
      `cannot checkpoint a container that is not running: ${id} is ${status}${status === "paused" ? ": resume it first" : ""}`,
    ]);
  }
  const namespaces = externalNamespaces(
    spec,
    (file) => statSync(`/proc/${process.pid}/ns/${file}`, { bigint: true }).ino,
  );
  const known = criuContainer(spec, record.bundle, record.rootfs, namespaces);
  const target = {
    ...known,
    masked: maskedFiles(known.masked, readFileSync(`/proc/${process.pid}/mountinfo`, "utf8")),
    pid: process.pid,
    freezer: freezerOf(container) ?? null,
  };
  const { images, work, preDump, leaveRunning } = options;
  const log = onHost(`${work ?? images}/${DUMP_LOG}`);
  // Who runs it in the foreground holds the lock, and takes everything away when it has ended.
  const isSupervised = isLocked(directory);
  return [
    ...(isSupervised
      ? []
      : [byParent(lock(onHost(directory)), "no other command changes it meanwhile")]),
    byParent(mkdir(onHost(images), 0o700, true), "--image-path"),
    ...(work === null ? [] : [byParent(mkdir(onHost(work), 0o700, true), "--work-path")]),
    ...(preDump ? [] : planNotes(images, process.pid, record)),
    byParent({ op: "remove", at: log }, "what an earlier CRIU said"),
    byParent(
      {
        op: "criu",
        ...criuProgram(),
        argv: ["criu", ...dumpArguments(options, target)],
        log,
        cgroups: [],
        root: null,
        network: null,
        pids: null,
        pid: null,
        told: null,
      },
      "checkpoint",
    ),
    ...(preDump || leaveRunning || isSupervised
      ? []
      : planRemoval({ id, directory, bundle: record.bundle }, groups, spec)),
  ];
}

export async function checkpointCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const id = onlyId(given, "pivot-oci checkpoint [OPTIONS] ID");
  const common = readCriuOptions(given);
  const options: DumpOptions = {
    ...common,
    preDump: readSwitch(given, "pre-dump"),
    parent: parentOf(given, common.images),
    leaveRunning: readSwitch(given, "leave-running"),
    pageServer: null,
    statusFd: null,
  };
  const container = findContainer(globals.root, id);
  const spec = containerSpecOf(container);
  checkOwnMounts(spec, "checkpoint");
  checkCriu();
  const groups = await groupsToRemove(container);
  return carryOutSteps(planCheckpoint(container, groups, spec, options), globals);
}
