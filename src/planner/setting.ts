/** What an engine says of a container beyond its OCI configuration. */

import type { Stream } from "../plan/constants.ts";
import type { EgressSetting } from "./egress.ts";
import type { NetworkSetting } from "./network.ts";
import type { ResolverSetting } from "./resolver.ts";

export type Setting = {
  /** The container's id: names its directories and its cgroup. */
  readonly id: string;
  /** The directory of all containers' state, such as `/run/pivot`. */
  readonly runRoot: string;
  /** The directory of the engine's data, such as `/var/lib/pivot`. */
  readonly dataRoot: string;
  /** A name that no other container may have, or null. */
  readonly name: string | null;
  readonly root: RootSource;
  /**
   * `USER[:GROUP]`, names or numbers, looked up inside the root; null: the configuration's numbers.
   */
  readonly user: string | null;
  /** Additional groups, names or numbers, looked up inside the root; only with `user`. */
  readonly groups: readonly string[];
  /** Files of the container's state directory that are shown inside, such as /etc/hosts. */
  readonly files: readonly StateFile[];
  /** Volumes among the configuration's mounts. */
  readonly volumes: readonly VolumeSetting[];
  /** Destinations of mounts whose files are given to the container's user; absent: of none. */
  readonly chown?: readonly string[];
  /** Directories of the host that are made when they are missing: sources of `-v`. */
  readonly makeDirectories: readonly string[];
  /** Standard input, output and error. */
  readonly streams: readonly [Stream, Stream, Stream];
  /** The caller's terminal is copied to the container's: not for `-t` without `-i`. */
  readonly terminalInput: boolean;
  /** A process 1 that reaps orphans and passes signals on. */
  readonly init: boolean;
  readonly rootSwitch: RootSwitch;
  /** The writable layer and the state stay when the container has ended. */
  readonly keep: boolean;
  /** The compiled filter, or null for none. */
  readonly seccomp: SeccompFilter | null;
  /** What `state.json` says. */
  readonly state: string;
  /** A file for the pid of the container's first process. */
  readonly pidFile: string | null;
  /** Signals to pivot are passed on to the container. */
  readonly passSignals: boolean;
  /** The container ends when the process that started the executor ends. */
  readonly endWithCaller: boolean;
  readonly lifetime: Lifetime;
  /** What the executor does for a container that is kept, beside waiting for its end; or null. */
  readonly monitor: Monitor | null;
  /** The socket of who keeps the terminal in place of the executor, or null. */
  readonly consoleSocket: string | null;
  /** How many descriptors from 3 on the program gets of the caller's. */
  readonly preserveFds: number;
  /** Files with the processes of containers of which namespaces or mounts are taken; absent: none are. */
  readonly joined?: readonly string[];
  /** The bundle that the container was made from, or null. */
  readonly bundle: Bundle | null;
  /**
   * An ordinary user's: everything happens in a user namespace in which the caller, and nobody
   * else, is there as who they are.
   */
  readonly asCaller?: Caller;
  /**
   * Of a container of root's in a user namespace: whose its files are. Absent: it has none, or they
   * are shown as they are.
   */
  readonly users?: UsersSetting | null;
  /** Networks that it is connected to; absent: none. */
  readonly network?: NetworkSetting | null;
  /** What it may reach outside; absent: everything. */
  readonly egress?: EgressSetting | null;
  /** The file `resolv.conf` follows the machine's; absent: it stays as it is. */
  readonly resolver?: ResolverSetting | null;
  /** What later commands will do, encoded, by the name of the file. */
  readonly keptPlans: readonly { readonly name: string; readonly bytes: Uint8Array }[];
};

/**
 * `supervised`: the executor stays until the container has ended. `created`: it leaves when the
 * container waits for its start, which another executor will say. `detached`: it leaves when the
 * program runs.
 */
export type Lifetime = "supervised" | "created" | "detached";

/** How somebody takes part in what a container reads and writes. */
export type Attachment = {
  /** Standard input is the container's, when that reads any. */
  readonly input: boolean;
  /** The bytes that detach, typed in a terminal; none: nothing does. */
  readonly keys: Uint8Array;
  /** Signals are passed to the container's first process; else they end the attachment. */
  readonly signals: boolean;
};

/**
 * The executor as the monitor of a container: it keeps what the container wrote, lets people attach
 * to it at the socket `attach` of the state directory, and notes how it ended. Its own process id
 * is in the file `monitor` there. Only for `supervised`; the state directory goes at the end, also
 * when `keep` leaves the writable layer.
 */
