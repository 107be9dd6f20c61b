/** The flags of `try` and of the commands that follow it. */

import type { Flag } from "./arguments.ts";

const many = "; may be given several times";

const nameFlag: Flag = {
  name: "name",
  value: "NAME",
  help: "that try instead of the last one here",
};

export const tryFlags: readonly Flag[] = [
  { name: "name", value: "NAME", help: "continue the try NAME, or begin it" },
  {
    name: "network",
    aliases: ["net"],
    value: "MODE",
    help: "none|host|container:ID|PATH; the host's unless told",
  },
  { name: "share", value: "PATH", help: `show PATH as it is: changes there are real${many}` },
  { name: "hide", value: "PATH", help: `cover PATH${many}` },
  { name: "show", value: "PATH", help: `do not cover PATH, such as ~/.ssh${many}` },
  { name: "env", short: "e", value: "NAME[=VALUE]", help: `set a variable${many}` },
  { name: "memory", short: "m", value: "BYTES", help: "limit memory: 512m" },
  { name: "cpus", value: "N", help: "how many CPUs' worth of time: 1.5" },
  { name: "pids-limit", value: "N", help: "how many processes" },
];

export const diffFlags: readonly Flag[] = [
  nameFlag,
  { name: "patch", short: "p", help: "show what changed in each file, as a unified diff" },
  { name: "stat", help: "show how many lines changed" },
  { name: "format", value: "text|json", help: "how the list is written; json: an object a line" },
];

export const applyFlags: readonly Flag[] = [
  nameFlag,
  { name: "dry-run", short: "n", help: "only say what would be done" },
  { name: "force", short: "f", help: "also where the host changed meanwhile" },
  { name: "keep", help: "keep the try when all of it is applied" },
  {
    name: "allow-privileged",
    help: "also files that run with others' rights (setuid, capabilities), and devices",
  },
];

export const discardFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "discard every try" },
  { ...nameFlag, help: "as NAME alone" },
];

export const listFlags: readonly Flag[] = [
  { name: "quiet", short: "q", help: "only names" },
  { name: "format", value: "table|json", help: "how the list is written; json: an object a line" },
];
