// Compiled programs in the kernel: what it answers to real system calls under them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeBase64 } from "./base64.ts";
import { compile } from "./compile.ts";
import { filterFlags } from "./flags.ts";
import { precompiledDefault, precompiledOptions } from "./precompiled.ts";
import type { Profile, SyscallRule } from "./profile.ts";

const noCompiler = !existsSync("/usr/bin/cc");
const wrongHost = process.platform !== "linux" || process.arch !== "x64";
const why = noCompiler ? " (skipped: no /usr/bin/cc)" : " (skipped: its calls are those of x86-64)";
const skipped = noCompiler || wrongHost;

let folder = "";
beforeAll(() => {
  if (skipped) return;
  folder = mkdtempSync(join(tmpdir(), "pivot-seccomp-"));
  const source = join(import.meta.dir, "testing/kernel.c");
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"];
  const cc = spawnSync("cc", [...flags, source, "-o", join(folder, "kernel")]);
  expect(cc.stderr.toString()).toBe("");
});
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true });
});

/** Runs the C program under `program`: on calls, a line each, or with a command. */
function under(program: Uint8Array, flags: number, input: string, command: readonly string[] = []) {
  const filter = join(folder, "filter");
  writeFileSync(filter, program);
  return spawnSync(join(folder, "kernel"), [filter, `${flags}`, ...command], { input });
}

/** What the kernel answers to calls under a profile. */
function answers(given: Profile, ...calls: readonly string[]): readonly string[] {
  const compiled = compile(given, "x86_64");
  const flags = filterFlags(given.flags, compiled.ok && compiled.notifies);
  if (!compiled.ok || !flags.ok) throw new Error("the profile is not in order");
  const made = under(compiled.program, flags.value, `${calls.join("\n")}\n`);
  expect(made.stderr.toString()).toBe("");
  return made.stdout.toString().trimEnd().split("\n");
}

/** A profile that lets the C program end, and has some more rules. */
function profile(defaultAction: string, ...rules: readonly SyscallRule[]): Profile {
  const end = { names: ["exit_group"], action: "SCMP_ACT_ALLOW" };
  return { defaultAction, syscalls: [end, ...rules] };
}

const SIGSYS = "signal 31";

