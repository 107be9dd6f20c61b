// What single profiles become: the decisions that are libseccomp's and runc's, and the limits.
import { describe, expect, test } from "bun:test";
import { type Arch, syscallNumbers } from "./abi.ts";
import { compile } from "./compile.ts";
import { run } from "./machine.ts";
import type { ArgumentRule, Profile, SyscallRule } from "./profile.ts";

const X86_64 = 0xc000003e;
const I386 = 0x40000003;

/** The program for `profile`, which has to compile. */
function program(profile: Profile, arch: Arch = "x86_64"): Uint8Array {
  const compiled = compile(profile, arch);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem));
  return compiled.program;
}

function answer(filter: Uint8Array, nr: number, arch = X86_64, ...args: bigint[]): number {
  return run(filter, { nr, arch, args }).action;
}

const ALLOW = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50026;
const KILL = 0;

function allow(...names: string[]): SyscallRule {
  return { names, action: "SCMP_ACT_ALLOW" };
}

/** A profile for x86-64 and 32-bit x86 that denies one call. */
function deny(name: string): Profile {
  const syscalls = [{ names: [name], action: "SCMP_ACT_ERRNO" }];
  return { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"], syscalls };
}

function equal(index: number, value: number | bigint): ArgumentRule {
  return { index, value, op: "SCMP_CMP_EQ" };
}

describe("what libseccomp and runc do", () => {
  const base = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [allow("read", "close")] };

  test("an architecture that is not listed is killed, the native one is always listed", () => {
    const filter = program(base);
    expect([answer(filter, 0), answer(filter, 1)]).toEqual([ALLOW, EPERM]);
    expect(answer(filter, 3, I386)).toBe(KILL);
    const both = program({ ...base, architectures: ["SCMP_ARCH_X86"] });
    expect([answer(both, 0), answer(both, 3, I386), answer(both, 0, I386)]).toEqual([
      ALLOW,
      ALLOW,
      EPERM,
    ]);
  });

  test("x32 numbers are killed unless x32 is listed, but for -1", () => {
    const filter = program(base);
    expect([answer(filter, 0x40000000), answer(filter, -2), answer(filter, -1)]).toEqual([
      KILL,
      KILL,
      EPERM,
    ]);
    const x32 = program({ ...base, architectures: ["SCMP_ARCH_X32"] });
    expect([answer(x32, 0x40000000), answer(x32, 0x40000001)]).toEqual([ALLOW, EPERM]);
  });

  test("a call above all that the profile names answers ENOSYS", () => {
    expect([answer(program(base), 2), answer(program(base), 4)]).toEqual([EPERM, ENOSYS]);
    const kill = program({ ...base, defaultAction: "SCMP_ACT_KILL_PROCESS" });
    expect([answer(kill, 2), answer(kill, 4)]).toEqual([0x80000000, ENOSYS]);
    const log = program({ ...base, defaultAction: "SCMP_ACT_LOG" });
    expect(answer(log, 400)).toBe(0x7ffc0000);
  });

  test("a call that an entry with the default action names is no younger one", () => {
    const idle = { names: ["openat2"], action: "SCMP_ACT_ERRNO" };
    const filter = program({ ...base, syscalls: [...base.syscalls, idle] });
    expect([answer(filter, 437), answer(filter, 438)]).toEqual([EPERM, ENOSYS]);
  });

  test("arm's private calls hide no younger call, and are none when they are named", () => {
    const named = { names: ["cacheflush"], action: "SCMP_ACT_ERRNO" };
    const filter = program(
      {
        ...base,
        architectures: ["SCMP_ARCH_ARM"],
        syscalls: [
          allow("read", "set_tls"),
          named,
          { ...allow("breakpoint"), args: [equal(0, 1)] },
        ],
      },
      "aarch64",
    );
    const arm = (nr: number): number => answer(filter, nr, 0x40000028);
    expect([arm(3), arm(2), arm(4)]).toEqual([ALLOW, EPERM, ENOSYS]);
    // set_tls, cacheflush, breakpoint with another argument, usr26
    const far = [0xf0005, 0xf0002, 0xf0001, 0xf0003].map(arm);
    expect(far).toEqual([ALLOW, EPERM, EPERM, ENOSYS]);
  });

  test("an entry without conditions wins over those that look at arguments", () => {
    const only = { ...allow("close"), args: [{ index: 0, value: 5, op: "SCMP_CMP_EQ" }] };
    const kill = { names: ["close"], action: "SCMP_ACT_KILL" };
    const filter = program({ ...base, syscalls: [only, kill, allow("close")] });
    expect([answer(filter, 3, X86_64, 5n), answer(filter, 3, X86_64, 4n)]).toEqual([KILL, KILL]);
  });

  test("comparisons are all needed, but alternatives where they share an argument", () => {
    const every = program({
      ...base,
      syscalls: [{ ...allow("close"), args: [equal(0, 1), equal(1, 2)] }],
    });
    expect([answer(every, 3, X86_64, 1n, 2n), answer(every, 3, X86_64, 1n)]).toEqual([
      ALLOW,
      EPERM,
    ]);
    const any = program({
      ...base,
      syscalls: [{ ...allow("close"), args: [equal(0, 1), equal(0, 2)] }],
    });
    const answers = [1n, 2n, 3n].map((first) => answer(any, 3, X86_64, first));
    expect(answers).toEqual([ALLOW, ALLOW, EPERM]);
  });

  test("alternatives may overlap, and lie in one another", () => {
    const atMost: ArgumentRule = { index: 0, value: 10, op: "SCMP_CMP_LE" };
    const atLeast: ArgumentRule = { index: 0, value: 1n << 40n, op: "SCMP_CMP_GE" };
    const args = [equal(0, 3), atMost, equal(0, 11), atLeast, equal(0, 1n << 41n)];
    const filter = program({ ...base, syscalls: [{ ...allow("close"), args }] });
    const allowed = [0n, 3n, 4n, 10n, 11n, 1n << 40n, (1n << 41n) + 1n, (1n << 64n) - 1n];
    const denied = [12n, 1n << 32n, (1n << 32n) + 3n, (1n << 40n) - 1n];
    for (const value of allowed) expect(answer(filter, 3, X86_64, value)).toBe(ALLOW);
    for (const value of denied) expect(answer(filter, 3, X86_64, value)).toBe(EPERM);
  });

  test("on 32-bit x86 a rule also holds for the call made through a multiplexer", () => {
    const socket = program(deny("socket"));
    expect([answer(socket, 359, I386), answer(socket, 102, I386, 1n)]).toEqual([EPERM, EPERM]);
    expect(answer(socket, 102, I386, 2n)).toBe(ALLOW);
    const shmget = program(deny("shmget"));
    expect([answer(shmget, 117, I386, 23n), answer(shmget, 117, I386, 0x10017n)]).toEqual([
      EPERM,
      EPERM,
    ]);
    expect(answer(shmget, 117, I386, 24n)).toBe(ALLOW);
  });
});

