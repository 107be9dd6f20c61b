// Writes src/seccomp/syscalls.generated.ts: the system call numbers of the five ABIs, taken from
// the kernel's own user-space headers plus the calls that are younger than those headers.
//
//   apt-get install linux-libc-dev linux-libc-dev-armhf-cross linux-libc-dev-arm64-cross
//   bun tools/seccomp-tables.ts          writes the file
//
// The headers of any later release may be used: numbers never change once released, and the
// script stops where a header and the list of younger calls disagree.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

type Table = Map<string, number>;

const OUTPUT = new URL("../src/seccomp/syscalls.generated.ts", import.meta.url);
const X86 = "/usr/include/x86_64-linux-gnu/asm";
const ARM = "/usr/arm-linux-gnueabihf/include/asm";
const ARM64 = "/usr/aarch64-linux-gnu/include";

/** A call: its number, its name, and the release that brought it. */
type Call = readonly [number, string, string];

/** Calls younger than Linux 6.1 that all ABIs have, under the same number. */
const YOUNGER: readonly Call[] = [
  [451, "cachestat", "6.5"],
  [452, "fchmodat2", "6.6"],
  [453, "map_shadow_stack", "6.6"], // x32 has it since 6.10
  [454, "futex_wake", "6.7"],
  [455, "futex_wait", "6.7"],
  [456, "futex_requeue", "6.7"],
  [457, "statmount", "6.8"],
  [458, "listmount", "6.8"],
  [459, "lsm_get_self_attr", "6.8"],
  [460, "lsm_set_self_attr", "6.8"],
  [461, "lsm_list_modules", "6.8"],
  [462, "mseal", "6.10"],
  [463, "setxattrat", "6.13"],
  [464, "getxattrat", "6.13"],
  [465, "listxattrat", "6.13"],
  [466, "removexattrat", "6.13"],
  [467, "open_tree_attr", "6.15"],
  [468, "file_getattr", "6.17"],
  [469, "file_setattr", "6.17"],
  [470, "listns", "6.19"],
  [471, "rseq_slice_yield", "7.0"],
];

/** Younger calls that only x86-64 and x32 have. */
const YOUNGER_X86: readonly Call[] = [
  [335, "uretprobe", "6.11"],
  [336, "uprobe", "6.18"],
];

/** The `#define PREFIX_name number` lines of a header; `base` is what stands before `+ number`. */
function numbersIn(path: string, prefix: string, base: string): Table {
  const table: Table = new Map();
  const line = new RegExp(`^#define ${prefix}(\\w+)\\s+(?:\\(${base}\\s*\\+\\s*(\\d+)\\)|(\\d+))`);
  for (const text of readFileSync(path, "utf8").split("\n")) {
    const found = line.exec(text);
    const name = found?.[1];
    if (name !== undefined) table.set(name, Number(found?.[2] ?? found?.[3]));
  }
  if (table.size === 0) throw new Error(`no system call number found in ${path}`);
  return table;
}

/** arm: the EABI table, the second name of call 341, and the private calls at 0x0f0000. */
function eabi(): Table {
  const table = numbersIn(`${ARM}/unistd-eabi.h`, "__NR_", "__NR_SYSCALL_BASE");
  const alias = table.get("arm_sync_file_range");
  if (alias !== undefined) table.set("sync_file_range2", alias);
  for (const [name, offset] of numbersIn(`${ARM}/unistd.h`, "__ARM_NR_", "__ARM_NR_BASE")) {
    table.set(name, 0x0f0000 + offset);
  }
  return table;
}

/** arm64 takes the generic table, whose names depend on macros: the C preprocessor decides. */
function generic(): Table {
  const macros = execFileSync("cc", ["-E", "-dM", "-nostdinc", `-I${ARM64}`, "-"], {
    input: "#include <asm/unistd.h>\n",
    encoding: "utf8",
  });
  const values = new Map<string, string>();
  for (const found of macros.matchAll(/^#define (__NR\w+) (\w+)$/gm)) {
    values.set(found[1] ?? "", found[2] ?? "");
  }
  const table: Table = new Map();
  for (const [macro, value] of values) {
    if (!macro.startsWith("__NR_") || macro === "__NR_syscalls") continue;
    // __NR_fcntl is defined as __NR3264_fcntl, which holds the number.
    const number = Number(values.get(value) ?? value);
    if (Number.isInteger(number)) table.set(macro.slice("__NR_".length), number);
  }
  // A block for calls that an architecture defines itself, not a call.
  table.delete("arch_specific_syscall");
  if (table.size === 0) throw new Error(`no system call number found under ${ARM64}`);
  return table;
}

function add(table: Table, ...younger: readonly (readonly Call[])[]): Table {
  for (const [number, name] of younger.flat()) {
    const known = table.get(name);
    if (known !== undefined && known !== number) {
      throw new Error(`${name} is ${known} in the headers and ${number} in this script`);
    }
    table.set(name, number);
  }
  return table;
}

/** Lines of at most 100 columns: a number, then the names that have it and the numbers after it. */
function lines(table: Table): string {
  const byNumber = [...table].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  const rows: string[] = [];
  let row = "";
  let next = -1;
  for (const [name, number] of byNumber) {
    if (number === next && row.length + 1 + name.length <= 100) {
      row += ` ${name}`;
    } else {
      if (row !== "") rows.push(row);
      row = `${number} ${name}`;
    }
    next = number + 1;
  }
  rows.push(row);
  return rows.join("\n");
}

/** x32 as its differences from x86-64, whose other calls it has under the same numbers. */
function differences(x32: Table, x86_64: Table): { own: Table; missing: readonly string[] } {
  const own = new Map([...x32].filter(([name, number]) => x86_64.get(name) !== number));
  return { own, missing: [...x86_64.keys()].filter((name) => !x32.has(name)) };
}

const x86_64 = add(numbersIn(`${X86}/unistd_64.h`, "__NR_", "-"), YOUNGER, YOUNGER_X86);
const x32Header = numbersIn(`${X86}/unistd_x32.h`, "__NR_", "__X32_SYSCALL_BIT");
const x32 = add(x32Header, YOUNGER, YOUNGER_X86);
const x86 = add(numbersIn(`${X86}/unistd_32.h`, "__NR_", "-"), YOUNGER);
const aarch64 = add(generic(), YOUNGER);
const arm = add(eabi(), YOUNGER);
const { own, missing } = differences(x32, x86_64);

writeFileSync(
  OUTPUT,
  `// Written by tools/seccomp-tables.ts: do not edit.
// A line is a number, then the names of the calls that have it and the numbers after it.
// Sources: the kernel's headers up to 6.1, and by name the calls up to 7.0.

export const X86_64 = \`
${lines(x86_64)}
\`;

/** The calls of x32 that x86-64 does not have under the same number; bit 30 is left out. */
export const X32 = \`
${lines(own)}
\`;

/** The calls of x86-64 that x32 does not have. */
export const NOT_X32 = "${missing.join(" ")}";

export const X86 = \`
${lines(x86)}
\`;

export const AARCH64 = \`
${lines(aarch64)}
\`;

export const ARM = \`
${lines(arm)}
\`;
`,
);
for (const [name, table] of Object.entries({ x86_64, x32, x86, aarch64, arm })) {
  console.log(`${name}: ${table.size} calls, the last is ${Math.max(...table.values())}`);
}
