// The seccomp section (config-linux.md, Seccomp): types and shape.

import { integer, nonEmpty, oneOf, oneOfMany, text, uint64 } from "./scalar.ts";
import {
  checked,
  lazy,
  list,
  object,
  optional,
  type Report,
  required,
  type Shape,
} from "./shape.ts";

/** What to do with the system calls of a container. */
export interface LinuxSeccomp {
  /** For the calls that no entry of `syscalls` matches. */
  readonly defaultAction: SeccompAction;
  /** The errno of the default action; absent: EPERM. */
  readonly defaultErrnoRet?: number;
  /** Other architectures whose calls are filtered alike; absent: only the native one. */
  readonly architectures?: readonly SeccompArch[];
  readonly flags?: readonly SeccompFlag[];
  /** The socket that gets the descriptor of SCMP_ACT_NOTIFY. */
  readonly listenerPath?: string;
  /** Handed to the listener as it is. */
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly LinuxSyscall[];
}

/** A rule for calls by name, and if there are `args`, only if all of them match. */
export interface LinuxSyscall {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly LinuxSeccompArg[];
}

/** A comparison with one argument; `valueTwo` is what SCMP_CMP_MASKED_EQ compares with. */
export interface LinuxSeccompArg {
  /** 0 to 5. */
  readonly index: number;
  readonly value: bigint;
  readonly valueTwo?: bigint;
  readonly op: SeccompOperator;
}

/** What a filter may answer. */
export const ACTIONS = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;

export type SeccompAction = (typeof ACTIONS)[number];

/** How an argument is compared. */
export const OPERATORS = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;

export type SeccompOperator = (typeof OPERATORS)[number];

/** The flags of seccomp(2). */
export const FLAGS = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
] as const;

export type SeccompFlag = (typeof FLAGS)[number];

/** The architectures by their names in libseccomp. */
export const ARCHITECTURES = [
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_PARISC",
  "SCMP_ARCH_PARISC64",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_LOONGARCH64",
  "SCMP_ARCH_M68K",
  "SCMP_ARCH_SH",
  "SCMP_ARCH_SHEB",
] as const;

export type SeccompArch = (typeof ARCHITECTURES)[number];

export const seccompShape: Shape<LinuxSeccomp> = lazy(() =>
  checked(
    object<LinuxSeccomp>({
      defaultAction: required(oneOf(ACTIONS)),
      defaultErrnoRet: optional(errno),
      architectures: optional(
        list(oneOfMany('a seccomp architecture such as "SCMP_ARCH_X86_64"', ARCHITECTURES)),
      ),
      flags: optional(list(oneOf(FLAGS))),
      listenerPath: optional(nonEmpty("the path of a socket")),
      listenerMetadata: optional(text),
      syscalls: optional(list(syscall)),
    }),
    checkSeccomp,
  ),
);

const syscall = lazy(() =>
  checked(
    object<LinuxSyscall>({
      names: required(list(nonEmpty("the name of a system call"), { filled: "an array of names" })),
      action: required(oneOf(ACTIONS)),
      errnoRet: optional(errno),
      args: optional(list(argument)),
    }),
    ({ action, errnoRet }, report) => checkErrno(action, errnoRet, "errnoRet", report),
  ),
);

const argument = lazy(() =>
  object<LinuxSeccompArg>({
    index: required(integer("the index of an argument", 0, 5)),
    value: required(uint64("a whole number")),
    valueTwo: optional(uint64("a whole number")),
    op: required(oneOf(OPERATORS)),
  }),
);

// What a filter can return beside its action has 16 bits (SECCOMP_RET_DATA, seccomp(2)).
const errno = lazy(() => integer("an errno or trace value (whole number)", 0, 0xffff));

function checkSeccomp(filter: LinuxSeccomp, report: Report): void {
  checkErrno(filter.defaultAction, filter.defaultErrnoRet, "defaultErrnoRet", report);
  if (filter.listenerPath !== undefined) return;
  if (filter.listenerMetadata !== undefined) {
    report.problem("a path, since listenerMetadata is set", "nothing", "listenerPath");
  }
  const actions = [filter.defaultAction, ...(filter.syscalls ?? []).map((rule) => rule.action)];
  if (actions.includes("SCMP_ACT_NOTIFY")) {
    report.problem("a path, since SCMP_ACT_NOTIFY is used", "nothing", "listenerPath");
  }
}

function checkErrno(
  action: SeccompAction,
  value: number | undefined,
  field: string,
  report: Report,
): void {
  if (value === undefined || action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE") return;
  report.problem(`no errno, since ${action} returns none`, `the number ${value}`, field);
}
