/**
 * The lowest layer of every root made from an image: empty directories and files for what is
 * mounted in each container. Without it, overlayfs would copy /etc into the writable layer of each
 * container only to make the mount point of /etc/hosts.
 */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

const directories: readonly (readonly [path: string, mode: number])[] = [
  ["dev", 0o755],
  ["etc", 0o755],
  ["proc", 0o555],
  ["sys", 0o555],
];

const files = ["etc/hostname", "etc/hosts", "etc/resolv.conf"];

function build(directory: string): void {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  for (const [path, mode] of directories) {
    mkdirSync(`${directory}/${path}`);
    chmodSync(`${directory}/${path}`, mode);
  }
  for (const path of files) {
    writeFileSync(`${directory}/${path}`, "", { flag: "wx" });
    chmodSync(`${directory}/${path}`, 0o644);
  }
  symlinkSync("/proc/mounts", `${directory}/etc/mtab`);
}

/** The layer's directory; made when it is not there, complete or not at all. */
export function baseLayer(dataRoot: string): string {
  const path = `${dataRoot}/layers/base`;
  if (existsSync(path)) return path;
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  build(temporary);
  try {
    renameSync(temporary, path);
  } catch (error) {
    // Another pivot was first.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(path)) throw error;
  }
  return path;
}
