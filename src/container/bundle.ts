/** A bundle: a directory with a config.json and, most often, its root beside it. */

import { readFileSync } from "node:fs";
import type { ContainerExtras } from "../options/extras.ts";
import type { RunOptions } from "../options/options.ts";
import { isBind } from "../planner/file-systems.ts";
import type { RootSource } from "../planner/setting.ts";
import { formatProblem, parseSpec, type Spec } from "../spec/mod.ts";
import { checkRootDirectory } from "./root-directory.ts";
import { absolutePath } from "./roots.ts";
import { WishError } from "./wish-error.ts";

export type BundleConfig = {
  /** Of config.json. */
  readonly text: string;
  readonly spec: Spec;
  readonly warnings: readonly string[];
};

/**
 * Reads a bundle's configuration.
 *
 * @throws WishError with every problem of it
 */
export function readConfig(directory: string): BundleConfig {
  const file = `${directory.replace(/\/+$/, "")}/config.json`;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new WishError([`no bundle: ${(error as Error).message}`]);
  }
  const parsed = parseSpec(text);
  if (!parsed.ok) {
    throw new WishError(parsed.problems.map((problem) => `${file}: ${formatProblem(problem)}`));
  }
  return { text, spec: parsed.spec, warnings: parsed.warnings.map(formatProblem) };
}

/** Sources of binds may be relative to the bundle (config.md, "Mounts"). */
export const withAbsoluteSources = (spec: Spec, directory: string): Spec => ({
  ...spec,
  ...(spec.mounts === undefined
    ? {}
    : {
        mounts: spec.mounts.map((mount) =>
          mount.source !== undefined && isBind(mount)
            ? { ...mount, source: absolutePath(mount.source, directory) }
            : mount,
        ),
      }),
});

export type Bundle = {
  readonly spec: Spec;
  readonly root: RootSource;
  readonly extras: ContainerExtras;
  readonly image: string;
  readonly user: null;
  readonly sources: readonly string[];
};

/**
 * Reads a bundle. Its configuration says everything; of the options only those count that it has
 * no place for.
 *
 * @param directory absolute
 * @throws WishError with every problem of the configuration
 */
export function bundleWish(directory: string, options: RunOptions): Bundle {
  const { spec, warnings } = readConfig(directory);
  const tty = spec.process?.terminal === true;
  const root = absolutePath(spec.root.path, directory);
  checkRootDirectory(root, `${directory}/config.json: root.path`);
  return {
    spec: withAbsoluteSources(spec, directory),
    root: { kind: "directory", path: root },
    image: directory,
    user: null,
    sources: [],
    extras: {
      user: "",
      groups: [],
      seccomp: spec.linux?.seccomp ?? "unconfined",
      init: options.init === true,
      interactive: tty || options.interactive === true,
      tty,
      signalProxy: options.signalProxy ?? true,
      stopSignal: 15,
      rootSwitch: options.rootSwitch ?? "pivot",
      network: "private",
      egress: null,
      hostname: spec.hostname ?? "",
      domainname: spec.domainname ?? "",
      dns: { servers: [], search: [], options: [] },
      hosts: [],
      labels: {},
      selinux: [],
      relabel: [],
      createSources: [],
      chown: [],
      volumes: [],
      warnings,
    },
  };
}
