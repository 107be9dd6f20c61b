/** The flags of the commands that speak to registries: docker's. */

import type { Flag } from "./arguments.ts";

/** Signatures of a service that is no more; what docker accepts is not refused. */
const contentTrust: Flag = {
  name: "disable-content-trust",
  help: "no effect: digests are checked, signatures are not",
};

export const pullFlags: readonly Flag[] = [
  { name: "all-tags", short: "a", help: "pull every tag of the repository" },
  contentTrust,
  { name: "platform", value: "OS/ARCH[/VARIANT]", help: "which image of an index: linux/arm64" },
  { name: "quiet", short: "q", help: "print the reference alone" },
];

export const pushFlags: readonly Flag[] = [
  { name: "all-tags", short: "a", help: "push every tag that the store has of the repository" },
  contentTrust,
  { name: "platform", value: "OS/ARCH[/VARIANT]", help: "refuse an image for another platform" },
  { name: "quiet", short: "q", help: "print the reference alone" },
];

export const loginFlags: readonly Flag[] = [
  { name: "password", short: "p", value: "PASSWORD", help: "others can see it: better not" },
  { name: "password-stdin", help: "read the password from standard input" },
  { name: "username", short: "u", value: "NAME", help: "who to be" },
];
