/** The process of a configuration: what it may do, who it is, and its leap into the program. */

import type { Place, Step } from "../plan/op.ts";
import type { Capability, Process } from "../spec/mod.ts";
import type { Facts } from "./facts.ts";
import { planLabels } from "./labels.ts";
import type { Setting } from "./setting.ts";
import { byInit, inRoot, mkdir, onHost } from "./step.ts";

/** The paths as init sees them before it goes to the working directory. */
export function planLookForProgram({ args, env = [], cwd }: Process): Step {
  const paths = executablePaths(args[0] ?? "", env).map((path) =>
    path.startsWith("/") || path === "" ? path : `${cwd}/${path}`,
  );
  return byInit({ op: "find_program", paths }, "process.args");
}

/** What execvp(3) would try, found out before: the environment is known. */
export function executablePaths(command: string, env: readonly string[]): string[] {
  // The empty name is no file of any directory: as a path it gives the ENOENT that it deserves.
  if (command === "" || command.includes("/")) return [command];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice(5) ?? "/bin:/usr/bin";
  return path.split(":").map((directory) => `${directory === "" ? "." : directory}/${command}`);
}

/**
 * Of several values of a variable the last, in the place of the first: as with runc, and as PATH is read
 * above. The program's getenv(3) would take the first of them.
 */
export function lastValues(env: readonly string[]): string[] {
  const values = new Map(env.map((entry) => [/^[^=]*/.exec(entry)?.[0], entry] as const));
  return [...values.values()];
}

/** The sets as far as the caller can grant them; both peers leave out the rest with a warning. */
function grantable(
  wanted: readonly Capability[] | undefined,
  facts: Facts,
  warnings: Set<string>,
): Capability[] {
  const held = new Set<string>(facts.capabilities);
  return (wanted ?? []).filter((name) => {
    if (!held.has(name)) warnings.add(`${name} is left out: the caller does not have it to give`);
    return held.has(name);
  });
}

/** An ambient capability has to be permitted and inheritable too, capabilities(7). */
function ambient(sets: NonNullable<Process["capabilities"]>, warnings: Set<string>): Capability[] {
  const wanted = sets.ambient ?? [];
  const can = (name: Capability): boolean =>
    sets.permitted?.includes(name) === true && sets.inheritable?.includes(name) === true;
  const cannot = wanted.filter((name) => !can(name));
  // Generators leave inheritable empty since CVE-2022-29162, and ambient as it was: no news.
  if (cannot.length > 0 && (sets.inheritable ?? []).length > 0) {
    warnings.add(
      `process.capabilities.ambient: ${cannot.join(", ")} is left out: it would have to be in permitted and inheritable too`,
    );
  }
  return wanted.filter(can);
}

const planLimits = (process: Process): Step[] =>
  (process.rlimits ?? []).map(({ type, soft, hard }, i) =>
    byInit({ op: "setrlimit", resource: type, soft, hard }, `process.rlimits[${i}]`),
  );

function planUser(
  { user }: Process,
  setting: ProcessSetting,
  { userNamespace }: Facts,
  warnings: Set<string>,
): Step {
  const { uid, gid, additionalGids: wanted = [] } = user;
  const isDenied = userNamespace?.setgroups === false;
  if (isDenied && setting.user === null && wanted.length > 0) {
    warnings.add(
      "process.user.additionalGids: left out: a user namespace of a single id has no other groups",
    );
  }
  const additionalGids = isDenied ? [] : wanted;
  return byInit(
    setting.user === null
      ? {
          op: "set_user",
          user: String(uid),
          group: String(gid),
          groups: additionalGids.map(String),
          primary: false, // the configuration says exactly which
          lookup: true,
        }
      : {
          op: "set_user",
          user: setting.user.split(":")[0] ?? "",
          group: setting.user.split(":")[1] ?? "",
          groups: setting.groups,
          primary: true,
          lookup: true,
        },
    "process.user",
  );
}

/**
 * The working directory, before the rights go: one that root alone may enter is the user's all the same,
 * as with runc and docker. One that the user alone may enter, as on NFS, is entered later. With either of
 * these two capabilities there is no difference, capabilities(7).
 */
function planEarlyDirectory(
  { cwd }: Process,
  effective: readonly Capability[],
  { asCaller }: ProcessSetting,
): Step[] {
  const entersAll = (["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"] as const).some((name) =>
    effective.includes(name),
  );
  if (entersAll || asCaller !== undefined) return [];
  return [byInit({ op: "chdir", at: onHost(cwd), again: true }, "process.cwd")];
}

