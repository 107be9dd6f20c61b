/** The options of overlayfs, by what this kernel takes. */

import type { Facts } from "./facts.ts";

/** fsconfig(2) copies a string of at most this many bytes; lowerdir+ came with Linux 6.7. */
export const longestParameter = 255;
const hasLowerdirPlus = ([major, minor]: Facts["kernel"]): boolean =>
  major > 6 || (major === 6 && minor >= 7);

/** overlayfs takes the highest layer first. */
export function lowerdirs(layers: readonly string[], facts: Pick<Facts, "kernel">): string[] {
  const highestFirst = [...layers].reverse();
  if (hasLowerdirPlus(facts.kernel)) return highestFirst.map((layer) => `lowerdir+=${layer}`);
  const escaped = highestFirst.map((layer) => layer.replace(/[\\:]/g, "\\$&"));
  return [`lowerdir=${escaped.join(":")}`];
}

/** overlayfs takes a backslash out of these two, and of lowerdir, but not of lowerdir+. */
export function writableOptions(directory: string): string[] {
  const escaped = directory.replaceAll("\\", "\\\\");
  return [`upperdir=${escaped}/upper`, `workdir=${escaped}/work`];
}

/**
 * Whoever reads the upper directory finds whole files at their own paths. With user.* attributes
 * overlayfs follows no redirection anyway, and takes no word about it.
 */
export const plainUpper = (inUserNamespace: boolean): string[] =>
  inUserNamespace
    ? ["userxattr", "metacopy=off", "index=off"]
    : ["redirect_dir=nofollow", "metacopy=off", "index=off"];

/** Where it has noted what a layer hides: in a user namespace attributes of trusted.* are out of reach. */
export const notesOption = ({ userNamespace }: Pick<Facts, "userNamespace">): string[] =>
  userNamespace === undefined ? [] : ["userxattr"];
