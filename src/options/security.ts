// What guards a container beside its namespaces: --security-opt.

import type { Profile } from "../seccomp/profile.ts";
import { isAbsolute } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "--security-opt";

export interface SecurityOptions {
  /** The system calls that are allowed: docker's default list, all, or a list of one's own. */
  readonly seccomp?: "default" | "unconfined" | Profile | undefined;
  /** No program gains privileges by being executed (PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges?: boolean | undefined;
  /** The name of an AppArmor profile that is loaded, or `unconfined`. */
  readonly apparmor?: string | undefined;
  /** What SELinux is told: `disable`, `type:NAME`, `level:NAME` and so on. */
  readonly labels?: readonly string[] | undefined;
  /** `unconfined`: nothing of /proc and /sys is hidden or made read-only. */
  readonly systemPaths?: "unconfined" | undefined;
  /** Absolute paths in the container to hide beside those that are hidden anyway. */
  readonly mask?: readonly string[] | undefined;
  /** Paths, `*` for any part, to neither hide nor make read-only; or all of them. */
  readonly unmask?: "ALL" | readonly string[] | undefined;
}

/** Options of the container's /proc (proc(5), Mount options). */
export interface ProcOptions {
  /** What users see of processes that are not theirs. */
  readonly hidepid?: Hidepid | undefined;
  /** The members of this group see all processes. */
  readonly gid?: number | undefined;
  /** Only what belongs to processes. */
  readonly subset?: "pid" | undefined;
}

const HIDEPID = { off: 0, noaccess: 1, invisible: 2, ptraceable: 4 } as const;

/**
 * `off`: everything; `noaccess`: that they are there; `invisible`: nothing; `ptraceable`: nothing
 * but of those that they may trace.
 */
export type Hidepid = keyof typeof HIDEPID;

/** What one `--security-opt` says. The file of a seccomp profile is left to the caller to read. */
export type SecuritySetting =
  | { readonly kind: "seccomp"; readonly profile: "default" | "unconfined" | Profile }
  | { readonly kind: "seccomp-file"; readonly path: string }
  | { readonly kind: "no-new-privileges"; readonly on: boolean }
  | { readonly kind: "apparmor"; readonly profile: string }
  | { readonly kind: "label"; readonly label: string }
  | { readonly kind: "systempaths" }
  | { readonly kind: "mask"; readonly paths: readonly string[] }
  | { readonly kind: "unmask"; readonly paths: "ALL" | readonly string[] }
  | { readonly kind: "proc-opts"; readonly options: ProcOptions };

/**
 * Parses `--security-opt`: `seccomp=unconfined|default|FILE`, `no-new-privileges[=BOOL]`,
 * `apparmor=PROFILE`, `label=LABEL`, `systempaths=unconfined`, and as podman has them `mask=PATHS`,
 * `unmask=ALL|PATHS` and `proc-opts=OPTIONS`, where PATHS have colons between them.
 */
export function parseSecurityOpt(given: string): Result<SecuritySetting> {
  // `label:disable` is how it was written once.
  const end = given.search(given.includes("=") ? "=" : ":");
  const key = end < 0 ? given : given.slice(0, end);
  const value = end < 0 ? "" : given.slice(end + 1);
  if (key === "no-new-privileges") return parseNoNewPrivileges(given, end < 0 ? "true" : value);
  if (value === "")
    return refuse(OPTION, given, "it looks like NAME=value, or is no-new-privileges");
  switch (key) {
    case "seccomp":
      return accept(seccompSetting(value));
    case "apparmor":
      return accept({ kind: "apparmor", profile: value });
    case "label":
      return accept({ kind: "label", label: value });
    case "systempaths":
      return value === "unconfined"
        ? accept({ kind: "systempaths" })
        : refuse(OPTION, given, "systempaths is unconfined, or not given");
    case "mask":
      return parsePaths(given, value, (paths) => ({ kind: "mask", paths }));
    case "unmask":
      return value.toUpperCase() === "ALL"
        ? accept({ kind: "unmask", paths: "ALL" })
        : parsePaths(given, value, (paths) => ({ kind: "unmask", paths }));
    case "proc-opts":
      return parseProcOptions(given, value);
    default:
      return refuse(
        OPTION,
        given,
        "it is one of seccomp, no-new-privileges, apparmor, label, systempaths, mask, unmask, proc-opts",
      );
  }
}

