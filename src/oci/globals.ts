/** The flags that clients put in front of a command, and what they come to. */

import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { checkOwnDirectory, claimDirectory } from "../host/own-directory.ts";

export const globalFlags: readonly Flag[] = [
  { name: "root", value: "DIR", help: "keep the state of containers there" },
  { name: "log", value: "FILE", help: "write errors and warnings to this file too" },
  { name: "log-format", value: "text|json", help: "how they are written there" },
  { name: "debug", help: "accepted: what goes wrong is always told in full" },
  { name: "systemd-cgroup", help: "have systemd make the container's cgroups: a scope" },
  {
    name: "cgroup-manager",
    value: "cgroupfs|systemd",
    help: "who makes cgroups: pivot itself, or systemd",
  },
  { name: "rootless", value: "true|false|auto", help: "accepted: found out by itself" },
  { name: "criu", value: "PATH", help: "accepted: criu is looked for in PATH" },
  { name: "help", short: "h", help: "say what there is" },
  { name: "version", short: "v", help: "say which version this is" },
];

export type Globals = {
  /** The directory of the containers' state. */
  readonly root: string;
  /** Where errors are written beside standard error, or null. */
  readonly log: string | null;
  readonly logFormat: "text" | "json";
  /** systemd makes the cgroups of new containers. */
  readonly systemdCgroup: boolean;
};

const fallbackRoot = (uid: number): string => `/tmp/pivot-oci-${uid}`;

/** As the peers have it: `/run/NAME`, or the user's own by the XDG base directory specification. */
function defaultRoot(): string {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return "/run/pivot-oci";
  const runtime = process.env["XDG_RUNTIME_DIR"];
  return runtime === undefined || runtime === "" ? fallbackRoot(uid) : `${runtime}/pivot-oci`;
}

/**
 * What is in a root is believed, down to plans: so it is not taken from somebody else. That in /tmp can
 * have been made by anybody.
 *
 * @throws Error in one line
 */
export function claimRoot({ root }: Globals): void {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  if (uid === 0 && root === "/run/pivot-oci") return;
  if (uid === 0 || root !== fallbackRoot(uid)) {
    checkOwnDirectory(root, { uid, gid }, "give another --root");
  } else {
    claimDirectory(root, uid, "give another --root, or set XDG_RUNTIME_DIR");
  }
}

const lastOf = ({ flags }: ParsedArguments, name: string): string | null =>
  flags.get(name)?.at(-1) ?? null;

/** The directory that relative paths start from: `/` when it is gone. */
export const workingDirectory = (): string =>
  process.env["PIVOT_NO_CWD"] === undefined ? process.cwd() : "/";

export function readGlobals(given: ParsedArguments): Globals {
  const logFormat = lastOf(given, "log-format") ?? "text";
  if (logFormat !== "text" && logFormat !== "json") {
    throw new UsageError(`--log-format takes text or json, received ${JSON.stringify(logFormat)}`);
  }
  const cwd = workingDirectory();
  const root = lastOf(given, "root");
  const log = lastOf(given, "log");
  const manager = lastOf(given, "cgroup-manager") ?? "cgroupfs";
  if (manager !== "cgroupfs" && manager !== "systemd") {
    throw new UsageError(
      `--cgroup-manager takes cgroupfs or systemd, received ${JSON.stringify(manager)}`,
    );
  }
  const isNoFile = log === null || log === "" || log === "/dev/stderr";
  return {
    root: root === null || root === "" ? defaultRoot() : absolutePath(root, cwd),
    log: isNoFile ? null : absolutePath(log, cwd),
    logFormat,
    systemdCgroup: manager === "systemd" || lastOf(given, "systemd-cgroup") === "true",
  };
}
