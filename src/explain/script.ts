/**
 * A plan as a script for a person who wants to make the container by hand: as root, with util-linux
 * and busybox. The steps stand in the plan's order, but for those that take rights away, which a
 * shell has to take before the change of root (`script-last.ts`).
 */

import { describeOp } from "../plan/describe.ts";
import type { Op, Plan, Step } from "../plan/op.ts";
import { comment } from "./quote.ts";
import { lastLines } from "./script-last.ts";
import { ending, words } from "./script-words.ts";
import { shellLines } from "./shell.ts";
import { Places } from "./shell-place.ts";
import { unshareFlags } from "./shell-process.ts";

/** What the first process does last, all at once. */
const atTheEnd: ReadonlySet<Op["op"]> = new Set([
  "stdio",
  "setsid",
  "pivot_root",
  "umount",
  "move",
  "chroot",
  "enter_root",
  "chdir",
  "close_fds",
  "find_program",
  "personality",
  "capbset",
  "capset",
  "set_user",
  "no_new_privs",
  "exec",
]);

/** What another program has to begin: the shell ends, and goes on in it. */
const begins: ReadonlySet<Op["op"]> = new Set(["setns", "unshare", "become_root"]);

/** A text between two lines of its own: those that no line of it is. */
function here(file: string, text: string): string[] {
  let mark = "END";
  while (text.split("\n").includes(mark)) mark += "_";
  return [`cat >${file} <<'${mark}'`, text.replace(/\n$/, ""), mark];
}

/** A setting of an interface that a network's program would have made: netavark, pasta. */
const isOfInterface = (op: Op): boolean =>
  op.op === "write" &&
  /\bsys\/net\/ipv[46]\/conf\/(?!all\/|default\/|lo\/)/.test(op.at?.path ?? "");
const noInterface = "left out: a setting of an interface that only the network's program makes";

const heading = (step: Step, number: number): string =>
  comment(`${number}. ${describeOp(step.op).what}: ${step.why}`);

type Numbered = { readonly step: Step; readonly number: number };

/** The lines of the first process, in as many shells as it takes. */
function firstProcess(
  steps: readonly Numbered[],
  places: Places,
  how: "pivot" | "chroot",
): string[][] {
  const shells: string[][] = [
    [
      "# What the host calls this process.",
      "read -r pid rest </proc/self/stat",
      'echo "up $pid" >&8',
      "read -r word <&7",
    ],
  ];
  const add = (...lines: string[]): void => void shells.at(-1)?.push(...lines);
  let isSwitched = false;
  for (const { step, number } of steps) {
    const { op } = step;
    if (op.op === "pivot_root" || op.op === "chroot") isSwitched = true;
    if (atTheEnd.has(op.op)) continue;
    add("", heading(step, number));
    if (op.op === "mount_setattr" && isSwitched) {
      add(comment("no command does this: after the change of root there is no mount(8) left"));
    } else if (op.op === "hook") {
      add(comment("left out: a hook is told the state of a container of the OCI runtime"));
    } else if (isOfInterface(op)) {
      add(comment(noInterface));
    } else if (begins.has(op.op)) {
      const line = shellLines(op, places).join("\n");
      const rest = `"$sh" "$work/init${shells.length + 1}"`;
      add(
        line
          .replace(/^exec (\w+)/, 'exec "$$$1"')
          .replace(/sh REST$|PROGRAM$/, rest.replaceAll("$", "$$$$")),
      );
      shells.push([]);
    } else {
      add(
        ...shellLines(op, places).map((line) =>
          line.replace(/^(chrt|ionice|taskset|renice) .*/, "$& >/dev/null"),
        ),
      );
    }
  }
  const ends = steps.filter(({ step }) => atTheEnd.has(step.op.op));
  const told = ends.filter(
    ({ step }) => !["pivot_root", "umount", "move", "chroot"].includes(step.op.op),
  );
  add("", ...told.map(({ step, number }) => heading(step, number)));
  add(
    ...lastLines(
      steps.map(({ step }) => step),
      how,
    ),
  );
  return shells;
}

