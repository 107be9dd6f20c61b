// The arguments with which CRIU is called to save a container to files and to bring it back: criu(8).
//
// They mean what runc asks CRIU for over its socket, save for one thing that the command line does not
// have: a container with a terminal needs `shellJob`.

import { readMountOptions } from "../planner/mount-options.ts";
import type { Mount } from "../spec/mod.ts";

/** What `--manage-cgroups` may say. */
export const CGROUP_MODES = ["none", "props", "soft", "full", "strict", "ignore"] as const;

export type CgroupMode = (typeof CGROUP_MODES)[number];

export const isCgroupMode = (mode: string): mode is CgroupMode =>
  CGROUP_MODES.some((known) => known === mode);

/** What both ways have. */
export type CriuOptions = {
  /** The directory of the image files. */
  readonly images: string;
  /** The directory of logs and statistics; null: that of the images. */
  readonly work: string | null;
  readonly manageCgroups: CgroupMode;
  /** Connections of TCP that are open are saved and brought back. */
  readonly tcpEstablished: boolean;
  /** So may be Unix sockets whose other end is outside. */
  readonly externalUnixSockets: boolean;
  /** The session, or the terminal, is one of outside. */
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  /** The network namespace is made anew and left empty: who restores fills it. */
  readonly emptyNetwork: boolean;
  readonly lazyPages: boolean;
  readonly autoDedup: boolean;
};

export type DumpOptions = CriuOptions & {
  /** Only memory, while the container runs on: a later dump has less to do. */
  readonly preDump: boolean;
  /** The images of an earlier dump, relative to `images`. */
  readonly parent: string | null;
  readonly leaveRunning: boolean;
  /** Where pages are sent to instead of files. */
  readonly pageServer: { readonly address: string; readonly port: number } | null;
  /** A descriptor that tells when lazy pages can be asked for. */
  readonly statusFd: number | null;
};

export type RestoreOptions = CriuOptions & {
  /** Such as `apparmor:NAME`. */
  readonly lsmProfile: string | null;
  readonly lsmMountContext: string | null;
};

/** A mount whose source lies outside of the container. */
export type ExternalMount = {
  /** Where it is in the container. */
  readonly destination: string;
  /** What is mounted there: a path of the host. */
  readonly source: string;
};

/** A namespace that the container only joined. */
export type ExternalNamespace = {
  readonly type: "net" | "pid";
  /** Its inode, by which a dump knows it. */
  readonly inode: bigint;
  /** The descriptor by which a restore finds it; the caller hands it down. */
  readonly fd: number;
};

/** The container as CRIU has to know it. */
export type CriuContainer = {
  /** The root, as a path of the host; for a restore it must be a mount point. */
  readonly root: string;
  readonly mounts: readonly ExternalMount[];
  /** Files covered by the host's /dev/null. */
  readonly masked: readonly string[];
  readonly namespaces: readonly ExternalNamespace[];
};

export type DumpTarget = CriuContainer & {
  /** Of the container's first process. */
  readonly pid: number;
  /** The cgroup by which it is frozen; null: by ptrace(2). */
  readonly freezer: string | null;
};

export type RestoreTarget = CriuContainer & {
  /** Where the new pid is written. */
  readonly pidFile: string;
  /** The cgroups to be in, by the names of their controllers; empty: those of the dump. */
  readonly cgroups: readonly { readonly controllers: string; readonly path: string }[];
  /** Pipes that the container had as its streams, as `pipe:[INODE]`, each with its new descriptor. */
  readonly pipes: readonly { readonly name: string; readonly fd: number }[];
};

/** The flags that are there when the condition holds. */
const when = (condition: boolean, ...flags: readonly string[]): readonly string[] =>
  condition ? flags : [];

const withValue = (flag: string, value: string | number | null): readonly string[] =>
  value === null ? [] : [flag, String(value)];

/** The log's names as runc has them; engines read them to say what went wrong. */
export const DUMP_LOG = "dump.log";
export const RESTORE_LOG = "restore.log";

