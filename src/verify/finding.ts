/** What is found of a process's separation from the host. */

export const levels = ["open", "weak", "note", "ok"] as const;

/**
 * - `open`: by this the process reaches the host as if there were no container
 * - `weak`: a layer of protection is missing, the others hold
 * - `note`: worth knowing
 * - `ok`: it separates
 */
export type Level = (typeof levels)[number];

export type Finding = {
  readonly level: Level;
  /** What it is about: `pid namespace`, `capabilities`. */
  readonly about: string;
  readonly says: string;
  /** What to do, in the words of `run`, docker and podman; empty when there is nothing to do. */
  readonly cure: string;
};

export const finding = (level: Level, about: string, says: string, cure = ""): Finding => ({
  level,
  about,
  says,
  cure,
});

/** The first few, and how many more there are. */
export const few = (names: readonly string[], most = 5): string =>
  names.length <= most
    ? names.join(", ")
    : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
