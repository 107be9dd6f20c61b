/** Ids of containers. */

import { closeSync, openSync, readSync } from "node:fs";

/** 64 hexadecimal digits. From the kernel directly: node:crypto would cost each start its loading. */
export function newId(): string {
  const bytes = Buffer.alloc(32);
  const fd = openSync("/dev/urandom", "r");
  try {
    if (readSync(fd, bytes) !== bytes.length) throw new Error("/dev/urandom gave too few bytes");
  } finally {
    closeSync(fd);
  }
  return bytes.toString("hex");
}

/** What people see of an id, and the default hostname. */
export const shortId = (id: string): string => id.slice(0, 12);
