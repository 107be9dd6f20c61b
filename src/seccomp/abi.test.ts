// The tables of call numbers: some facts, and the kernel's headers where they are installed.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type AbiName, isArchitecture, isSyscall, syscallNumbers } from "./abi.ts";

const X86 = "/usr/include/x86_64-linux-gnu/asm";
const HEADERS: readonly (readonly [AbiName, string])[] = [
  ["x86_64", `${X86}/unistd_64.h`],
  ["x32", `${X86}/unistd_x32.h`],
  ["x86", `${X86}/unistd_32.h`],
  ["arm", "/usr/arm-linux-gnueabihf/include/asm/unistd-eabi.h"],
];

for (const [abi, path] of HEADERS) {
  const missing = !existsSync(path);
  const why = missing ? " (skipped: the header is not installed)" : "";
  test.skipIf(missing)(`${abi} has the numbers of ${path}${why}`, () => {
    const numbers = syscallNumbers(abi);
    const line = /^#define __NR_(\w+) (?:\(__\w+ \+ (\d+)\)|(\d+))$/gm;
    const defined = [...readFileSync(path, "utf8").matchAll(line)];
    expect(defined.length).toBeGreaterThan(300);
    for (const [, name = "", behind, number] of defined) {
      expect([name, numbers.get(name)]).toEqual([name, Number(behind ?? number)]);
    }
  });
}

test("calls have the numbers that they are known by", () => {
  const facts: readonly (readonly [AbiName, string, number])[] = [
    ["x86_64", "execve", 59],
    ["x32", "execve", 520],
    ["x32", "openat2", 437],
    ["x86", "execve", 11],
    ["aarch64", "execve", 221],
    ["aarch64", "newfstatat", 79],
    ["arm", "execve", 11],
    ["arm", "set_tls", 0xf0005],
    ["arm", "sync_file_range2", 341],
    ["arm", "arm_sync_file_range", 341],
    ["x86_64", "uprobe", 336],
  ];
  for (const [abi, name, number] of facts) {
    expect([abi, name, syscallNumbers(abi).get(name)]).toEqual([abi, name, number]);
  }
  for (const abi of ["x86_64", "x32", "x86", "aarch64", "arm"] as const) {
    const numbers = syscallNumbers(abi);
    const younger = ["cachestat", "mseal", "removexattrat", "open_tree_attr", "file_setattr"];
    expect(younger.map((name) => numbers.get(name))).toEqual([451, 462, 466, 467, 469]);
  }
  expect(syscallNumbers("x32").has("set_thread_area")).toBe(false);
  expect(syscallNumbers("aarch64").has("open")).toBe(false);
});

test("a name is known if any ABI has it, whole and alone", () => {
  const known = ["read", "rseq_slice_yield", "chown32", "breakpoint", "send"];
  expect(known.filter(isSyscall)).toEqual(known);
  expect(["", "rea", "read write", "14", "0", "riscv_hwprobe"].filter(isSyscall)).toEqual([]);
});

test("architectures are libseccomp's names", () => {
  const known = ["SCMP_ARCH_X86", "SCMP_ARCH_ARM", "SCMP_ARCH_S390X", "SCMP_ARCH_LOONGARCH64"];
  expect(known.filter(isArchitecture)).toEqual(known);
  expect(
    ["SCMP_ARCH_", "SCMP_ARCH_AMD64", "X86", "SCMP_ARCH_MIPS "].filter(isArchitecture),
  ).toEqual([]);
});
