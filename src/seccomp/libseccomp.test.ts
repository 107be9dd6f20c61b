// The compiler against libseccomp: the same profiles, and the decisions of both programs compared.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { type Arch, abisOf, syscallNumbers } from "./abi.ts";
import { actionValue } from "./action.ts";
import { compile } from "./compile.ts";
import { decide } from "./decide.ts";
import { defaultProfile } from "./default-profile.ts";
import { run, type SyscallData } from "./machine.ts";
import type { ArgumentRule, Profile, SyscallRule } from "./profile.ts";

const missing = ["/usr/include/seccomp.h", "/usr/bin/cc"].find((path) => !existsSync(path));
const reason = missing === undefined ? "" : ` (skipped: no ${missing}; see package libseccomp-dev)`;

/** SCMP_ARCH_* and enum scmp_compare of <seccomp.h>. */
const TOKENS: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
};
const OPERATORS = ["", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
const HOST: Arch = process.arch === "arm64" ? "aarch64" : "x86_64";

let folder = "";
beforeAll(() => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), "pivot-seccomp-"));
  const source = join(import.meta.dir, "testing/libseccomp.c");
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"];
  const cc = spawnSync("cc", [...flags, source, "-lseccomp", "-o", join(folder, "oracle")]);
  expect(cc.stderr.toString()).toBe("");
});
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true });
});

interface Oracle {
  readonly program: Uint8Array;
  /** Names that the installed libseccomp is too old for. */
  readonly unknown: ReadonlySet<string>;
}

/** What libseccomp makes of a profile, added rule by rule as runc and crun add them. */
function byLibseccomp(profile: Profile, arch: Arch): Oracle {
  const defaultAction = returned(profile.defaultAction, profile.defaultErrnoRet);
  const [native] = abisOf(arch);
  const lines = [`default ${hex(defaultAction)}`];
  for (const name of [native.scmp, ...(profile.architectures ?? [])]) {
    lines.push(`arch ${hex(TOKENS[name] ?? 0)}`);
  }
  if (arch !== HOST) lines.push(`without ${hex(TOKENS[abisOf(HOST)[0].scmp] ?? 0)}`);
  for (const { names, action, errnoRet, args } of profile.syscalls ?? []) {
    const value = returned(action, errnoRet);
    if (value === defaultAction) continue;
    const words = (args ?? []).map((arg) => {
      const operator = OPERATORS.indexOf(arg.op.slice("SCMP_CMP_".length));
      return ` ${arg.index} ${operator} ${hex(arg.value)} ${hex(arg.valueTwo ?? 0)}`;
    });
    for (const name of names) lines.push(`rule ${hex(value)} ${name}${words.join("")}`);
  }
  const made = spawnSync(join(folder, "oracle"), [], { input: `${lines.join("\n")}\n` });
  const said = made.stderr.toString();
  if (made.status !== 0) throw new Error(`${said}\n${lines.join("\n")}`);
  const unknown = new Set([...said.matchAll(/^unknown (\w+)$/gm)].map(([, name]) => name ?? ""));
  return { program: made.stdout, unknown };
}

function hex(n: number | bigint): string {
  return n.toString(16);
}

function returned(action: string, errno: number | undefined): number {
  const result = actionValue(action, errno, { action: "action", errno: "errnoRet" });
  return result.ok ? result.value : Number.NaN;
}

function without(profile: Profile, names: ReadonlySet<string>): Profile {
  const syscalls = (profile.syscalls ?? []).map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !names.has(name)),
  }));
  return { ...profile, syscalls: syscalls.filter((rule) => rule.names.length > 0) };
}

/** The calls on which the two differ where they should not. */
function differences(profile: Profile, arch: Arch, calls: Iterable<SyscallData>): string[] {
  const oracle = byLibseccomp(profile, arch);
  const subject = without(profile, oracle.unknown);
  const compiled = compile(subject, arch);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problem));
  const found: string[] = [];
  const younger = new Map<string, boolean>();
  for (const call of calls) {
    const ours = run(compiled.program, call).action;
    const theirs = run(oracle.program, call).action;
    if (ours === theirs) continue;
    // runc puts ENOSYS for younger calls in front of libseccomp's program.
    const key = `${call.arch} ${call.nr}`;
    if (!younger.has(key)) {
      const decision = decide(subject, arch, call);
      younger.set(key, decision.ok && decision.value.reason === "younger");
    }
    if (younger.get(key) === true) continue;
    // ipc(2)'s version, in the upper half of its first argument, is what libseccomp forgets.
    if (call.arch === 0x40000003 && call.nr === 117 && (call.args[0] ?? 0n) > 0xffffn) continue;
    const args = call.args.map((arg) => arg.toString(16));
    found.push(
      `${call.arch.toString(16)}:${call.nr}(${args}): ${ours.toString(16)}, not ${theirs.toString(16)}`,
    );
  }
  return found;
}

/** Every number that any ABI of the machine has, what lies between and around them, and the odd ones. */
function* allCalls(arch: Arch, args: readonly bigint[]): Iterable<SyscallData> {
  const audits = new Set(abisOf(arch).map(({ audit }) => audit));
  for (const audit of [...audits, 0x1234]) {
    for (let nr = 0; nr < 480; nr++) yield { nr, arch: audit, args };
    for (let nr = 0; nr < 560; nr++) yield { nr: nr + 0x40000000, arch: audit, args };
    for (const nr of [-1, 0x0f0001, 0x0f0002, 0x0f0005]) yield { nr, arch: audit, args };
  }
}

