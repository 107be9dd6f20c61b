// The compiler against a plain reading of the profile, over generated profiles and calls.
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { type Abi, type Arch, abisOf, syscallNumbers } from "./abi.ts";
import { compile } from "./compile.ts";
import { decide } from "./decide.ts";
import { run, type SyscallData } from "./machine.ts";
import type { ArgumentRule, Profile, SyscallRule } from "./profile.ts";

const ARCHES: readonly Arch[] = ["x86_64", "aarch64"];

/** Few names, so that entries for one call meet; among them the odd ones of each ABI. */
const NAMES = `read write openat clone personality socket socketcall ipc shmget accept send recvmmsg
  execve readv ioctl set_tls cacheflush _llseek sync_file_range2 arm_sync_file_range epoll_ctl_old
  file_setattr mseal frobnicate`.split(/\s+/);

const ACTIONS: readonly (readonly [string, readonly number[]])[] = [
  ["SCMP_ACT_ALLOW", []],
  ["SCMP_ACT_LOG", []],
  ["SCMP_ACT_KILL", []],
  ["SCMP_ACT_KILL_PROCESS", []],
  ["SCMP_ACT_TRAP", []],
  ["SCMP_ACT_ERRNO", [0, 1, 38, 4095]],
  ["SCMP_ACT_TRACE", [1, 65535]],
];

/** Values at which a comparison of halves goes wrong first. */
const values = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 0xfffffffen, 0xffffffffn, 0x1_0000_0000n, 0x1_0000_0001n),
  fc.constantFrom(0x7e02_0000n, 0x8000_0000n, 1n << 63n, (1n << 64n) - 1n, 0x5_0000_0005n),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

const actions = fc.constantFrom(...ACTIONS).chain(([name, data]) =>
  fc.record({
    action: fc.constant(name),
    errnoRet: data.length === 0 ? fc.constant(undefined) : fc.constantFrom(undefined, ...data),
  }),
);

const argumentRules: fc.Arbitrary<ArgumentRule> = fc.record({
  // Often the same argument: what is compared there has to be joined.
  index: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 5 })),
  value: values,
  valueTwo: values,
  op: fc
    .constantFrom("EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ")
    .map((op) => `SCMP_CMP_${op}`),
});

const rules: fc.Arbitrary<SyscallRule> = fc
  .record({
    names: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
    args: fc.oneof(fc.constant(undefined), fc.array(argumentRules, { maxLength: 3 })),
    rest: actions,
  })
  .map(({ rest, ...others }) => ({ ...others, ...rest }));

const profiles: fc.Arbitrary<Profile> = fc
  .record({
    rest: actions,
    architectures: fc.subarray(
      ["X86_64", "X86", "X32", "AARCH64", "ARM", "MIPS64"].map((name) => `SCMP_ARCH_${name}`),
    ),
    syscalls: fc.array(rules, { maxLength: 12 }),
  })
  .map(({ rest, ...others }) => ({
    ...others,
    defaultAction: rest.action,
    defaultErrnoRet: rest.errnoRet,
  }));

const AUDITS = [0xc000003e, 0x40000003, 0xc00000b7, 0x40000028, 0x12345678];

/** Call numbers that the names have in any ABI, their neighbours, and numbers at the edges. */
function numbersOfInterest(): readonly number[] {
  const numbers = new Set([-1, -2, 0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0x0f0000]);
  const abis: readonly Abi[] = ARCHES.flatMap((arch) => [...abisOf(arch)]);
  for (const abi of abis) {
    const table = syscallNumbers(abi.name);
    for (const name of NAMES) {
      const number = table.get(name);
      if (number === undefined) continue;
      for (const near of [number - 1, number, number + 1]) numbers.add(near + abi.base);
    }
  }
  return [...numbers];
}

/** A call whose arguments are often those that the profile compares with, or next to them. */
function callFor(subject: Profile): fc.Arbitrary<SyscallData> {
  const compared = (subject.syscalls ?? []).flatMap(({ args }) =>
    (args ?? []).flatMap((arg) => [BigInt(arg.value), BigInt(arg.valueTwo ?? 0)]),
  );
  const near = compared.flatMap((v) => [v, v + 1n, v - 1n, v ^ (1n << 32n)]);
  const arg = fc
    .oneof(values, ...(near.length === 0 ? [] : [fc.constantFrom(...near)]))
    .map((v) => BigInt.asUintN(64, v));
  return fc.record({
    nr: fc.constantFrom(...numbersOfInterest()),
    arch: fc.constantFrom(...AUDITS),
    args: fc.array(arg, { minLength: 6, maxLength: 6 }),
  });
}

test("a compiled profile answers each call as a plain reading of the profile does", () => {
  const subject = fc
    .record({ profile: profiles, arch: fc.constantFrom(...ARCHES) })
    .chain((given) =>
      fc.record({
        profile: fc.constant(given.profile),
        arch: fc.constant(given.arch),
        calls: fc.array(callFor(given.profile), { minLength: 30, maxLength: 30 }),
      }),
    );
  fc.assert(
    fc.property(subject, ({ profile, arch, calls }) => {
      const compiled = compile(profile, arch);
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem));
      for (const call of calls) {
        const decision = decide(profile, arch, call);
        if (!decision.ok) throw new Error(JSON.stringify(decision.problem));
        const { action } = run(compiled.program, call);
        if (action !== decision.value.action) {
          throw new Error(`filter ${action.toString(16)}, profile ${JSON.stringify(decision.value)} for
            ${call.nr} ${call.arch.toString(16)} ${call.args}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("what goes through socketcall names its number, which is then not younger than the profile", () => {
  const profile: Profile = {
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    defaultAction: "SCMP_ACT_KILL_PROCESS",
    syscalls: [
      {
        names: ["send", "execve"],
        args: [{ index: 1, value: 5n, op: "SCMP_CMP_EQ" }],
        action: "SCMP_ACT_LOG",
      },
    ],
  };
  const socketcall = { nr: 102, arch: 0x40000003, args: [9n, 6n, 0n, 0n, 0n, 0n] };
  const compiled = compile(profile, "x86_64");
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem));
  const killed = 0x80000000;
  expect(run(compiled.program, socketcall).action).toBe(killed);
  expect(decide(profile, "x86_64", socketcall)).toMatchObject({ value: { action: killed } });
});
