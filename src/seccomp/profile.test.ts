// What a profile is refused for, and what its flags become.
import { expect, test } from "bun:test";
import { compile } from "./compile.ts";
import { filterFlags } from "./flags.ts";
import type { ArgumentRule, Profile } from "./profile.ts";

const allow = { names: ["read"], action: "SCMP_ACT_ALLOW" };
const arg: ArgumentRule = { index: 0, value: 1, op: "SCMP_CMP_EQ" };

/** A profile with something wrong, where that is, and what was received. */
const REFUSED: readonly (readonly [Partial<Profile>, string, string])[] = [
  [{ defaultAction: "SCMP_ACT_DENY" }, "defaultAction", '"SCMP_ACT_DENY"'],
  [{ defaultAction: "constructor" }, "defaultAction", '"constructor"'],
  [{ defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1 }, "defaultErrnoRet", "1"],
  [{ defaultErrnoRet: 4096 }, "defaultErrnoRet", "4096"],
  [{ defaultErrnoRet: -1 }, "defaultErrnoRet", "-1"],
  [{ defaultAction: "SCMP_ACT_TRACE", defaultErrnoRet: 65536 }, "defaultErrnoRet", "65536"],
  [{ defaultAction: "SCMP_ACT_NOTIFY" }, "listenerPath", "none"],
  [{ architectures: ["SCMP_ARCH_X86", "x86"] }, "architectures[1]", '"x86"'],
  [{ syscalls: [allow, { ...allow, errnoRet: 0 }] }, "syscalls[1].errnoRet", "0"],
  [{ syscalls: [{ ...allow, names: [] }] }, "syscalls[0].names", "none"],
  [{ syscalls: [{ ...allow, names: ["read", ""] }] }, "syscalls[0].names[1]", '""'],
  [{ syscalls: [{ ...allow, args: [{ ...arg, index: 6 }] }] }, "syscalls[0].args[0].index", "6"],
  [{ syscalls: [{ ...allow, args: [{ ...arg, op: "EQ" }] }] }, "syscalls[0].args[0].op", '"EQ"'],
  [
    { syscalls: [{ ...allow, args: [arg, { ...arg, value: 2 ** 64 }] }] },
    "syscalls[0].args[1].value",
    "18446744073709552000",
  ],
  [
    { syscalls: [{ ...allow, args: [{ ...arg, valueTwo: 1n << 64n }] }] },
    "syscalls[0].args[0].valueTwo",
    "18446744073709551616",
  ],
  [{ syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }] }, "listenerPath", "none"],
  [{ listenerMetadata: "x" }, "listenerMetadata", "metadata"],
];

for (const [fault, path, received] of REFUSED) {
  test(`refused: ${path} with ${received}`, () => {
    const compiled = compile({ defaultAction: "SCMP_ACT_ERRNO", ...fault }, "x86_64");
    if (compiled.ok) throw new Error("it was compiled");
    const { problem } = compiled;
    expect([problem.path, problem.received]).toEqual([path, received]);
    expect(problem.expected).toMatch(/^[^\n]+$/);
  });
}

test("a foreign architecture is passed over", () => {
  const native = compile({ defaultAction: "SCMP_ACT_ERRNO" }, "x86_64");
  const foreign = { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_S390X"] };
  expect(compile(foreign, "x86_64")).toEqual(native);
});

test("a filter that notifies says so", () => {
  const syscalls = [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }];
  const profile = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agent", syscalls };
  const compiled = compile(profile, "x86_64");
  expect(compiled.ok && compiled.notifies).toBe(true);
});

function flag(name: string): string {
  return `SECCOMP_FILTER_FLAG_${name}`;
}

test("flags are the kernel's numbers", () => {
  expect(filterFlags(undefined, false)).toEqual({ ok: true, value: 4 });
  expect(filterFlags(undefined, true)).toEqual({ ok: true, value: 12 });
  expect(filterFlags([], false)).toEqual({ ok: true, value: 0 });
  expect(filterFlags([flag("LOG"), flag("SPEC_ALLOW")], false)).toEqual({ ok: true, value: 6 });
  expect(filterFlags([flag("TSYNC")], false)).toEqual({ ok: true, value: 1 });
  // TSYNC_ESRCH comes with a listener, and WAIT_KILLABLE_RECV goes without one.
  expect(filterFlags([flag("TSYNC")], true)).toEqual({ ok: true, value: 25 });
  expect(filterFlags([flag("WAIT_KILLABLE_RECV")], true)).toEqual({ ok: true, value: 40 });
  expect(filterFlags([flag("WAIT_KILLABLE_RECV")], false)).toEqual({ ok: true, value: 0 });
  const unknown = filterFlags([flag("LOG"), flag("NEW_LISTENER")], false);
  expect(unknown.ok ? undefined : unknown.problem.path).toBe("flags[1]");
});