describe.skipIf(skipped)(`the kernel${skipped ? why : ""}`, () => {
  test("denies with the errno asked for, and ENOSYS for younger calls", () => {
    const rules = profile(
      "SCMP_ACT_ERRNO",
      { names: ["getppid"], action: "SCMP_ACT_ALLOW" },
      {
        names: ["getpid"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 42,
      },
    );
    const calls = ["x86_64 110", "x86_64 39", "x86_64 102", "x86_64 400"];
    expect(answers(rules, ...calls)).toEqual(["ok", "errno 42", "errno 1", "errno 38"]);
  });

  test("kills", () => {
    for (const action of ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"]) {
      const rules = profile("SCMP_ACT_ALLOW", { names: ["getpid"], action });
      expect(answers(rules, "x86_64 39", "x86_64 110")).toEqual([SIGSYS, "ok"]);
    }
  });

  test("lets a logged call through, and a call made for a tracer that is not there fail", () => {
    const rules = profile(
      "SCMP_ACT_ALLOW",
      { names: ["getpid"], action: "SCMP_ACT_LOG" },
      {
        names: ["getppid"],
        action: "SCMP_ACT_TRACE",
      },
    );
    expect(answers(rules, "x86_64 39", "x86_64 110")).toEqual(["ok", "errno 38"]);
  });

  test("compares both halves of an argument", () => {
    const equals = { index: 1, value: 0x5_0000_0007n, op: "SCMP_CMP_EQ" };
    const masked = {
      index: 2,
      value: 0xf0_0000_00f0n,
      valueTwo: 0x10_0000_0020n,
      op: "SCMP_CMP_MASKED_EQ",
    };
    const rules = profile("SCMP_ACT_ALLOW", {
      names: ["getpid"],
      action: "SCMP_ACT_ERRNO",
      args: [equals, masked],
    });
    const both = ["x86_64 39 0 0x500000007 0x1100000021", "x86_64 39 0 0x500000007 0x1100000011"];
    const one = ["x86_64 39 0 0x7 0x1100000021", "x86_64 39 0 0x600000007 0x1100000021"];
    expect(answers(rules, ...both, ...one)).toEqual(["errno 1", "ok", "ok", "ok"]);
  });

  /** A kernel may be built or started without them: then a process that makes one is killed. */
  const has32BitCalls = (): boolean => {
    const listed = { ...profile("SCMP_ACT_ALLOW"), architectures: ["SCMP_ARCH_X86"] };
    return answers(listed, "x86 20")[0] === "ok";
  };

  test("kills 32-bit calls unless their architecture is listed", () => {
    const rules = profile("SCMP_ACT_ALLOW", { names: ["getpid"], action: "SCMP_ACT_ERRNO" });
    if (!has32BitCalls()) return;
    expect(answers(rules, "x86 20")).toEqual([SIGSYS]);
    const listed = { ...rules, architectures: ["SCMP_ARCH_X86"] };
    expect(answers(listed, "x86 20", "x86 64", "x86_64 39")).toEqual(["errno 1", "ok", "errno 1"]);
  });

  test("kills x32 calls unless x32 is listed", () => {
    const rules = profile("SCMP_ACT_ALLOW", { names: ["getpid"], action: "SCMP_ACT_ERRNO" });
    expect(answers(rules, `x86_64 ${0x40000000 + 39}`)).toEqual([SIGSYS]);
    const listed = { ...rules, architectures: ["SCMP_ARCH_X32"] };
    expect(answers(listed, `x86_64 ${0x40000000 + 39}`)).toEqual(["errno 1"]);
  });

  test("filters a multiplexed call of 32-bit x86", () => {
    if (!has32BitCalls()) return;
    const rules = profile("SCMP_ACT_ALLOW", { names: ["socket"], action: "SCMP_ACT_ERRNO" });
    const listed = { ...rules, architectures: ["SCMP_ARCH_X86"] };
    // socketcall(SYS_SOCKET, NULL) and socketcall(SYS_BIND, NULL): the latter gets to the kernel.
    expect(answers(listed, "x86 102 1 0", "x86 102 2 0")).toEqual(["errno 1", "errno 14"]);
  });

  test("takes every flag", () => {
    const flags = ["LOG", "SPEC_ALLOW", "TSYNC"].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
    expect(answers({ ...profile("SCMP_ACT_ALLOW"), flags }, "x86_64 39")).toEqual(["ok"]);
    const notify = profile("SCMP_ACT_ALLOW", { names: ["getpid"], action: "SCMP_ACT_NOTIFY" });
    const all = [...flags, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
    const asked = { ...notify, flags: all, listenerPath: "/run/agent" };
    expect(answers(asked, "x86_64 39", "x86_64 110")).toEqual(["errno 38", "ok"]);
  });

  test("runs programs under the default profile, which forbids what it should", () => {
    const program = decodeBase64(precompiledDefault(precompiledOptions("x86_64", true)) ?? "");
    const echo = under(program, 4, "", ["/bin/sh", "-c", "echo $((6 * 7)); ls / >/dev/null"]);
    expect([echo.stdout.toString(), echo.stderr.toString(), echo.status]).toEqual(["42\n", "", 0]);
    const expected = {
      "x86_64 272 0x10000000": "errno 1", // unshare(CLONE_NEWUSER)
      "x86_64 56 0x10000000": "errno 1", // clone(CLONE_NEWUSER)
      "x86_64 435": "errno 38", // clone3
      "x86_64 425": "errno 1", // io_uring_setup
      "x86_64 165": "errno 1", // mount
      "x86_64 41 38 5 0": "errno 1", // socket(AF_ALG)
      "x86_64 41 1 1 0": "ok", // socket(AF_UNIX)
      "x86_64 135 0xffffffff": "ok", // personality, asked for
      "x86_64 135 0x40000": "errno 1", // personality(ADDR_NO_RANDOMIZE)
      "x86_64 161": "errno 14", // chroot(NULL) gets to the kernel
      "x86_64 468": "errno 38", // file_getattr is younger than the profile
      ...(has32BitCalls() ? { "x86 20": "ok", "x86 310 0x10000000": "errno 1" } : {}),
    };
    const made = under(program, 4, `${Object.keys(expected).join("\n")}\n`);
    expect(made.stdout.toString().trimEnd().split("\n")).toEqual(Object.values(expected));
  });
});
