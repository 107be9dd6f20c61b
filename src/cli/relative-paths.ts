/** Which arguments lead somewhere from the working directory: none can, when that is gone. */

import type { ParsedArguments } from "./arguments.ts";

const isRelative = (text: string): boolean => text !== "" && !text.startsWith("/");

/** By flag, whether a value holds a path that starts at the working directory. */
const holdsRelative: Readonly<Record<string, (value: string) => boolean>> = {
  bundle: isRelative,
  device: isRelative,
  "env-file": isRelative,
  "pid-file": isRelative,
  rootfs: isRelative,
  // Elsewhere a source without a dot is the name of a volume.
  volume: (value) => value.startsWith("."),
  mount: (value) => /(?:^|,)"?(?:source|src)=\.(?:\.?\/|\.?(?:[,"]|$))/i.test(value),
  "security-opt": (value) => {
    const file = /^seccomp[=:](.*)$/.exec(value)?.[1] ?? "";
    return isRelative(file) && file !== "unconfined" && file !== "default" && file !== "builtin";
  },
};

const isRelativeImage = (word: string): boolean => /^(?:oci|docker-archive):(?!\/)/.test(word);

/** The flags' values and the image that need a working directory, as they were given. */
export function findRelativePaths({ flags, words }: ParsedArguments): string[] {
  const found = [...flags].flatMap(([name, values]) =>
    values.filter((value) => holdsRelative[name]?.(value) === true),
  );
  const hasImage = !flags.has("rootfs") && !flags.has("bundle");
  const image = words[0] ?? "";
  return hasImage && isRelativeImage(image) ? [...found, image] : found;
}
