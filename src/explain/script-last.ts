/**
 * The end of the script's first process. After pivot_root there is no program of the host left that
 * could take rights away, so they go before: a shell that has no more than the program will have
 * waits while somebody else, with rights, changes the root of the mount namespace and so its own.
 */

import type { Op, OpOf, Step } from "../plan/op.ts";
import { comment, quote, quoteAll } from "./quote.ts";
import { capabilitySet, setarch } from "./shell-process.ts";

/** By which the root is changed: MS_MOVE and chroot are both the latter here. */
export type RootSwitch = "pivot" | "chroot";

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

/** A busybox shell takes a program of its own for one of the image's, unless it is told a path. */
const becoming = (paths: readonly string[]): string[] => [
  'if [ -n "${BB_ASH_VERSION-}" ]; then',
  "  name=$1; shift",
  `  for each in ${quoteAll(paths)}; do`,
  '    [ ! -x "$each" ] || [ -d "$each" ] || exec "$each" "$@"',
  "  done",
  '  echo "by hand: $name is not there, or no program" >&2; exit 127',
  "fi",
  'exec "$@"',
];

/** The arguments of the program are the script's: `sh -c FINAL sh HOME ARGUMENTS...`. */
function finalShell({ find }: Last, cwd: string, rootSwitch: RootSwitch): string {
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
    "home=$1; shift",
    // A chroot is made by who becomes the program: what is in this shell's reach is the host's.
    ...(rootSwitch === "chroot"
      ? ["unshare=$1 root=$2; shift 2"]
      : [`cd ${quote(cwd)} || exit 125`]),
    ...environment(env),
    ...(hasHome ? [] : ['export HOME="$home"']),
    ...(rootSwitch === "chroot"
      ? [`exec "$unshare" --root "$root" --wd ${quote(cwd)} "$@"`]
      : becoming(exec?.paths ?? [])),
  ].join("\n");
}

/** The lines by which the first process becomes the program. */
export function lastLines(steps: readonly Step[], rootSwitch: RootSwitch): string[] {
  const last = lastOf(steps);
  const { find } = last;
  const user = find("set_user");
  const bounding = find("capbset");
  const sets = find("capset");
  const persona = find("personality");
  const isTerminal = find("setsid")?.terminal === true;
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
  const text = finalShell(last, path, rootSwitch);
  return [
    ...(user === undefined
      ? ["home=/"]
      : [
          `identity ${quote(user.user)} ${user.group === "" ? "''" : quote(user.group)} ${groups.length === 0 ? "''" : quote(groups.join(" "))}`,
          'if [ -n "$groups" ]; then groups="--groups $groups"; else groups=--clear-groups; fi',
        ]),
    "# With the program's rights, and waiting for the change of root.",
    `final=${quote(text)}`,
    ...(isTerminal
      ? [
          "# Without one of its own, it has the caller's terminal, and stays in the caller's session.",
        ]
      : []),
    `exec env -i ${find("setsid") === undefined || isTerminal ? "" : '"$setsid" '}${arch === null ? "" : `"$setarch" ${arch} `}${setpriv.join(" ")} "$sh" -c "$final" sh "$home" ${rootSwitch === "chroot" ? '"$unshare" "$root" ' : ""}${argv}`,
  ];
}
