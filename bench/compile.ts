// Builds the C programs of the benchmark.

import { join } from "node:path";
import { command, findProgram } from "./command.ts";

/**
 * Compiles one file of this folder to a static program and returns `output`.
 * Throws with the last line of the compiler when it fails.
 *
 * With musl where it is installed: glibc asks the processor what it can do with dozens of
 * CPUID instructions at the start of every program. Each leaves a virtual machine for its
 * host, about 7 us, which makes 0.35 ms of nothing but start-up.
 */
export function compile(source: string, output: string): string {
  const strict = ["-std=c11", "-O2", "-static", "-Wall", "-Wextra", "-Werror"];
  const musl = findProgram("musl-gcc");
  const compiler = musl ? [musl, ...kernelHeaders()] : ["cc"];
  command([...compiler, ...strict, join(import.meta.dirname, source), "-o", output]);
  return output;
}

/** musl-gcc leaves the system's directories out, and with them the kernel's headers. */
function kernelHeaders(): string[] {
  const multiarch = command(["cc", "-print-multiarch"]).trim();
  return ["/usr/include", join("/usr/include", multiarch)].flatMap((path) => ["-idirafter", path]);
}
