// Compiles an OCI seccomp profile to the classic BPF program that seccomp(2) takes.
//
// The program in the order in which it runs:
//
//   load arch ─ native? ─ compat? ─ else: kill the thread
//                  │         └─► load nr ─► search the compat ABI's numbers
//                  └───────────► load nr ─► search the native numbers (and x32's, above bit 30)
//                                               └─► return, or match the call's arguments first
//
// No path to a return looks at arguments unless a rule does, so the kernel can (and from 5.11 on
// does) find out at load time which calls are always allowed, and skips the program for those.
//
// Three decisions are libseccomp's and runc's, so that a profile means here what it means there:
// - An architecture that the profile does not list: SCMP_ACT_KILL, which kills the thread.
// - An x32 number where x32 is not listed: the same, save for -1, which is how a tracer says that a
//   call shall be skipped; that one gets the default action.
// - A number above all that the profile names, where the default action is not a permissive one:
//   ENOSYS instead of the default, as runc's patchbpf package does. Such a call is younger than the
//   profile, and programs fall back to an older one on ENOSYS but not on EPERM. On 32-bit arm the
//   private calls at 0x0f0000 do not count as the largest; runc lets them hide all younger calls.

import { type Arch, X32_BIT } from "./abi.ts";
import { ENOSYS, isPermissive, RET_ERRNO, RET_KILL_THREAD } from "./action.ts";
import { Assembler, JMP_JEQ_K, type Target } from "./assembler.ts";
import { match } from "./match.ts";
import { type Problem, type Profile, refuse } from "./profile.ts";
import { readProfile } from "./read-profile.ts";
import { type AbiRules, type CallRules, type Rule, rulesOf } from "./rules.ts";
import { type Step, search } from "./search.ts";

/** A compiled profile, or what is wrong with it. */
export type Compiled =
  | {
      readonly ok: true;
      /** An array of struct sock_filter, little endian. */
      readonly program: Uint8Array;
      readonly instructions: number;
      /** Whether the program can return SECCOMP_RET_USER_NOTIF: what `filterFlags` has to know. */
      readonly notifies: boolean;
      /** Names that are no system call of any ABI here: passed over, as runc and crun do. */
      readonly unknown: readonly string[];
    }
  | { readonly ok: false; readonly problem: Problem };

/** BPF_MAXINSNS of <linux/bpf_common.h>. */
const MAX_INSTRUCTIONS = 4096;

/** Offsets in struct seccomp_data of <linux/seccomp.h>. */
const NR = 0;
const ARCH = 4;

/** The largest number there is, which is -1 as the kernel's int. */
const SKIPPED_BY_TRACER = 0xffffffff;

/**
 * Compiles `profile` for a machine. The same profile gives the same bytes.
 * Sources: seccomp(2), config-linux.md ("seccomp") of the OCI runtime specification.
 */
export function compile(profile: Profile, arch: Arch): Compiled {
  const checked = readProfile(profile, arch);
  if (!checked.ok) return checked;
  const { defaultAction, notifies } = checked.value;
  const { abis, unknown } = rulesOf(checked.value);
  const assembler = new Assembler();
  const program = assembler.program(dispatch(assembler, abis, defaultAction));
  const instructions = assembler.length;
  if (instructions > MAX_INSTRUCTIONS) {
    const expected = `rules that fit into ${MAX_INSTRUCTIONS} instructions`;
    return refuse("syscalls", expected, `rules that take ${instructions}`);
  }
  return { ok: true, program, instructions, notifies, unknown };
}

/** The whole program: by architecture, then by number. Written from its end, so native comes last. */
function dispatch(assembler: Assembler, abis: readonly AbiRules[], defaultAction: number): Target {
  const byAudit = Map.groupBy(abis, ({ abi }) => abi.audit);
  const shared: Shared = new Map();
  let next = assembler.return(RET_KILL_THREAD);
  for (const [audit, group] of [...byAudit].reverse()) {
    const numbers = byNumber(assembler, group, defaultAction, shared);
    next = assembler.jump(JMP_JEQ_K, audit, numbers, next);
  }
  return next.kind === "return" ? next : assembler.load(ARCH, next);
}

/** Code that looks at arguments, by what it looks for: calls with the same rules share it. */
type Shared = Map<string, Target>;

/** Code for all calls of one architecture, which on x86-64 can have two ABIs. */
function byNumber(
  assembler: Assembler,
  abis: readonly AbiRules[],
  defaultAction: number,
  shared: Shared,
): Target {
  const steps = abis.flatMap((rules) => stepsOf(assembler, rules, defaultAction, shared));
  if (abis.length === 1 && abis[0]?.abi.name === "x86_64") {
    steps.push({ from: X32_BIT, to: assembler.return(RET_KILL_THREAD) });
    steps.push({ from: SKIPPED_BY_TRACER, to: assembler.return(defaultAction) });
  }
  const root = search(assembler, steps);
  return root.kind === "return" ? root : assembler.load(NR, root);
}

/** Where the numbers of one ABI go, from its base on. */
function stepsOf(
  assembler: Assembler,
  { abi, blocks, last }: AbiRules,
  defaultAction: number,
  shared: Shared,
): Step[] {
  const otherwise = assembler.return(defaultAction);
  const younger = assembler.return(RET_ERRNO + ENOSYS);
  // runc leaves the default alone where the profile names nothing, or number 0 only.
  const newest = isPermissive(defaultAction) || !last ? Number.POSITIVE_INFINITY : last;
  const steps: Step[] = [];
  let from = abi.base;
  const fillTo = (end: number): void => {
    if (from >= end) return;
    if (from <= newest) steps.push({ from, to: otherwise });
    if (newest + 1 < end) steps.push({ from: Math.max(from, newest + 1), to: younger });
    from = end;
  };
  for (const { base, calls } of blocks) {
    let before: CallRules;
    for (let i = 0; i < calls.length; i++) {
      const rules = calls[i];
      if (rules !== undefined && rules !== before) {
        fillTo(base + i);
        steps.push({ from, to: answer(assembler, rules, abi.bits, otherwise, shared) });
      }
      if (rules !== undefined) from = base + i + 1;
      before = rules;
    }
  }
  fillTo(Number.POSITIVE_INFINITY);
  return steps;
}

/** What a call's rules answer. */
function answer(
  assembler: Assembler,
  rules: readonly Rule[],
  bits: 32 | 64,
  otherwise: Target,
  shared: Shared,
): Target {
  const [first] = rules;
  if (first?.conditions.length === 0) return assembler.return(first.action);
  const key = `${bits}:${rules.map(keyOf).join()}`;
  let target = shared.get(key);
  if (target === undefined) {
    target = match(assembler, rules, bits, otherwise);
    shared.set(key, target);
  }
  return target;
}

function keyOf({ action, conditions }: Rule): string {
  const keys = conditions.map((condition) => {
    if (condition.kind === "masked") {
      return `${condition.index}&${condition.mask}=${condition.value}`;
    }
    return `${condition.index}:${condition.spans.map(({ low, high }) => `${low}-${high}`).join("|")}`;
  });
  return `${keys.join("+")}>${action}`;
}
