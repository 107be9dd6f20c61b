/** Who a uid is, by /etc/passwd: of another user than userInfo() has, whom the launcher may have made us. */

import { readIfThere } from "./first-process.ts";

/** Null when nobody there has it. */
export const loginName = (uid: number): string | null =>
  (readIfThere("/etc/passwd") ?? "")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, , id]) => id === String(uid))?.[0] ?? null;
