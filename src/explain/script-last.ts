/**
 * The end of the script's first process. After pivot_root there is no program of the host left that
 * could take rights away, so they go before: a shell that has no more than the program will have
 * waits while somebody else, with rights, changes the root of the mount namespace and so its own.
 */

import type { Op, OpOf, Step } from "../plan/op.ts";
import { comment, quote, quoteAll } from "./quote.ts";
import { capabilitySet, setarch } from "./shell-process.ts";

/** What the last steps of a plan say of the process. */
type Last = {
  readonly find: <N extends Op["op"]>(name: N) => OpOf<N> | undefined;
};

export const lastOf = (steps: readonly Step[]): Last => ({
  find: <N extends Op["op"]>(name: N) =>
    steps.findLast(({ op }) => op.op === name)?.op as OpOf<N> | undefined,
});

const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/** Shells set these by themselves. */
const own = ["PWD", "OLDPWD", "SHLVL", "_"];

function environment(env: readonly string[]): string[] {
  const entries = env.map((entry) => {
    const equals = entry.indexOf("=");
    return [entry.slice(0, equals), entry.slice(equals + 1)] as const;
  });
  return [
    `unset ${own.join(" ")}`,
    ...entries.map(([name, value]) =>
      isName(name)
        ? `export ${name}=${value === "" ? "" : quote(value)}`
        : comment(`${name}: a shell passes on no variable of such a name`),
    ),
  ];
}

/** The arguments of the program are the script's: `sh -c FINAL sh HOME ARGUMENTS...`. */
function finalShell({ find }: Last, cwd: string): string {
  const exec = find("exec");
  const stdio = find("stdio");
  const closed = [
    ...(stdio?.stdin === "null" ? ["</dev/null"] : []),
    ...(stdio?.stdout === "null" ? [">/dev/null"] : []),
    ...(stdio?.stderr === "null" ? ["2>/dev/null"] : []),
  ];
  const env = exec?.env ?? [];
  const hasHome = env.some((entry) => entry.startsWith("HOME="));
  return [
    "echo waits >&8",
    "read -r word <&7",
    "exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-",
    ...(closed.length === 0 ? [] : [`exec ${closed.join(" ")}`]),
    `cd ${quote(cwd)} || exit 125`,
    "home=$1; shift",
    ...environment(env),
    ...(hasHome ? [] : ['export HOME="$home"']),
    "# A busybox shell takes a program of its own for one of the image's, unless it is told a path.",
    'if [ -n "${BB_ASH_VERSION-}" ]; then',
    "  name=$1; shift",
    `  for each in ${quoteAll(exec?.paths ?? [])}; do`,
    '    [ ! -x "$each" ] || [ -d "$each" ] || exec "$each" "$@"',
    "  done",
    '  echo "by hand: $name is not there, or no program" >&2; exit 127',
    "fi",
    'exec "$@"',
  ].join("\n");
}

/** The lines by which the first process becomes the program. */
export function lastLines(steps: readonly Step[], rootSwitch: "pivot" | "chroot"): string[] {
  const last = lastOf(steps);
  const { find } = last;
  const user = find("set_user");
  const bounding = find("capbset");
  const sets = find("capset");
  const persona = find("personality");
  const cwd = steps.findLast(({ op, by }) => op.op === "chdir" && by === "init")?.op;
  const arch = persona === undefined ? null : setarch(persona.persona);
  const groups = [...(user?.primary === true ? ["primary"] : []), ...(user?.groups ?? [])];
  const setpriv = [
    '"$setpriv"',
    ...(user === undefined ? [] : ['--reuid "$uid" --regid "$gid" $groups']),
    ...(bounding === undefined ? [] : [`--bounding-set ${capabilitySet(bounding.keep)}`]),
    ...(sets === undefined
      ? []
      : [
          `--inh-caps ${capabilitySet(sets.inheritable)}`,
          ...(sets.ambient.length === 0 ? [] : [`--ambient-caps ${capabilitySet(sets.ambient)}`]),
        ]),
    ...(find("no_new_privs") === undefined ? [] : ["--no-new-privs"]),
  ];
  const path = cwd?.op === "chdir" && cwd.at?.in === "host" ? cwd.at.path : "/";
  const argv = quoteAll(find("exec")?.argv ?? []);
  const text = finalShell(last, path);
  return [
    ...(user === undefined
      ? ["home=/"]
      : [
          `identity ${quote(user.user)} ${user.group === "" ? "''" : quote(user.group)} ${groups.length === 0 ? "''" : quote(groups.join(" "))}`,
          'if [ -n "$groups" ]; then groups="--groups $groups"; else groups=--clear-groups; fi',
        ]),
    "# With the program's rights, and waiting for the change of root.",
    `final=${quote(text)}`,
    `exec env -i ${find("setsid") === undefined ? "" : '"$setsid" '}${arch === null ? "" : `"$setarch" ${arch} `}${setpriv.join(" ")} ${
      rootSwitch === "chroot" ? '"$unshare" --root "$root" ' : ""
    }"$sh" -c "$final" sh "$home" ${argv}`,
  ];
}
