/** What AppArmor and SELinux are told of a container. */

import type { Step } from "../plan/op.ts";
import type { Process, Spec } from "../spec/mod.ts";
import type { Facts } from "./facts.ts";
import type { MountOptions } from "./mount-options.ts";
import { byInit, mount, write } from "./step.ts";

const isProfile = (profile: string | undefined): profile is string =>
  profile !== undefined && profile !== "";

/** Whether the machine has to be asked for its security modules. */
export const asksForLabels = ({ process, linux }: Spec): boolean =>
  isProfile(process?.apparmorProfile) ||
  isProfile(process?.selinuxLabel) ||
  isProfile(linux?.mountLabel);

/** A label that nobody enforces is no label. */
export function findLabelProblems({ process }: Pick<Spec, "process">, facts: Facts): string[] {
  const profile = process?.apparmorProfile;
  const problems: string[] = [];
  if (isProfile(profile) && profile !== "unconfined" && facts.apparmor !== true) {
    problems.push(
      `process.apparmorProfile: this kernel runs without AppArmor, so nothing would enforce ${profile}: leave it out`,
    );
  }
  const label = process?.selinuxLabel;
  if (isProfile(label) && facts.selinux !== true) {
    problems.push(
      `process.selinuxLabel: this kernel runs without SELinux, so nothing would enforce ${label}: leave it out`,
    );
  }
  return problems;
}

/** How files are labelled is of no matter where nobody reads labels; the peers say nothing at all. */
export const findLabelWarnings = ({ linux }: Spec, facts: Facts): string[] =>
  isProfile(linux?.mountLabel) && facts.selinux !== true
    ? ["linux.mountLabel: this kernel runs without SELinux: mounts get no label"]
    : [];

/** The file, the text and the field of each label of the process that is to be in force. */
function wantedLabels({ apparmorProfile, selinuxLabel }: Process, facts: Facts) {
  const wanted: [file: string, text: string, why: string][] = [];
  if (isProfile(apparmorProfile) && facts.apparmor === true) {
    const text = `exec ${apparmorProfile}`;
    wanted.push(["attr/apparmor/exec", text, "process.apparmorProfile"]);
  }
  if (isProfile(selinuxLabel) && facts.selinux === true) {
    wanted.push(["attr/exec", selinuxLabel, "process.selinuxLabel"]);
  }
  return wanted;
}

/**
 * The procfs that labels are written to: one of our own which is never attached, so that nothing
 * of the image or of a mount can stand in for it. Made while the host's procfs is in sight, without
 * which a user namespace gets none.
 */
export function planLabelFiles(process: Process, facts: Facts): Step[] {
  if (wantedLabels(process, facts).length === 0) return [];
  const step = mount({ type: "proc", options: ["subset=pid"], into: "labels" });
  return [byInit(step, "process: a procfs to write labels to")];
}

/**
 * The labels of the program, in force from execve on. Before no_new_privs, with which a change is
 * refused, and before the filter, which may refuse the writes.
 */
export const planLabels = (process: Process, facts: Facts): Step[] =>
  wantedLabels(process, facts).map(([file, text, why]) =>
    byInit(write({ in: "labels", path: `thread-self/${file}` }, text), why),
  );

/** Views of the kernel, whose files SELinux labels by itself. */
const labelledByKernel: ReadonlySet<string> = new Set(
  "binfmt_misc bpf cgroup cgroup2 configfs debugfs fusectl none proc pstore securityfs sysfs tracefs".split(
    " ",
  ),
);

/** The option that gives all files of a new file system the label, for fsconfig(2): no quotes. */
export function labelOptions({ linux }: Spec, facts: Facts, type: string): string[] {
  const label = linux?.mountLabel;
  if (!isProfile(label) || facts.selinux !== true || labelledByKernel.has(type)) return [];
  return [`context=${label}`];
}

/** The options of a mount, with the label where it can have one; one that says its own keeps that. */
export function withLabel(options: MountOptions, label: readonly string[]): MountOptions {
  const hasOwn = options.data.some((option) => /^(fs|def|root)?context=/.test(option));
  return hasOwn || label.length === 0 ? options : { ...options, data: [...options.data, ...label] };
}