/** The change of root, by a process of the host's that goes into the mount namespace for it. */
const changeOfRoot = (steps: readonly Numbered[]): string[] => [
  ...steps
    .filter(({ step }) => step.op.op === "pivot_root" || step.op.op === "umount")
    .map(({ step, number }) => heading(step, number)),
  "# pivot_root(2) changes the root of every process that had the old one: that of the first process,",
  "# too. Who enters the namespace now has what lies on top, the old root, and takes it away.",
  `nsenter --target "$pid" --mount "$sh" -c 'cd "$1" && exec "$2" . .' sh "$root" "$pivot_root"`,
  'nsenter --target "$pid" --mount "$umount" -l /',
];

const clone = (op: Extract<Op, { op: "clone" }>, number: number): string[] => [
  "busy=1",
  `(`,
  "  code=0",
  `  "$unshare" ${unshareFlags(op.namespaces)}${op.namespaces.includes("mount") ? " --propagation unchanged" : ""}${op.namespaces.includes("pid") ? " --fork --kill-child" : ""} "$sh" "$work/init1" 9<&- || code=$?`,
  '  echo "ended $code" >&8',
  '  exit "$code"',
  // The standard input of what goes on in the background is /dev/null, unless it is told otherwise.
  ") <&6 6<&- &",
  "child=$!",
  "noted",
  "said up",
  "pid=$_value",
  `made=${number}`,
];

/** What undoes the steps that were done, last first. */
function undoing(steps: readonly Numbered[], places: Places): string[] {
  return steps
    .filter(({ step }) => step.undo !== undefined)
    .reverse()
    .flatMap(({ step, number }) => {
      if (step.undo === undefined) return [];
      return [
        `  if [ "$made" -ge ${number} ]; then ${comment(describeOp(step.undo).what)}`,
        ...shellLines(step.undo, places).map((line) => `    ${line}`),
        "    :",
        "  fi",
      ];
    });
}

/** Why no script can make this container, or null. */
export function scriptProblem({ steps }: Plan): string | null {
  const first = steps.find(({ op }) => op.op === "clone")?.op;
  if (first?.op !== "clone") return "the plan starts no process";
  if (first.user !== null || first.namespaces.includes("user")) {
    return "a shell cannot make a user namespace and wait in it for its maps: leave the user namespace out";
  }
  if (steps.some(({ op }) => op.op === "enter_root")) {
    return "without a mount namespace its root is mounted nowhere, and a shell can hold no such root: add a mount namespace";
  }
  const isChroot = steps.every(({ op }) => op.op !== "pivot_root");
  const sets = steps.findLast(({ op }) => op.op === "capset")?.op;
  if (isChroot && sets?.op === "capset" && !sets.effective.includes("CAP_SYS_CHROOT")) {
    return "by chroot the program itself has to change its root, for which it lacks CAP_SYS_CHROOT: leave --root-switch out";
  }
  if (!first.namespaces.includes("mount"))
    return "without a mount namespace it would change the host";
  return null;
}

/**
 * The script.
 *
 * @param title what is written at its head: the command that it does the work of
 */