test("names that no ABI has are told, and change nothing", () => {
  const base = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [] };
  const names = ["riscv_hwprobe", "read write", "frobnicate", "0"];
  const compiled = compile(
    { ...base, syscalls: [{ names: ["chown32", ...names], action: "SCMP_ACT_ALLOW" }] },
    "x86_64",
  );
  expect(compiled.ok && compiled.unknown).toEqual(names);
  expect(compiled.ok && compiled.program).toEqual(program(base));
});

test("jumps over more than 255 instructions arrive", () => {
  const table = syscallNumbers("x86_64");
  // An answer of its own for each call makes long searches; a list of values, long matches.
  const syscalls = [...table.keys()].map((name, i) => ({
    names: [name],
    action: "SCMP_ACT_ERRNO",
    errnoRet: i + 1,
  }));
  const values = Array.from({ length: 300 }, (_, i) => BigInt(i) * 0x1_0000_0003n);
  const args = values.map((value) => equal(2, value));
  syscalls[0] = Object.assign({ names: ["read"], action: "SCMP_ACT_LOG", args });
  const compiled = compile({ defaultAction: "SCMP_ACT_ALLOW", syscalls }, "x86_64");
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem));
  expect(compiled.instructions).toBeGreaterThan(1500);
  for (const [i, [, nr]] of [...table].entries()) {
    if (i > 0) expect(answer(compiled.program, nr)).toBe(0x50000 + i + 1);
  }
  for (const value of values) {
    const at = (third: bigint): number => answer(compiled.program, 0, X86_64, 0n, 0n, third);
    expect([at(value), at(value + 1n), at(value + (1n << 40n))]).toEqual([
      0x7ffc0000,
      ALLOW,
      ALLOW,
    ]);
  }
});

test("a profile that does not fit into 4096 instructions is refused", () => {
  const args = Array.from({ length: 1500 }, (_, i) => equal(0, BigInt(i) << 33n));
  const syscalls = [{ names: ["read"], action: "SCMP_ACT_ALLOW", args }];
  const compiled = compile({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, "x86_64");
  expect(compiled.ok ? undefined : compiled.problem.path).toBe("syscalls");
});

test("the same profile gives the same bytes, few instructions, and few steps per call", () => {
  const names = [...syscallNumbers("x86_64").keys()].filter((_, i) => i % 3 !== 0);
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
  };
  const [first, second] = [program(profile), program(profile)];
  expect(first).toEqual(second);
  // 128 lone gaps: 128 ranges, each with one exception, are eight levels and the loads.
  const steps = Array.from(
    { length: 472 },
    (_, nr) => run(first, { nr, arch: X86_64, args: [] }).steps,
  );
  expect(Math.max(...steps)).toBeLessThanOrEqual(14);
});
