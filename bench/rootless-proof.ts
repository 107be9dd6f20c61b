// Whether a case of an ordinary user does what its row says: as proof.ts, and the user namespace, what is
// mapped there, and what network there is.

import { contradiction, type Namespace, proof } from "./proof.ts";
import type { Payload } from "./site.ts";

/** Prints what `proof` does, then the user namespace, uid_map, and how many interfaces there are. */
export const rootlessProof: Payload = {
  name: "rootless-proof",
  argv: [
    "/bin/sh",
    "-c",
    `${proof.argv[2]}; readlink /proc/self/ns/user; cat /proc/self/uid_map; grep -c : /proc/net/dev`,
  ],
};

export interface RootlessClaim {
  readonly shares: readonly Namespace[];
  readonly seccomp: boolean;
  /** `one`: the user's own id alone; `range`: it is root, and there are subordinate ids besides. */
  readonly ids: "one" | "range";
  /** Whether there is more than loopback. */
  readonly connected: boolean;
  /** The user's id, as the machine counts. */
  readonly uid: number;
}

/** The lines of uid_map (user_namespaces(7)) as numbers: inside, outside, how many. */
const mapOf = (lines: readonly string[]): number[][] =>
  lines.map((line) => line.trim().split(/\s+/).map(Number));

/**
 * A command line that prints the proof's lines of where it was called, and then runs the case: each
 * call as an ordinary user has a mount namespace of its own. The shell stays: the number of a namespace that has
 * ended is given to the next one.
 */
export const proving = (argv: readonly string[]): string[] => [
  "/bin/sh",
  "-c",
  `${rootlessProof.argv[2]}; echo; "$@"; exit $?`,
  "sh",
  ...argv,
];

/**
 * Compares what `proving` printed with the claim; returns what is wrong, if anything is. That the case
 * shares all namespaces means that it makes no container.
 */
export function rootlessContradiction(printed: string, claim: RootlessClaim): string | undefined {
  const [before = "", after = ""] = printed.split("\n\n");
  const own = before.split("\n");
  const inside = after.trimEnd().split("\n");
  const first = 7;
  const wrong = contradiction(inside.slice(0, first).join("\n"), claim, own.slice(0, first - 1));
  if (wrong !== undefined || claim.shares.length === first - 1) return wrong;
  if (inside[first] === own[first]) return "the payload's user namespace is the host's";
  const map = mapOf(inside.slice(first + 1, -1));
  const mapped = map.reduce((total, [, , count = 0]) => total + count, 0);
  if (claim.ids === "one" ? mapped !== 1 : mapped < 65536) {
    return `the payload's user namespace has ${mapped} ids`;
  }
  // bubblewrap makes one within another, and what is outside of the inner one is not the machine.
  if (claim.ids === "range" && map[0]?.join(" ") !== `0 ${claim.uid} 1`) {
    return `root of the payload's user namespace is not the user ${claim.uid}`;
  }
  const interfaces = Number(inside.at(-1));
  if (interfaces > 1 === claim.connected && interfaces > 0) return undefined;
  return `the payload has ${interfaces} interfaces`;
}
