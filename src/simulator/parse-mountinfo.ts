/** Reads the text of /proc/PID/mountinfo: proc_pid_mountinfo(5). */

import type { MountinfoRow } from "./mountinfo.ts";

/** The kernel writes blanks, tabs, new lines and backslashes as three octal digits. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

function optional(fields: readonly string[], name: string): number | null {
  const found = fields.find((field) => field.startsWith(`${name}:`));
  return found === undefined ? null : Number(found.slice(name.length + 1));
}

/** @throws Error naming the line that is not one of mountinfo. */
export function parseMountinfo(text: string): MountinfoRow[] {
  return text
    .split("\n")
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line !== "")
    .map(({ line, number }) => {
      const words = line.split(" ");
      const dash = words.indexOf("-", 6);
      const [id, parent, device, root, mountpoint, flags] = words;
      const [type, source, superOptions] = words.slice(dash + 1);
      if (
        dash < 0 ||
        id === undefined ||
        parent === undefined ||
        device === undefined ||
        root === undefined ||
        mountpoint === undefined ||
        flags === undefined ||
        type === undefined ||
        !/^\d+$/.test(id) ||
        !/^\d+$/.test(parent)
      ) {
        throw new Error(`line ${number} is not one of mountinfo: ${JSON.stringify(line)}`);
      }
      const fields = words.slice(6, dash);
      return {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescaped(root),
        mountpoint: unescaped(mountpoint),
        flags,
        shared: optional(fields, "shared"),
        master: optional(fields, "master"),
        propagateFrom: optional(fields, "propagate_from"),
        unbindable: fields.includes("unbindable"),
        type,
        source: unescaped(source ?? ""),
        superOptions: superOptions ?? "",
      };
    });
}
