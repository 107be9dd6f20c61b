/** Device nodes of the host: the one at a path, those of a directory, or all of /dev. */

import { lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import type { HostDevice } from "../options/facts.ts";

/** linux/kdev_t.h as stat(2) shows it: makedev(3). */
const major = (device: number): number => Math.floor(device / 256) & 0xfff;
const minor = (device: number): number => (device & 0xff) | (Math.floor(device / 4096) & 0xfff00);

function deviceOf(path: string, stat: Stats): HostDevice | null {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return null;
  return {
    path,
    type: stat.isBlockDevice() ? "b" : "c",
    major: major(stat.rdev),
    minor: minor(stat.rdev),
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
  };
}

function below(directory: string, skipped: ReadonlySet<string>): HostDevice[] {
  return readdirSync(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || skipped.has(path)) return [];
    if (stat.isDirectory()) return below(path, skipped);
    const device = deviceOf(path, stat);
    return device === null ? [] : [device];
  });
}

/** The node at a path, links followed, or all nodes of a directory; none when it is neither. */
export function devicesAt(path: string): HostDevice[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (stat.isDirectory()) return below(path.replace(/\/+$/, ""), new Set());
  const device = deviceOf(path, stat);
  return device === null ? [] : [device];
}

/** Terminals of the host, and what every container has its own of. */
const notForContainers = new Set([
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
  "/dev/console",
  "/dev/ptmx",
]);

/** All devices of the host, for a privileged container. */
export const allDevices = (): HostDevice[] => below("/dev", notForContainers);
