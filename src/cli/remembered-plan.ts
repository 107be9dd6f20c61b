/**
 * Remembers the plan of a start for the next one like it. Most starts of a program are alike but
 * for the command: planning anew would take as long as the runtime of JavaScript takes to start.
 *
 * A plan is a function of its inputs, so a remembered one is used only when all of them are the
 * same: every file that was read is part of the key, or compared. Options that make the planner
 * look at other things of the machine, or that may hold secrets (`-e`), are never remembered.
 */

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { PreparedContainer } from "../container/prepare.ts";
import type { Roots } from "../container/roots.ts";
import { makeTemplate, type PlanTemplate } from "../executor/template.ts";
import { isLoopbackByDefault } from "../network/installed.ts";
import type { StreamFact } from "../planner/facts.ts";
import type { ParsedArguments } from "./arguments.ts";

/** Options of which the plan is a pure function. */
const pureFlags: ReadonlySet<string> = new Set([
  "cap-add",
  "cap-drop",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "group-add",
  "hostname",
  "init",
  "interactive",
  "memory",
  "pids-limit",
  "platform",
  "quiet",
  "read-only",
  "rm",
  "rootfs",
  "shm-size",
  "sig-proxy",
  "tmpfs",
  "tty",
  "ulimit",
  "umask",
  "user",
  "volume",
  "workdir",
]);

const mostTemplates = 64;

/** What a remembered plan depends on beyond its key: the image's record and its layers. */
type Witness = readonly [path: string, inode: number, changed: number];

type Remembered = {
  readonly key: string;
  readonly witnesses: readonly Witness[];
  readonly warnings: readonly string[];
  readonly template: PlanTemplate;
};

export type StartInputs = {
  readonly given: ParsedArguments;
  readonly roots: Roots;
  readonly cwd: string;
  readonly streams: readonly StreamFact[];
};

/** Options of which only some values are pure: others name a file, or the host's own files. */
const pureValues: Readonly<Record<string, RegExp>> = {
  network: /^none$/,
  pull: /^(missing|never)$/,
  "security-opt": /^(seccomp=unconfined|no-new-privileges)$/,
};

const isPureFlag = ([name, values]: [string, readonly string[]]): boolean =>
  pureFlags.has(name) || values.every((value) => pureValues[name]?.test(value) === true);

/** What is to be run, without the image; null when an image's own command is. */
export function commandOf({ flags, words }: ParsedArguments): readonly string[] | null {
  const command = flags.has("rootfs") ? words : words.slice(1);
  return command.length > 0 ? command : null;
}

/** An image in a file is looked at each time, and so is what may be the beginning of an ID. */
const isLookedUp = ({ flags, words }: ParsedArguments): boolean =>
  !flags.has("rootfs") && /^(oci:|docker-archive:|(sha256:)?[0-9a-f]+$)/.test(words[0] ?? "");

/** An address of a network is one container's, and no other start's. */
const isConnected = ({ given }: StartInputs): boolean =>
  !given.flags.has("network") && !isLoopbackByDefault();

const isPure = ({ given }: StartInputs): boolean =>
  commandOf(given) !== null && !isLookedUp(given) && [...given.flags].every(isPureFlag);

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

const linesWith = (text: string, part: string): string[] =>
  text.split("\n").filter((line) => line.includes(part));

/** Everything that planning reads, as text; or null when this start is not to be remembered. */
export function startKey(inputs: StartInputs): string | null {
  if (!isPure(inputs) || isConnected(inputs)) return null;
  const { given, roots, cwd, streams } = inputs;
  const program = statSync(process.execPath);
  return JSON.stringify([
    [program.ino, program.mtimeMs, program.size],
    [...given.flags],
    given.flags.has("rootfs") ? null : given.words[0],
    roots,
    cwd,
    streams,
    process.geteuid?.(),
    linesWith(readOrNothing("/proc/self/mountinfo"), "cgroup"),
    readOrNothing("/proc/self/cgroup"),
    linesWith(readOrNothing("/proc/self/status"), "CapBnd"),
    // What the kernel can do may differ after a reboot.
    readOrNothing("/proc/sys/kernel/random/boot_id"),
    readOrNothing("/etc/resolv.conf"),
  ]);
}

const directoryOf = ({ dataRoot }: Roots): string => `${dataRoot}/templates`;

const pathOf = (roots: Roots, key: string): string =>
  `${directoryOf(roots)}/${Bun.hash(key).toString(16)}`;

function witness(path: string): Witness {
  const { ino, ctimeMs } = lstatSync(path);
  return [path, ino, ctimeMs];
}

function isUnchanged([path, inode, changed]: Witness): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.ino === inode && stat.ctimeMs === changed;
}

/** The template for a start with this key, if there is one and what it was made from is as it was. */
export function recallPlan(
  roots: Roots,
  key: string,
): { readonly template: PlanTemplate; readonly warnings: readonly string[] } | null {
  try {
    const found = JSON.parse(readFileSync(pathOf(roots, key), "utf8")) as Remembered;
    return found.key === key && found.witnesses.every(isUnchanged) ? found : null;
  } catch {
    return null; // not there, or cut short: planning anew is always right
  }
}

/** Keeps the plan of a start; that it cannot be kept is no failure of the start. */
export function rememberPlan(
  { given, roots }: StartInputs,
  key: string,
  { id, plan, warnings, sources }: PreparedContainer,
): void {
  const template = makeTemplate(plan, id, commandOf(given) ?? []);
  if (template === null) return;
  try {
    const directory = directoryOf(roots);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory).slice(mostTemplates)) rmSync(`${directory}/${name}`);
    const path = pathOf(roots, key);
    const remembered: Remembered = { key, witnesses: sources.map(witness), warnings, template };
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(remembered), { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A full disk, or another pivot's clean-up in between.
  }
}
