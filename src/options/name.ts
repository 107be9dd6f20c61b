// The names that a container goes by: its own, the machine's inside it, its domain's.

import { accept, type Result, refuse } from "./problem.ts";

/** NAME_MAX of limits.h: the name becomes the name of a directory. */
const NAME_MAX = 255;

/** __NEW_UTS_LEN of linux/utsname.h. */
const UTS_MAX = 64;

/** What is wrong with the name of a container; null if nothing. */
export function containerNameProblem(name: string): string | null {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) && name.length <= NAME_MAX) return null;
  return `invalid container name: only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed, from 2 to ${NAME_MAX} characters`;
}

/** What is wrong with a host name (RFC 1123, section 2.1); null if nothing. */
export function hostnameProblem(name: string): string | null {
  if (name.length > UTS_MAX) return `a host name has at most ${UTS_MAX} bytes`;
  const fits = name
    .split(".")
    .every((part) => /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(part));
  return fits
    ? null
    : "invalid hostname format: letters, digits and - (not at an end), up to 63 between dots";
}

/** What is wrong with an NIS domain name (setdomainname(2)); null if nothing. */
export function domainnameProblem(name: string): string | null {
  return /^[!-~]{1,64}$/.test(name)
    ? null
    : `a domain name has from 1 to ${UTS_MAX} visible ASCII characters`;
}

export function parseContainerName(given: string): Result<string> {
  return checked("--name", given, containerNameProblem);
}

export function parseHostname(given: string): Result<string> {
  return checked("-h, --hostname", given, hostnameProblem);
}

export function parseDomainname(given: string): Result<string> {
  return checked("--domainname", given, domainnameProblem);
}

function checked(
  option: string,
  given: string,
  problemOf: (name: string) => string | null,
): Result<string> {
  const problem = problemOf(given);
  return problem === null ? accept(given) : refuse(option, given, problem);
}
