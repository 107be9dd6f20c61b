// The flags that `checkpoint` and `restore` share, runc's, and what they come to for CRIU.

import { existsSync } from "node:fs";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import type { OpOf } from "../plan/op.ts";
import { usesRuntimeMounts } from "../planner/runtime-mounts.ts";
import type { Spec } from "../spec/mod.ts";
import { CGROUP_MODES, type CriuOptions, isCgroupMode } from "./checkpoint.ts";
import { whyNoCheckpoint } from "./criu.ts";
import { readAll, readLast, readSwitch } from "./flags.ts";
import { workingDirectory } from "./globals.ts";

export const criuFlags: readonly Flag[] = [
  { name: "image-path", value: "DIR", help: "where the saved container is; default: ./checkpoint" },
  { name: "work-path", value: "DIR", help: "where CRIU's log goes; default: the same" },
  { name: "tcp-established", help: "with open TCP connections" },
  { name: "ext-unix-sk", help: "with Unix sockets whose other end is outside" },
  { name: "shell-job", help: "with a session, or a terminal, that is one of outside" },
  { name: "file-locks", help: "with locks of files" },
  {
    name: "manage-cgroups-mode",
    value: CGROUP_MODES.join("|"),
    help: "what becomes of cgroups; default: soft",
  },
  { name: "empty-ns", value: "network", help: "leave this namespace empty: others fill it" },
  { name: "auto-dedup", help: "free memory of earlier images that later ones replace" },
  { name: "lazy-pages", help: "refused: it needs a server of pages that stays" },
];

/** The working directory is where relative paths start, and no directory of the container's. */
export function pathOf(given: ParsedArguments, name: string): string | null {
  const path = readLast(given, name);
  return path === null || path === "" ? null : absolutePath(path, workingDirectory());
}

const refused: Readonly<Record<string, string>> = {
  "lazy-pages": "pages of memory that come later need a server that stays, which pivot is not",
  "page-server": "pages are saved to files only",
  "status-fd": "it only tells of lazy pages, which are not there",
};

/** @throws UsageError for what cannot be done */
export function readCriuOptions(given: ParsedArguments): CriuOptions {
  for (const [name, why] of Object.entries(refused)) {
    const value = readLast(given, name);
    if (value !== null && value !== "false") {
      throw new UsageError(`--${name}: ${why}: leave it out`);
    }
  }
  const mode = readLast(given, "manage-cgroups-mode") ?? "";
  if (mode !== "" && !isCgroupMode(mode)) {
    throw new UsageError(
      `--manage-cgroups-mode takes one of ${CGROUP_MODES.join(", ")}, received ${JSON.stringify(mode)}`,
    );
  }
  const empty = readAll(given, "empty-ns");
  const unknown = empty.find((name) => name !== "network");
  if (unknown !== undefined) {
    throw new UsageError(`--empty-ns takes network, received ${JSON.stringify(unknown)}`);
  }
  return {
    images: pathOf(given, "image-path") ?? absolutePath("checkpoint", workingDirectory()),
    work: pathOf(given, "work-path"),
    manageCgroups: mode === "" ? "soft" : mode,
    tcpEstablished: readSwitch(given, "tcp-established"),
    externalUnixSockets: readSwitch(given, "ext-unix-sk"),
    shellJob: readSwitch(given, "shell-job"),
    fileLocks: readSwitch(given, "file-locks"),
    emptyNetwork: empty.length > 0,
    lazyPages: false,
    autoDedup: readSwitch(given, "auto-dedup"),
  };
}

/** @throws WishError, before anything is touched */
export function checkCriu(): void {
  const reason = process.geteuid?.() === 0 ? whyNoCheckpoint() : "checkpoint and restore need root";
  if (reason !== null) throw new WishError([reason]);
}

/**
 * CRIU saves and makes the mounts of a namespace; in the runtime's it would do so to the host's.
 *
 * @throws WishError when the container has no mount namespace of its own
 */
export function checkOwnMounts(spec: Spec, command: "checkpoint" | "restore"): void {
  if (!usesRuntimeMounts(spec)) return;
  throw new WishError([
    `linux.namespaces: ${command} takes a container with a mount namespace, received none: CRIU saves the mounts of a namespace, and this one would be the host's`,
  ]);
}

/** Where CRIU may be, and what it needs to know to start programs of its own, such as iptables. */
export function criuProgram(): Pick<OpOf<"criu">, "paths" | "env"> {
  const path = process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin";
  const paths = path.split(":").map((directory) => `${directory || "."}/criu`);
  return { paths: paths.filter((each) => existsSync(each)), env: [`PATH=${path}`] };
}

/**
 * The file in which, beside the images, is kept what the container had as its standard streams: a
 * list of three, such as `pipe:[4711]`. runc's, so that either restores the other's.
 */
export const STREAMS_FILE = "descriptors.json";

/** Beside the images of a container that ends with its parent, for whom `restore` has to stay. */
export const ENDS_WITH_PARENT_FILE = "ends-with-parent";
