import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  ALU32_AND_K,
  ALU32_RSH_K,
  compileDeviceRules,
  EXIT,
  INSTRUCTION_BYTES,
  JMP_JA,
  JMP_JNE_K,
  JMP_JSET_K,
  LDX_MEM_W,
  MOV64_K,
} from "./device-program.ts";
import { complete, defaultDeviceRules, deviceRules, MKNOD, READ, WRITE } from "./device-rules.ts";
import { anyRule, anyUse, isAllowed, type Use } from "./testing/device-use.ts";

/** What the kernel hands to the program: struct bpf_cgroup_dev_ctx. */
function contextOf({ type, major, minor, access }: Use): number[] {
  return [(access << 16) | (type === "b" ? 1 : 2), major, minor];
}

/** Runs a program as the kernel's interpreter does, with the checks of its verifier on the way. */
function run(program: Uint8Array, context: readonly number[]): bigint {
  const view = new DataView(program.buffer);
  const registers: (bigint | undefined)[] = [undefined, 0n];
  const read = (register: number): bigint => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} is read before it is written`);
    return value;
  };
  for (let at = 0; at < program.length; at += INSTRUCTION_BYTES) {
    const code = view.getUint8(at);
    const to = view.getUint8(at + 1) & 15;
    const from = view.getUint8(at + 1) >> 4;
    const offset = view.getInt16(at + 2, true);
    const value = BigInt(view.getInt32(at + 4, true));
    const unsigned = BigInt.asUintN(64, value);
    let jumps = false;
    if (code === EXIT) return read(0);
    if (code === LDX_MEM_W) {
      expect(from).toBe(1);
      const word = context[offset / 4];
      if (word === undefined) throw new Error(`there is no word at ${offset} of the context`);
      registers[to] = BigInt(word >>> 0);
    } else if (code === ALU32_AND_K) registers[to] = BigInt.asUintN(32, read(to) & value);
    else if (code === ALU32_RSH_K) registers[to] = BigInt.asUintN(32, read(to)) >> value;
    else if (code === MOV64_K) registers[to] = unsigned;
    else if (code === JMP_JA) jumps = true;
    else if (code === JMP_JNE_K) jumps = read(to) !== unsigned;
    else if (code === JMP_JSET_K) jumps = (read(to) & unsigned) !== 0n;
    else throw new Error(`the instruction ${code} is not known here`);
    if (jumps) at += offset * INSTRUCTION_BYTES;
  }
  throw new Error("the program runs past its end");
}

const isAllowedBy = (program: Uint8Array, use: Use): boolean => run(program, contextOf(use)) === 1n;

/** Where control can go from an instruction: the verifier refuses what is never reached. */
function reached(program: Uint8Array): Set<number> {
  const view = new DataView(program.buffer);
  const seen = new Set<number>();
  const open = [0];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at) || at * INSTRUCTION_BYTES >= program.length) continue;
    seen.add(at);
    const code = view.getUint8(at * INSTRUCTION_BYTES);
    const target = at + 1 + view.getInt16(at * INSTRUCTION_BYTES + 2, true);
    if (code === EXIT) continue;
    if (code === JMP_JA || code === JMP_JNE_K || code === JMP_JSET_K) open.push(target);
    if (code !== JMP_JA) open.push(at + 1);
  }
  return seen;
}

test("the program says what the rules say, for any rules and any use", () => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 8 }), anyUse, (given, use) => {
      const rules = deviceRules(given);
      if (rules === undefined) return;
      expect(isAllowedBy(compileDeviceRules(rules), use)).toBe(isAllowed(rules, use));
    }),
    { numRuns: 2000 },
  );
});

test("leaving out what a later rule takes all effect from changes nothing", () => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 8 }), anyUse, (given, use) => {
      const all = [...given.map(complete), ...defaultDeviceRules()];
      const rules = deviceRules(given);
      expect(rules === undefined || isAllowed(rules, use)).toBe(isAllowed(all, use));
    }),
    { numRuns: 1000 },
  );
});

test("every instruction is reached, and control never leaves the program", () => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 8 }), (given) => {
      const rules = deviceRules(given);
      if (rules === undefined) return;
      const program = compileDeviceRules(rules);
      expect(reached(program).size).toBe(program.length / INSTRUCTION_BYTES);
    }),
  );
});

test("accesses are judged one by one: two rules together allow what neither does alone", () => {
  const program = compileDeviceRules([
    { allow: true, type: "c", major: 7, minor: 1, access: READ },
    { allow: true, type: "c", major: 7, minor: null, access: WRITE },
  ]);
  const use = { type: "c", major: 7, minor: 1 } as const;
  expect(isAllowedBy(program, { ...use, access: READ | WRITE })).toBeTrue();
  expect(isAllowedBy(program, { ...use, minor: 2, access: READ | WRITE })).toBeFalse();
  expect(isAllowedBy(program, { ...use, access: READ | MKNOD })).toBeFalse();
});

test("rules that leave nothing to decide make the shortest programs", () => {
  const sweep = { type: null, major: null, minor: null, access: 7 };
  for (const allow of [true, false]) {
    const program = compileDeviceRules([
      { ...sweep, allow: !allow },
      { ...sweep, allow },
    ]);
    expect(program.length).toBe(8 * INSTRUCTION_BYTES);
    expect(isAllowedBy(program, { type: "b", major: 8, minor: 0, access: READ })).toBe(allow);
  }
  expect(
    isAllowedBy(compileDeviceRules([]), { type: "c", major: 1, minor: 3, access: READ }),
  ).toBeFalse();
});

test("the bytes of one rule, as the kernel reads them", () => {
  const program = compileDeviceRules([
    { allow: true, type: "b", major: 8, minor: null, access: READ },
  ]);
  expect(Buffer.from(program).toString("hex").match(/.{16}/g)).toEqual([
    "6112000000000000", // r2 = *(u32 *)(r1 + 0)
    "54020000ffff0000", // w2 &= 0xffff
    "6113000000000000", // r3 = *(u32 *)(r1 + 0)
    "7403000010000000", // w3 >>= 16
    "6114040000000000", // r4 = *(u32 *)(r1 + 4)
    "6115080000000000", // r5 = *(u32 *)(r1 + 8)
    "5502050001000000", // if r2 != 1 goto +5
    "5504040008000000", // if r4 != 8 goto +4
    "54030000fdffffff", // w3 &= ~2
    "5503020000000000", // if r3 != 0 goto +2
    "b700000001000000", // r0 = 1
    "9500000000000000", // exit
    "b700000000000000", // r0 = 0
    "9500000000000000", // exit
  ]);
});