export function planScript(plan: Plan, title: string): string {
  const all = plan.steps.map((step, i) => ({ step, number: i + 1 }));
  const ofParent = all.filter(({ step }) => step.by === "parent");
  const ofInit = all.filter(({ step }) => step.by === "init");
  const how = ofInit.some(({ step }) => step.op.op === "pivot_root") ? "pivot" : "chroot";
  const places = new Places("safe");
  const lines: string[] = [];
  let locked = false;
  for (const { step, number } of ofParent) {
    const { op } = step;
    lines.push("", heading(step, number));
    if (step.undo !== undefined) lines.push("busy=1");
    if (op.op === "clone") {
      shellLines(op, places); // for what it keeps
      lines.push(...clone(op, number));
    } else if (op.op === "supervise" || op.op === "leave") {
      lines.push("said waits", "echo go >&7", "code=0", 'wait "$child" || code=$?', 'exit "$code"');
    } else if (op.op === "hook") {
      lines.push(comment("left out: a hook is told the state of a container of the OCI runtime"));
    } else if (isOfInterface(op)) {
      lines.push(comment(noInterface));
    } else if (op.op === "lock" && locked) {
      lines.push(comment("left out: a shell has few descriptors to hold locks by"));
    } else {
      locked ||= op.op === "lock";
      lines.push(...shellLines(op, places));
    }
    if (step.undo !== undefined) lines.push(`made=${number}`, "noted");
  }
  const shells = firstProcess(ofInit, places, how);
  const undo = undoing(ofParent, new Places("safe"));
  return assemble({ title, lines, shells, undo, how, ofInit });
}

type Parts = {
  readonly title: string;
  readonly lines: readonly string[];
  readonly shells: readonly (readonly string[])[];
  readonly undo: readonly string[];
  readonly how: "pivot" | "chroot";
  readonly ofInit: readonly Numbered[];
};

function assemble(parts: Parts): string {
  const { title, lines, shells, undo, how, ofInit } = parts;
  const waits = lines.lastIndexOf("said waits");
  // A plan that does not wait for its process: whatever its parent does comes before the process goes on.
  const end = waits < 0 ? lines.length : waits;
  const before = lines.slice(0, end);
  const after = lines.slice(end + 1);
  const begin = ["work=${0%/*}", "root=$work/root stage=$work/stage", '. "$work/words"'];
  return `${[
    "#!/bin/sh",
    comment(`${title}, by hand: as root, with util-linux (2.38 and later) and busybox.`),
    "# What no command can do stands as a comment with the reason. What is made here goes at the end,",
    "# unless this shell is killed by a signal that none can catch.",
    "set -eu",
    '[ "$(id -u)" = 0 ] || { echo "by hand: only root can do this" >&2; exit 125; }',
    "# A signal that comes between what is made and the note of it waits for the note.",
    "busy= stopped=",
    'stop() { if [ -n "$busy" ]; then stopped=$1; else exit "$1"; fi; }',
    'noted() { busy=; [ -z "$stopped" ] || exit "$stopped"; }',
    "trap 'stop 129' HUP",
    "trap 'stop 130' INT",
    "trap 'stop 143' TERM",
    "work=",
    'trap \'[ -z "$work" ] || rm -rf "$work"\' EXIT',
    "work=$(mktemp -d)",
    "# The root is mounted here and not where pivot does it, on the container's state: a shell could not",
    "# reach any more what that covers.",
    "root=$work/root stage=$work/stage",
    'mkdir "$root" "$stage"',
    ...here('"$work/words"', words),
    '. "$work/words"',
    "exec 6<&0",
    "umask 022",
    "",
    "made=0 child= pid=",
    "undo() {",
    "  trap '' HUP INT TERM",
    "  set +e",
    '  if [ -n "$child" ] && kill -0 "$child" 2>/dev/null; then',
    "    # It says its number, or that it has ended, before anything else.",
    '    [ -n "$pid" ] || { read -r _word pid <&8; [ "$_word" = up ] || pid=; }',
    '    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null',
    '    wait "$child" 2>/dev/null',
    "  fi",
    ...undo,
    '  rm -rf "$work"',
    "}",
    "trap undo EXIT",
    "",
    ending.trimEnd(),
    "",
    ...shells.flatMap((shell, i) => [
      ...(i === 0 ? ["# What the container's first process does, in its namespaces."] : []),
      ...here(`"$work/init${i + 1}"`, [...begin, ...shell].join("\n")),
    ]),
    ...before,
    "echo go >&7",
    "said waits",
    ...(how === "pivot" ? ["", ...changeOfRoot(ofInit)] : []),
    ...after,
  ].join("\n")}\n`;
}
