/** Where the executor's program is. */

import { existsSync } from "node:fs";

/** Beside the compiled command line, which goes by this name. */
const besideProgram = (): string[] =>
  /\/pivot-program(\.new)?$/.test(process.execPath)
    ? [process.execPath.replace(/-program(\.new)?$/, "")]
    : [];

/** In the package's `build` directory, as seen from `src/executor` or `dist/executor`. */
function inPackage(): string[] {
  // A bundler's CommonJS has no such address, whatever the types say.
  const here = import.meta.url as string | undefined;
  return here === undefined
    ? []
    : [decodeURIComponent(new URL("../../build/pivot", here).pathname)];
}

/** In the installed package, for a bundle that this file has become a part of. */
function inInstalled(): string[] {
  const here = (import.meta.url as string | undefined) ?? `file://${process.argv[1] ?? "/"}`;
  try {
    const { resolve } = process.getBuiltinModule("node:module").createRequire(here);
    return [resolve("pivot-runtime/package.json").replace(/package\.json$/, "build/pivot")];
  } catch {
    return [];
  }
}

/**
 * The path of the program that is launcher and executor in one.
 *
 * @throws Error when it has not been built.
 */
export function executorPath(): string {
  const usual = [...besideProgram(), ...inPackage()];
  const found = usual.find((path) => existsSync(path)) ?? inInstalled().find(existsSync);
  if (found !== undefined) return found;
  const path = usual[0] ?? "build/pivot of the package pivot-runtime";
  throw new Error(
    `the executor is not there: ${path}; in a clone ./pivot builds it, a bundle needs pivot-runtime installed beside it`,
  );
}

/** The same program by its other name: the OCI runtime. */
export const runtimePath = (): string => `${executorPath()}-oci`;
