// The system call ABIs that a filter can meet on x86-64 and arm64, and their call numbers.
import { AARCH64, ARM, NOT_X32, X32, X86, X86_64 } from "./syscalls.generated.ts";

/** The machine that the filter is for, in uname(2)'s words. */
export type Arch = "x86_64" | "aarch64";

export type AbiName = "x86_64" | "x86" | "x32" | "aarch64" | "arm";

export interface Abi {
  readonly name: AbiName;
  /** Its name in a profile's `architectures`. */
  readonly scmp: string;
  /** AUDIT_ARCH_* of <linux/audit.h>, which the filter finds in `seccomp_data.arch`. */
  readonly audit: number;
  /**
   * How much of an argument is compared. x32 registers are 64 bits wide, but its arguments are
   * 32-bit values; libseccomp compares their lower half too.
   */
  readonly bits: 32 | 64;
  /** What is added to a number of the table. */
  readonly base: number;
}

/** __X32_SYSCALL_BIT: an x32 call is an x86-64 call with this bit set in its number. */
export const X32_BIT = 0x40000000;

/** Numbers from here on are private to arm's C library and kernel (__ARM_NR_BASE). */
export const ARM_PRIVATE = 0x0f0000;

const ABIS: Readonly<Record<Arch, readonly [Abi, ...Abi[]]>> = {
  x86_64: [
    { name: "x86_64", scmp: "SCMP_ARCH_X86_64", audit: 0xc000003e, bits: 64, base: 0 },
    { name: "x32", scmp: "SCMP_ARCH_X32", audit: 0xc000003e, bits: 32, base: X32_BIT },
    { name: "x86", scmp: "SCMP_ARCH_X86", audit: 0x40000003, bits: 32, base: 0 },
  ],
  aarch64: [
    { name: "aarch64", scmp: "SCMP_ARCH_AARCH64", audit: 0xc00000b7, bits: 64, base: 0 },
    { name: "arm", scmp: "SCMP_ARCH_ARM", audit: 0x40000028, bits: 32, base: 0 },
  ],
};

/** The ABIs of a machine, its native one first. */
export function abisOf(arch: Arch): readonly [Abi, ...Abi[]] {
  return ABIS[arch];
}

/** Architectures that libseccomp knows besides ours. No process here can have one of them. */
const FOREIGN = `MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X
  PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB`;

/** Whether `name` may stand in a profile's `architectures`. */
export function isArchitecture(name: string): boolean {
  if (!name.startsWith("SCMP_ARCH_")) return false;
  if (Object.values(ABIS).some((abis) => abis.some((abi) => abi.scmp === name))) return true;
  return FOREIGN.split(/\s+/).includes(name.slice("SCMP_ARCH_".length));
}

/** The numbers of an ABI's calls by name, before its `base` is added. */
export type SyscallNumbers = ReadonlyMap<string, number>;

/** The numbers of an ABI. x32 is made from those of x86-64, which have to be given. */
export function syscallNumbers(abi: AbiName, x86_64?: SyscallNumbers): SyscallNumbers {
  switch (abi) {
    case "x86_64":
      return readTable(X86_64);
    case "x86":
      return readTable(X86);
    case "x32": {
      const numbers = new Map(x86_64 ?? readTable(X86_64));
      for (const name of NOT_X32.split(" ")) numbers.delete(name);
      for (const [name, number] of readTable(X32)) numbers.set(name, number);
      return numbers;
    }
    case "aarch64":
      return readTable(AARCH64);
    case "arm":
      return readTable(ARM);
  }
}

function readTable(table: string): SyscallNumbers {
  const numbers = new Map<string, number>();
  for (const line of table.split("\n")) {
    const names = line.split(" ");
    let number = Number(names[0]);
    for (let i = 1; i < names.length; i++) numbers.set(names[i] ?? "", number++);
  }
  return numbers;
}

/** Whether any of the five ABIs has a call of this name. */
export function isSyscall(name: string): boolean {
  if (!/^\w+$/.test(name)) return false;
  // A name always stands behind a blank, and before another or the end of its line.
  const [inside, atEnd] = [` ${name} `, ` ${name}\n`];
  return [X86_64, X32, X86, AARCH64, ARM].some((t) => t.includes(inside) || t.includes(atEnd));
}
