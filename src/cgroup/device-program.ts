// Compiles device rules to the eBPF program that version 2 asks about each use of a device.
//
// The program in the order in which it runs (the rules backwards, since the last that speaks counts):
//
//   r2 = type, r3 = what is asked for, r4 = major, r5 = minor
//   for each rule, the last first:
//     another device?   → next rule
//     a denial:         any of r3 in it? → return 0
//     an allowance:     take its part from r3; nothing left? → return 1
//   return 0
//
// So r3 is at any time what no later rule has allowed, and each access is judged on its own.

import { ALL_ACCESS, type DeviceRule } from "./device-rules.ts";

/** One instruction is a struct bpf_insn of <linux/bpf.h>: u8 code, 4 + 4 bits of registers, s16, s32. */
export const INSTRUCTION_BYTES = 8;

/** Opcodes of <linux/bpf.h> and <linux/bpf_common.h>, put together. */
export const LDX_MEM_W = 0x61;
export const ALU32_AND_K = 0x54;
export const ALU32_RSH_K = 0x74;
export const JMP_JA = 0x05;
export const JMP_JNE_K = 0x55;
export const JMP_JSET_K = 0x45;
export const MOV64_K = 0xb7;
export const EXIT = 0x95;

/** Registers: what an eBPF program returns, its argument, and what this one keeps in the others. */
const VERDICT = 0;
const CONTEXT = 1;
const TYPE = 2;
const ASKED = 3;
const MAJOR = 4;
const MINOR = 5;

/** struct bpf_cgroup_dev_ctx: `access << 16 | type`, major, minor. */
const ACCESS_TYPE_AT = 0;
const MAJOR_AT = 4;
const MINOR_AT = 8;

const BLOCK = 1;
const CHARACTER = 2;

type Instruction = {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
};

const prologue: () => Instruction[] = () => [
  { code: LDX_MEM_W, to: TYPE, from: CONTEXT, offset: ACCESS_TYPE_AT },
  { code: ALU32_AND_K, to: TYPE, value: 0xffff },
  { code: LDX_MEM_W, to: ASKED, from: CONTEXT, offset: ACCESS_TYPE_AT },
  { code: ALU32_RSH_K, to: ASKED, value: 16 },
  { code: LDX_MEM_W, to: MAJOR, from: CONTEXT, offset: MAJOR_AT },
  { code: LDX_MEM_W, to: MINOR, from: CONTEXT, offset: MINOR_AT },
];

const giveBack = (allow: boolean): Instruction[] => [
  { code: MOV64_K, to: VERDICT, value: allow ? 1 : 0 },
  { code: EXIT },
];

/** What a rule does once the device is its own; what falls through goes on to the next rule. */
function judge({ allow, access }: DeviceRule): Instruction[] {
  const verdict = giveBack(allow);
  // Whatever is still asked for is in it.
  if (access === ALL_ACCESS) return verdict;
  const skip = { offset: verdict.length };
  return allow
    ? [
        { code: ALU32_AND_K, to: ASKED, value: ~access },
        { code: JMP_JNE_K, to: ASKED, value: 0, ...skip },
        ...verdict,
      ]
    : [
        { code: JMP_JSET_K, to: ASKED, value: access, offset: 1 },
        { code: JMP_JA, ...skip },
        ...verdict,
      ];
}

function compileRule(rule: DeviceRule): Instruction[] {
  const judgement = judge(rule);
  const tests: { to: number; value: number }[] = [];
  if (rule.type !== null) tests.push({ to: TYPE, value: rule.type === "b" ? BLOCK : CHARACTER });
  if (rule.major !== null) tests.push({ to: MAJOR, value: rule.major });
  if (rule.minor !== null) tests.push({ to: MINOR, value: rule.minor });
  return [
    ...tests.map((test, i) => ({
      code: JMP_JNE_K,
      ...test,
      offset: tests.length - 1 - i + judgement.length,
    })),
    ...judgement,
  ];
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, to = 0, from = 0, offset = 0, value = 0 }, i) => {
    const at = i * INSTRUCTION_BYTES;
    view.setUint8(at, code);
    view.setUint8(at + 1, to | (from << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, value, true);
  });
  return bytes;
}

/**
 * The program for rules in their order, of type BPF_PROG_TYPE_CGROUP_DEVICE, little endian: it returns
 * 1 for what is allowed, else 0. What no rule speaks of is denied. The same rules give the same bytes.
 *
 * Sources: Documentation/bpf/standardization/instruction-set.rst; kernel/bpf/cgroup.c.
 */
export function compileDeviceRules(rules: readonly DeviceRule[]): Uint8Array {
  const program = prologue();
  for (const rule of rules.toReversed()) {
    const compiled = compileRule(rule);
    program.push(...compiled);
    // Nothing falls through a rule for any device and access; the verifier refuses what cannot be reached.
    if (compiled.length === 2) return encode(program);
  }
  program.push(...giveBack(false));
  return encode(program);
}