export type Monitor = {
  /**
   * Leave the caller's terminal: the caller's process prints this text when the program runs, and
   * ends. Null: it stays in the foreground, and what the container writes is shown as well.
   */
  readonly announce: string | null;
  /**
   * The caller's process stays and takes part in what the container reads and writes, as one that is
   * attached, until the detach keys leave the container to its monitor; or null.
   */
  readonly attach: Attachment | null;
  /** Where the output goes, line by line, with its time (src/engine/log-file.ts); null: nowhere. */
  readonly log: { readonly path: string; readonly maxBytes: number; readonly files: number } | null;
  /**
   * A file for the exit code, which is replaced: `137`, or `137 oom` when the kernel has killed a
   * process of it for want of memory. Its time of change is when the container ended. It is removed
   * at the start.
   */
  readonly exit: string;
  /** Lines for a file when the program runs, and with the exit code behind it when it ended. */
  readonly events: { readonly path: string; readonly start: string; readonly end: string } | null;
  /** Arguments with which the program is started when all is undone; empty: it is not. */
  readonly afterwards: readonly string[];
  /** The program is started with these arguments every so often, or null. */
  readonly health: {
    readonly argv: readonly string[];
    /** Milliseconds between two checks. */
    readonly interval: number;
    /** Milliseconds between two checks in the first `startPeriod` milliseconds. */
    readonly startInterval: number;
    readonly startPeriod: number;
  } | null;
  /** The launcher by which `afterwards` and `health` start the program; used for them alone. */
  readonly program: string;
  /** Its environment: the executor has none. */
  readonly environment: readonly string[];
  /** Milliseconds to wait before the start: of a container that is started again. */
  readonly delay: number;
};

export type UsersSetting = {
  /**
   * `same`: each id inside is itself outside. `mapped`: mounts show files with other owners than they
   * have on the disk (Linux 5.19 for layers). `copied`: layers are copied, and the copies have others.
   */
  readonly owners: "same" | "mapped" | "copied";
  /** A mark that the ids are this container's, until its state says so; or null. */
  readonly lease: string | null;
};

/** Ids of the caller. */
export type Caller = { readonly uid: number; readonly gid: number };

export type Bundle = {
  /** Its directory. */
  readonly directory: string;
  /** The text of its config.json, for commands that come later; null: there are none. */
  readonly config: string | null;
};

export type RootSource =
  | {
      readonly kind: "overlay";
      /** Unpacked directories, the lowest first. */
      readonly layers: readonly string[];
      /** Where what is written goes, and stays; absent: to the container's other data. */
      readonly view?: View;
      /** Where the data are overlayfs does not write: the root is a copy of the layers. */
      readonly copied?: "is to be" | "is there";
    }
  | {
      readonly kind: "directory";
      readonly path: string;
      /** With it the root is read-only with all that is mounted in it: of the view are mounts over it. */
      readonly view?: View;
    };

/** What a program writes over directories of the host, kept for later. */
export type View = {
  /** A directory, locked as long as the container lives: two must not write to one view. */
  readonly lock: string;
  /** Holds `upper` and `work` of a root that is an overlay. */
  readonly directory: string;
  /** All directories in which overlayfs prepares changes: emptied before each start. */
  readonly work: readonly string[];
};

/**
 * How the container's root becomes `/`: by pivot_root, after which the host's root is gone; or in
 * one of the two ways that leave it within reach, for comparison.
 */
export type RootSwitch = "pivot" | "chroot" | "move";

export type StateFile = {
  /** Its name in the state directory. */
  readonly name: string;
  /** Where it is shown inside. */
  readonly destination: string;
  readonly text: string;
  readonly why: string;
};

export type VolumeSetting = {
  /** Of the engine's data: `/var/lib/pivot/volumes/NAME`. */
  readonly directory: string;
  /** What its `volume.json` says if it has to be made. */
  readonly record: string;
  /** As in the configuration's mount. */
  readonly destination: string;
  /** A directory of it that is shown in place of its root. */
  readonly subpath: string | null;
  /** It is filled from the container's root when it is empty. */
  readonly copy: boolean;
  /** Its files are shown with other owners than they have on the disk. */
  readonly idmapped: boolean;
  /** `own`: the mount makes a file system of its own, and there is nothing to fill. */
  readonly kind: "data" | "bind" | "own";
  /** The directory of the host that it shows, or null: its own. */
  readonly device: string | null;
  /** It goes with the container, unless another uses it. */
  readonly temporary: boolean;
};

export type SeccompAgent = {
  /** A listening unix socket of the host. */
  readonly path: string;
  readonly metadata: string | null;
};

export type SeccompFilter = {
  /** An array of struct sock_filter. */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG bits. */
  readonly flags: number;
  /** Who answers what the filter asks; for a filter with SCMP_ACT_NOTIFY. */
  readonly agent?: SeccompAgent;
};
