/** Where the executor's program is. */

import { existsSync } from "node:fs";

/**
 * The path of the program that is launcher and executor in one: beside the compiled command line,
 * or in the package's `build` directory.
 *
 * @throws Error when it has not been built.
 */
export function executorPath(): string {
  const candidates = [
    process.execPath.replace(/-program(\.new)?$/, ""),
    new URL("../../build/pivot", import.meta.url).pathname,
  ];
  const found = candidates.find((path) => path.endsWith("/pivot") && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`the executor is not built: ${candidates[1]}; run ./pivot once, it builds it`);
}

/** The same program by its other name: the OCI runtime. */
export const runtimePath = (): string => `${executorPath()}-oci`;
