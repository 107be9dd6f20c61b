/** What a process may ask of the kernel: capabilities, filter, security module. */

import type { Capability } from "../plan/constants.ts";
import { type Finding, few, finding, type Level } from "./finding.ts";
import { powerOf, type Seen } from "./seen.ts";

/** Those of the initial user namespace that reach beyond a container; capabilities(7). */
const dangers: Readonly<Partial<Record<Capability, readonly [Level, string]>>> = {
  CAP_SYS_ADMIN: ["open", "mounts, and a hundred things more"],
  CAP_SYS_MODULE: ["open", "loads code into the kernel"],
  CAP_SYS_RAWIO: ["open", "reads and writes memory and ports of the machine"],
  CAP_DAC_READ_SEARCH: ["open", "opens files of the host by their handles (open_by_handle_at)"],
  CAP_SYS_BOOT: ["open", "restarts the machine, or another kernel"],
  CAP_BPF: ["weak", "loads programs into the kernel"],
  CAP_PERFMON: ["weak", "watches the whole machine"],
  CAP_SYS_PTRACE: ["weak", "traces processes that it sees"],
  CAP_SYSLOG: ["weak", "reads the kernel's log and addresses"],
  CAP_SYS_TIME: ["weak", "sets the machine's clock"],
  CAP_MAC_ADMIN: ["weak", "changes the security module's rules"],
  CAP_MAC_OVERRIDE: ["weak", "is not bound by them"],
  CAP_AUDIT_CONTROL: ["weak", "switches the audit off"],
  CAP_SYS_RESOURCE: ["weak", "is not bound by limits and quotas"],
  CAP_SYS_NICE: ["weak", "takes the processors for itself"],
  CAP_LINUX_IMMUTABLE: ["weak", "changes files that were made unchangeable"],
  CAP_BLOCK_SUSPEND: ["weak", "keeps the machine awake"],
  CAP_WAKE_ALARM: ["weak", "wakes the machine"],
  CAP_CHECKPOINT_RESTORE: ["weak", "reaches into other processes"],
};

const shortName = (name: Capability): string => name.replace(/^CAP_/, "");

function ofLevel(seen: Seen, level: Level): Finding[] {
  const names = seen.capabilities.effective.filter((name) => dangers[name]?.[0] === level);
  if (names.length === 0) return [];
  const said = names.map((name) => `${shortName(name)} ${dangers[name]?.[1]}`);
  const drop = names.slice(0, 6).map((name) => `--cap-drop ${shortName(name)}`);
  return [
    finding(
      level,
      "capabilities",
      said.join("; "),
      names.length > 6 ? "leave --privileged out" : drop.join(" "),
    ),
  ];
}

function checkCapabilities(seen: Seen): Finding[] {
  const { effective, bounding, inheritable, ambient } = seen.capabilities;
  const found: Finding[] = [];
  if (!powerOf(seen).isInitial) {
    found.push(
      finding("ok", "capabilities", `${effective.length} of them, of its own user namespace alone`),
    );
  } else {
    found.push(...ofLevel(seen, "open"), ...ofLevel(seen, "weak"));
    if (found.length === 0) {
      const which =
        effective.length === 0
          ? "none"
          : `nothing that reaches out: ${few(
              effective.map((name) => shortName(name).toLowerCase()),
              14,
            )}`;
      found.push(finding("ok", "capabilities", which));
    }
    const beyond = bounding.filter(
      (name) => !effective.includes(name) && dangers[name]?.[0] === "open",
    );
    if (beyond.length > 0 && !seen.noNewPrivs) {
      found.push(
        finding(
          "weak",
          "capabilities",
          `a setuid program may get ${few(beyond.map(shortName))}: the bounding set has more than the process`,
          "--security-opt no-new-privileges",
        ),
      );
    }
  }
  if (inheritable.length > 0 && ambient.length === 0) {
    found.push(
      finding(
        "note",
        "capabilities",
        `${inheritable.length} are inheritable: programs with file capabilities get them`,
      ),
    );
  }
  return found;
}

function checkFilter({ seccomp, noNewPrivs }: Seen): Finding[] {
  return [
    seccomp === 0
      ? finding(
          "weak",
          "seccomp",
          "no filter: every system call reaches the kernel",
          "leave --privileged and --security-opt seccomp=unconfined out",
        )
      : finding(
          "ok",
          "seccomp",
          seccomp === 1 ? "strict: read, write and exit alone" : "system calls are filtered",
        ),
    noNewPrivs
      ? finding("ok", "no_new_privs", "set: no program gets more rights than it has")
      : finding(
          "note",
          "no_new_privs",
          "not set: a setuid program gets its owner's rights",
          "--security-opt no-new-privileges",
        ),
  ];
}

function checkTracing({ isDumpable }: Seen): Finding[] {
  if (isDumpable === null) return [];
  return isDumpable
    ? [
        finding(
          "note",
          "ptrace",
          "dumpable: other processes of its user may trace it, and a crash leaves its memory",
          "--ulimit core=0",
        ),
      ]
    : [finding("ok", "ptrace", "not dumpable: nobody but root traces it")];
}

function checkLabel({ label }: Seen): Finding[] {
  if (label === null)
    return [
      finding(
        "note",
        "security module",
        "neither AppArmor nor SELinux is in force on this machine",
      ),
    ];
  return /: (unconfined|unknown)|:(unconfined_t|spc_t|kernel_t|init_t):/.test(label)
    ? [
        finding(
          "weak",
          "security module",
          `${label}: it binds the process to nothing`,
          "--security-opt apparmor=PROFILE, or label=type:TYPE",
        ),
      ]
    : [finding("ok", "security module", label)];
}

export const checkPrivileges = (seen: Seen): Finding[] => [
  ...checkCapabilities(seen),
  ...checkFilter(seen),
  ...checkTracing(seen),
  ...checkLabel(seen),
];