const commonFlags = (options: CriuOptions, log: string): readonly string[] => [
  "--images-dir",
  options.images,
  ...withValue("--work-dir", options.work),
  "--log-file",
  log,
  "-v4",
  `--manage-cgroups=${options.manageCgroups}`,
  ...when(options.tcpEstablished, "--tcp-established"),
  ...when(options.externalUnixSockets, "--ext-unix-sk"),
  ...when(options.shellJob, "--shell-job"),
  ...when(options.fileLocks, "--file-locks"),
  ...when(options.emptyNetwork, "--empty-ns", "net"),
  ...when(options.lazyPages, "--lazy-pages"),
  ...when(options.autoDedup, "--auto-dedup"),
];

const external = (what: string): readonly string[] => ["--external", what];

/** The word under which an image speaks of a namespace; runc's, so that either restores the other's. */
const keyOf = ({ type }: ExternalNamespace): string =>
  type === "net" ? "extRootNetNS" : "extRootPidNS";

/** The word for the mount that covers a masked file. */
const NULL = "/dev/null";

/** `criu dump` or `criu pre-dump`, without the program itself. */
export function dumpArguments(options: DumpOptions, target: DumpTarget): string[] {
  const { preDump, pageServer } = options;
  const mounts = [
    ...target.mounts.flatMap(({ destination }) => external(`mnt[${destination}]:${destination}`)),
    ...target.masked.flatMap((path) => external(`mnt[${path}]:${NULL}`)),
  ];
  return [
    preDump ? "pre-dump" : "dump",
    "--tree",
    String(target.pid),
    ...commonFlags(options, DUMP_LOG),
    "--root",
    target.root,
    ...withValue("--freeze-cgroup", target.freezer),
    ...when(options.leaveRunning && !preDump, "--leave-running"),
    // Without the tracking of memory a later dump could not tell what has changed.
    ...when(preDump || options.parent !== null, "--track-mem"),
    ...withValue("--prev-images-dir", options.parent),
    ...(pageServer === null
      ? []
      : ["--page-server", "--address", pageServer.address, "--port", String(pageServer.port)]),
    ...withValue("--status-fd", options.statusFd),
    ...target.namespaces.flatMap((each) => external(`${each.type}[${each.inode}]:${keyOf(each)}`)),
    // Memory alone has no mounts.
    ...(preDump ? [] : mounts),
  ];
}

const inherit = (fd: number, what: string): readonly string[] => [
  "--inherit-fd",
  `fd[${fd}]:${what}`,
];

/**
 * `criu restore`, without the program itself. The container becomes a child of who called CRIU, which
 * ends when it is done.
 */
export function restoreArguments(options: RestoreOptions, target: RestoreTarget): string[] {
  return [
    "restore",
    "--restore-detached",
    "--restore-sibling",
    "--pidfile",
    target.pidFile,
    ...commonFlags(options, RESTORE_LOG),
    "--root",
    target.root,
    "--evasive-devices",
    ...withValue("--lsm-profile", options.lsmProfile),
    ...withValue("--lsm-mount-context", options.lsmMountContext),
    ...target.cgroups.flatMap(({ controllers, path }) => [
      "--cgroup-root",
      controllers === "" ? path : `${controllers}:${path}`,
    ]),
    ...target.namespaces.flatMap((each) => inherit(each.fd, keyOf(each))),
    ...target.pipes.flatMap(({ name, fd }) => inherit(fd, name)),
    ...target.mounts.flatMap(({ destination, source }) =>
      external(`mnt[${destination}]:${source}`),
    ),
    ...when(target.masked.length > 0, ...external(`mnt[${NULL}]:${NULL}`)),
  ];
}

/** The binds of a configuration, whose relative sources count from the bundle. */
export function externalMounts(mounts: readonly Mount[], bundle: string): ExternalMount[] {
  return mounts.flatMap(({ destination, type, source, options = [] }) => {
    const isBind = type === "bind" || readMountOptions(options).isBind;
    if (!isBind || source === undefined) return [];
    const at = destination.startsWith("/") ? destination : `/${destination}`;
    return [{ destination: at, source: source.startsWith("/") ? source : `${bundle}/${source}` }];
  });
}

/** The first error in what CRIU wrote, without the place in its source; null when it tells of none. */
export function findCriuError(text: string): string | null {
  return /\bError \([^)]*\): (.*)/.exec(text)?.[1]?.trim() ?? null;
}