function parseNoNewPrivileges(given: string, value: string): Result<SecuritySetting> {
  const on = /^(?:1|t|true)$/i.test(value);
  if (!on && !/^(?:0|f|false)$/i.test(value)) {
    return refuse(OPTION, given, "no-new-privileges is true or false");
  }
  return accept({ kind: "no-new-privileges", on });
}

function seccompSetting(value: string): SecuritySetting {
  if (value === "unconfined") return { kind: "seccomp", profile: value };
  // docker calls its own profile "builtin".
  if (value === "default" || value === "builtin") return { kind: "seccomp", profile: "default" };
  return { kind: "seccomp-file", path: value };
}

function parsePaths(
  given: string,
  value: string,
  setting: (paths: readonly string[]) => SecuritySetting,
): Result<SecuritySetting> {
  const paths = value.split(":");
  return paths.every(isAbsolute)
    ? accept(setting(paths))
    : refuse(OPTION, given, "it takes absolute paths with colons between them");
}

function parseProcOptions(given: string, value: string): Result<SecuritySetting> {
  let options: ProcOptions = {};
  for (const word of value.split(",")) {
    const [name = "", setting = ""] = word.split(/=(.*)/s);
    const hidepid = name === "hidepid" ? readHidepid(setting) : undefined;
    if (hidepid !== undefined) options = { ...options, hidepid };
    else if (word === "subset=pid") options = { ...options, subset: "pid" };
    else if (name === "gid" && /^\d{1,9}$/.test(setting))
      options = { ...options, gid: Number(setting) };
    else {
      const words =
        "hidepid=invisible (off, noaccess, invisible, ptraceable), subset=pid and gid=NUMBER";
      return refuse(OPTION, given, `proc-opts are ${words}`);
    }
  }
  return accept({ kind: "proc-opts", options });
}

function readHidepid(text: string): Hidepid | undefined {
  for (const [word, number] of Object.entries(HIDEPID)) {
    if ((text === word || text === String(number)) && isHidepid(word)) return word;
  }
  return undefined;
}

function isHidepid(word: string): word is Hidepid {
  return Object.hasOwn(HIDEPID, word);
}

/** The options of the mount; by number, which kernels before 5.8 know too. */
export function procMountOptions({ hidepid, gid, subset }: ProcOptions): readonly string[] {
  return [
    ...(hidepid === undefined ? [] : [`hidepid=${HIDEPID[hidepid]}`]),
    ...(gid === undefined ? [] : [`gid=${gid}`]),
    ...(subset === undefined ? [] : [`subset=${subset}`]),
  ];
}

/** The options that security settings are a part of. */
export interface GuardedOptions {
  readonly securityOpt?: SecurityOptions | undefined;
  readonly procOptions?: ProcOptions | undefined;
}

/** The options with one more setting: lists grow, of everything else the last one holds. */
export function applySecuritySetting<Options extends GuardedOptions>(
  options: Options,
  setting: Exclude<SecuritySetting, { kind: "seccomp-file" }>,
): Options {
  const before = options.securityOpt ?? {};
  const guarded = (change: SecurityOptions) => ({
    ...options,
    securityOpt: { ...before, ...change },
  });
  switch (setting.kind) {
    case "seccomp":
      return guarded({ seccomp: setting.profile });
    case "no-new-privileges":
      return guarded({ noNewPrivileges: setting.on });
    case "apparmor":
      return guarded({ apparmor: setting.profile });
    case "label":
      return guarded({ labels: [...(before.labels ?? []), setting.label] });
    case "systempaths":
      return guarded({ systemPaths: "unconfined" });
    case "mask":
      return guarded({ mask: [...(before.mask ?? []), ...setting.paths] });
    case "unmask": {
      const { unmask = [] } = before;
      const all = unmask === "ALL" || setting.paths === "ALL";
      return guarded({ unmask: all ? "ALL" : [...unmask, ...setting.paths] });
    }
    case "proc-opts":
      return { ...options, procOptions: { ...options.procOptions, ...setting.options } };
  }
}