/**
 * Calls of all ABIs, among them one that socketcall(2) leads to and one of ipc(2). With one that an
 * ABI lacks, small programs of libseccomp 2.5 compare the architecture instead of the number.
 */
const NAMES = "read write openat clone personality socket shmget execve readv ioctl".split(" ");

const U64 = (1n << 64n) - 1n;
const value = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 0xfffffffen, 0xffffffffn, 1n << 32n, 0x5_0000_0005n, 1n << 63n, U64),
  fc.bigInt({ min: 0n, max: U64 }),
);

/** Entries for one call all have one action: libseccomp's order among others is its own. */
function profiles(arch: Arch): fc.Arbitrary<Profile> {
  const argument: fc.Arbitrary<ArgumentRule> = fc.record({
    index: fc.integer({ min: 0, max: 5 }),
    value,
    valueTwo: value,
    op: fc.constantFrom(...OPERATORS.slice(1).map((name) => `SCMP_CMP_${name}`)),
  });
  const several = fc.uniqueArray(argument, { maxLength: 3, selector: ({ index }) => index });
  const actions = fc.constantFrom("SCMP_ACT_ALLOW", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP");
  // One entry with any conditions, or several that want a value of one argument. Beyond that
  // libseccomp 2.5 does not do what its manual says: where entries compare different arguments, or
  // compare by order, some of them are never reached.
  const listed = fc.record({ index: fc.integer({ min: 0, max: 5 }), values: fc.array(value) });
  const choices: fc.Arbitrary<readonly (readonly ArgumentRule[])[]> = fc.oneof(
    several.map((all) => [all]),
    listed.map(({ index, values }) =>
      values.map((one) => [{ index, value: one, valueTwo: 0n, op: "SCMP_CMP_EQ" }]),
    ),
  );
  const names = fc.constantFrom(...NAMES);
  const rules = fc.record({ name: names, action: actions, anyOf: choices });
  return fc.record({
    defaultAction: fc.constantFrom("SCMP_ACT_ERRNO", "SCMP_ACT_LOG"),
    architectures: fc.subarray(abisOf(arch).map(({ scmp }) => scmp)),
    syscalls: fc
      .uniqueArray(rules, { maxLength: 8, selector: ({ name }) => name })
      .map((all) =>
        all.flatMap(({ name, action, anyOf }) =>
          anyOf.map((args): SyscallRule => ({ names: [name], action, args })),
        ),
      ),
  });
}

/** The numbers that `names` have in the ABIs of a machine. */
function numbersOf(names: readonly string[], arch: Arch): readonly { nr: number; arch: number }[] {
  return abisOf(arch).flatMap((abi) => {
    const table = syscallNumbers(abi.name);
    return names.flatMap((name) => {
      const number = table.get(name);
      return number === undefined ? [] : [{ nr: number + abi.base, arch: abi.audit }];
    });
  });
}

function callsFor(profile: Profile, arch: Arch): fc.Arbitrary<readonly SyscallData[]> {
  const compared = (profile.syscalls ?? []).flatMap(({ args }) =>
    (args ?? []).flatMap((arg) => [BigInt(arg.value), BigInt(arg.valueTwo ?? 0)]),
  );
  const near = [0n, ...compared].flatMap((v) => [v, v + 1n, v - 1n, v ^ (1n << 32n)]);
  const arg = fc.oneof(value, fc.constantFrom(...near)).map((v) => BigInt.asUintN(64, v));
  const call = fc.record({
    number: fc.constantFrom(...numbersOf(NAMES, arch)),
    args: fc.array(arg, { minLength: 6, maxLength: 6 }),
  });
  return fc.array(
    call.map(({ number, args }) => ({ ...number, args })),
    { minLength: 60 },
  );
}

/** x32 has this call since Linux 6.10, and the libseccomp of Debian 12 has it for the others only. */
const AHEAD = new Set(["map_shadow_stack"]);

describe.skipIf(missing !== undefined)(`libseccomp${reason}`, () => {
  for (const arch of ["x86_64", "aarch64"] as const) {
    test(`decides as we do on the default profile for ${arch}`, {
      timeout: 60_000 * patience,
    }, () => {
      const values = [0n, 1n, 8n, 11n, 12n, 13n, 19n, 38n, 40n, 45n, 46n, 0x20000n, 0x20008n];
      const firsts = [...values, 0xffffffffn, 0x10000000n, 1n << 32n, (1n << 32n) + 16n];
      const some = numbersOf(["socket", "personality", "clone", "clone3", "read"], arch);
      for (const capabilities of [["CAP_SYS_CHROOT"], ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"]]) {
        const profile = defaultProfile({ capabilities, kernel: { major: 6, minor: 1 }, arch });
        const calls: SyscallData[] = firsts.flatMap((first) =>
          some.map((call) => ({ ...call, args: [first] })),
        );
        calls.push(...allCalls(arch, [0x10000000n]));
        expect(differences(without(profile, AHEAD), arch, calls)).toEqual([]);
      }
    });

    test(`decides as we do on generated profiles for ${arch}`, {
      timeout: 60_000 * patience,
    }, () => {
      const subject = profiles(arch).chain((profile) =>
        fc.record({ profile: fc.constant(profile), calls: callsFor(profile, arch) }),
      );
      const property = fc.property(subject, ({ profile, calls }) => {
        expect(differences(profile, arch, calls)).toEqual([]);
      });
      fc.assert(property, { numRuns: 150, includeErrorInReport: true });
    });
  }
});
