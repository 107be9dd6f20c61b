/** The flags of `mountns`. */

import type { Flag } from "./arguments.ts";

export const mountnsFlags: readonly Flag[] = [
  {
    name: "kernel",
    short: "k",
    help: "let the real kernel do it, in namespaces of its own that are thrown away",
  },
  { name: "table", short: "t", help: "show the mount table after each line" },
  {
    name: "from",
    value: "PID|FILE",
    help: "begin with the mounts of that process, or of a file like mountinfo",
  },
  { name: "linux", value: "6.12|6.18|7.0", help: "simulate this version; 6.18 unless told" },
  { name: "format", value: "text|json", help: "how results are written; json: an object a line" },
];
