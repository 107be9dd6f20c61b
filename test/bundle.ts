// Bundles as `runc spec` begins them.

import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Ground, probeProgram, type Ran } from "./pivot.ts";

/** The parts of config.json that tests change. */
export type BundleConfig = {
  process: Record<string, unknown>;
  root: Record<string, unknown>;
  mounts: { destination: string }[];
  linux: Record<string, unknown>;
};

/**
 * Makes a bundle below the ground's directory: the config.json that runc writes, without a terminal,
 * with changes; and a copy of a root, which has the probe at its top.
 */
export function makeBundle(
  ground: Ground,
  name: string,
  rootfs: string,
  change: (config: BundleConfig) => void,
): string {
  const bundle = `${ground.directory}/${name}`;
  mkdirSync(bundle);
  // With owners, times, links and devices, which cpSync knows nothing of.
  const copied = ground.command(["cp", "-a", rootfs, `${bundle}/rootfs`]);
  if (copied.code !== 0) throw new Error(copied.stderr);
  cpSync(probeProgram(), `${bundle}/rootfs/probe`);
  chmodSync(`${bundle}/rootfs/probe`, 0o755);
  const { code, stderr } = ground.command(["runc", "spec"], { cwd: bundle });
  if (code !== 0) throw new Error(`runc spec: ${stderr}`);
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as BundleConfig;
  config.process["terminal"] = false;
  // Releases before 1.2 ask for ambient capabilities that cannot be so, which would be said.
  delete (config.process["capabilities"] as Record<string, unknown>)["ambient"];
  change(config);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  return bundle;
}

/** Runs a bundle of its own with this command. */
export function runBundle(
  ground: Ground,
  rootfs: string,
  command: readonly string[],
  change: (config: BundleConfig) => void,
): Ran {
  const bundle = makeBundle(ground, `bundle-${bundles++}`, rootfs, (config) => {
    config.process["args"] = command;
    change(config);
  });
  return ground.run(["--bundle", bundle]);
}

let bundles = 0;
