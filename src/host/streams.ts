/** What the standard streams of this process are. */

import { fstatSync, type Stats } from "node:fs";
import type { StreamFact } from "../planner/facts.ts";

const nullDevice = (1 << 8) | 3;

/** Documentation/admin-guide/devices.txt: consoles, serial lines, pseudo-terminals, USB, hvc. */
const isTerminalMajor = (major: number): boolean =>
  major === 4 || major === 5 || (major >= 136 && major <= 143) || major === 188 || major === 229;

function kindOf(fd: number): StreamFact {
  let stat: Stats;
  try {
    stat = fstatSync(fd);
  } catch {
    return "closed";
  }
  if (stat.isFIFO()) return "pipe";
  if (stat.isSocket()) return "socket";
  if (!stat.isCharacterDevice()) return stat.isBlockDevice() ? "device" : "file";
  if (stat.rdev === nullDevice) return "null";
  // By number rather than by isatty: node:tty costs a start more than all the rest of this file.
  return isTerminalMajor((stat.rdev >> 8) & 0xfff) ? "terminal" : "device";
}

export const readStreams = (): [StreamFact, StreamFact, StreamFact] => [
  kindOf(0),
  kindOf(1),
  kindOf(2),
];
