// What `probe.c` says of a container from inside, and how mountinfo is read.

export type FileFacts = {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
};

/** The outcome of an attempt: `errno` is null when it succeeded. */
export type Attempt = Partial<FileFacts> & {
  readonly errno: string | null;
  readonly text?: string;
  readonly readErrno?: string;
  readonly count?: number;
  readonly signal?: number;
};

/** What `probe.c` prints; raw texts are those of the files of /proc/self. */
export type Sight = {
  readonly fds: Readonly<Record<string, FileFacts & { target: string | null; flags: number }>>;
  readonly ns: Readonly<Record<string, string | null>>;
  readonly uids: readonly [real: number, effective: number, saved: number];
  readonly gids: readonly [real: number, effective: number, saved: number];
  readonly groups: readonly number[];
  readonly securebits: number;
  readonly noNewPrivs: number;
  /** prctl(PR_GET_SECCOMP): 0 none, 2 a filter. */
  readonly seccomp: number;
  readonly personality: number;
  readonly cwd: string | null;
  readonly umask: number;
  readonly pid: number;
  readonly ppid: number;
  readonly sid: number;
  readonly pgid: number;
  readonly controllingTerminal: 0 | 1;
  readonly terminal: Readonly<Record<"in" | "out" | "err" | "rows" | "columns", number>>;
  readonly env: readonly string[];
  /** By the kernel's number of the resource: RLIMIT_CPU first; -1 is no limit. */
  readonly rlimits: readonly (readonly [soft: number, hard: number])[];
  readonly blockedSignals: readonly number[];
  readonly ignoredSignals: readonly number[];
  readonly hostname: string;
  readonly domainname: string;
  /** Seconds. */
  readonly boottime: number;
  readonly monotonic: number;
  readonly status: string | null;
  readonly mountinfo: string | null;
  readonly cgroup: string | null;
  readonly oomScoreAdj: string | null;
  readonly uidMap: string | null;
  readonly gidMap: string | null;
  readonly exe: string | null;
  /** All below /dev, by path. */
  readonly devices: Readonly<Record<string, FileFacts & { target: string | null }>>;
  readonly attempts: Readonly<Record<string, Attempt>>;
};

/** A mount of a mountinfo, see proc_pid_mountinfo(5). */
export type MountLine = {
  readonly id: number;
  readonly parent: number;
  readonly root: string;
  readonly at: string;
  readonly flags: readonly string[];
  /** `shared:N`, `master:N`, …; empty: private. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
};

export function parseMountinfo(text: string | null): MountLine[] {
  const lines = (text ?? "").split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const words = line.split(" ");
    const dash = words.indexOf("-");
    const [id = "", parent = "", , root = "", at = "", flags = ""] = words;
    const [type = "", source = "", options = ""] = words.slice(dash + 1);
    const propagation = words.slice(6, dash);
    return {
      id: Number(id),
      parent: Number(parent),
      root,
      at,
      propagation,
      type,
      source,
      flags: flags.split(","),
      options: options.split(","),
    };
  });
}

/** One line of /proc/PID/status, such as `CapEff`. */
export const statusOf = (status: string | null, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status ?? "")?.[1];
