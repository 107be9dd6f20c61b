/** Whether we may write there, as access(2) has it. */

import { accessSync, constants } from "node:fs";

export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