/**
 * The order is forced: the filter needs CAP_SYS_ADMIN unless no_new_privs is set, so it comes
 * before `capset` in the one case and last in the other; the working directory is entered after no
 * descriptor of the host is left to enter it through, and with the rights of the user where the
 * executor's do not do. What runs inside before the program comes last: under the filter too, as with
 * both peers.
 */
function planIdentity(
  process: Process,
  setting: ProcessSetting,
  facts: Facts,
  warnings: Set<string>,
  beforeProgram: readonly Step[],
) {
  const sets = process.capabilities ?? {};
  const seccomp: Step[] =
    setting.seccomp === null
      ? []
      : [
          byInit(
            { op: "seccomp", program: setting.seccomp.program, flags: setting.seccomp.flags },
            "linux.seccomp",
          ),
        ];
  const noNewPrivs = process.noNewPrivileges === true;
  const effective = grantable(sets.effective, facts, warnings);
  return [
    byInit(
      { op: "capbset", keep: grantable(sets.bounding, facts, warnings) },
      "process.capabilities.bounding",
    ),
    ...planEarlyDirectory(process, effective, setting),
    ...(setting.asCaller === undefined ? [planUser(process, setting, facts, warnings)] : []),
    ...(noNewPrivs ? [] : seccomp),
    byInit(
      {
        op: "capset",
        effective,
        permitted: grantable(sets.permitted, facts, warnings),
        inheritable: grantable(sets.inheritable, facts, warnings),
        ambient: grantable(ambient(sets, warnings), facts, warnings),
      },
      "process.capabilities",
    ),
    byInit({ op: "chdir", at: onHost(process.cwd), again: false }, "process.cwd"),
    ...(setting.init ? [byInit({ op: "init" }, "--init")] : []),
    ...(noNewPrivs ? [byInit({ op: "no_new_privs" }, "process.noNewPrivileges"), ...seccomp] : []),
    ...beforeProgram,
  ];
}

/** A working directory that the image lacks is made, as docker does; before the root is `/`. */
export const planWorkingDirectory = ({ cwd }: Process): Step[] =>
  /^\/+$/.test(cwd) ? [] : [byInit(mkdir(inRoot(cwd), 0o755, true), "process.cwd")];

/** Session and streams; while the container's /dev/null can still be reached by its descriptor. */
export function planStreams(
  process: Process,
  setting: Pick<Setting, "streams">,
  nullAt: Place | null,
): Step[] {
  const [stdin, stdout, stderr] = setting.streams;
  const terminal = process.terminal === true;
  return [
    byInit({ op: "stdio", stdin, stdout, stderr, null: nullAt }, "standard streams"),
    byInit(
      { op: "setsid", terminal },
      terminal ? "process.terminal" : "default: no terminal of the host can be written to",
    ),
  ];
}

/** The caller's own is left to a bundle that says none (config.md, User); docker's is 0022. */
function planUmask({ user }: Process, { bundle }: Pick<Setting, "bundle">): Step[] {
  const mask = user.umask ?? (bundle === null ? 0o022 : null);
  return mask === null ? [] : [byInit({ op: "umask", mask }, "process.user.umask")];
}

/**
 * What no later step needs: before init waits for its start, since who waits for the end of one of
 * the caller's pipes must not wait for that, and before anything is looked up that a hostile image
 * names. The labels are the last that is written to by a descriptor.
 */
const planClosing = (
  process: Process,
  { preserveFds }: Pick<Setting, "preserveFds">,
  facts: Facts,
): Step[] => [
  ...planLabels(process, facts),
  byInit(
    { op: "close_fds", from: 3 + preserveFds },
    preserveFds > 0 ? "--preserve-fds" : "default: no descriptor of the host passes",
  ),
];

/** What the last steps of a process need of a setting, a container's or an added process's. */
export type ProcessSetting = Pick<
  Setting,
  "user" | "groups" | "seccomp" | "init" | "preserveFds" | "bundle" | "asCaller"
>;

/**
 * The last steps, after the change of root.
 *
 * @param beforeProgram what is run inside just before the program: with no more rights than it gets,
 *   since what is found there is the image's
 */
export function planProcess(
  process: Process,
  setting: ProcessSetting,
  facts: Facts,
  beforeProgram: readonly Step[] = [],
): { closing: Step[]; steps: Step[]; warnings: string[] } {
  const warnings = new Set<string>();
  const env = lastValues(process.env ?? []);
  const steps = [
    ...planLimits(process),
    ...planUmask(process, setting),
    ...planIdentity(process, setting, facts, warnings, beforeProgram),
    byInit(
      {
        op: "exec",
        paths: executablePaths(process.args[0] ?? "", env),
        argv: process.args,
        env,
      },
      "process.args",
    ),
  ];
  return { closing: planClosing(process, setting, facts), steps, warnings: [...warnings] };
}
