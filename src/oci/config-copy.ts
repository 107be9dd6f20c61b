/** What a container was made from, read again for commands that come later. */

import { readFileSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { formatProblem, parseSpec, type Spec } from "../spec/mod.ts";
import type { Container } from "./record.ts";

/** @throws WishError when its making was cut short */
export function containerSpecOf({ id, directory }: Container): Spec {
  let text: string;
  try {
    text = readFileSync(`${directory}/config.json`, "utf8");
  } catch {
    throw new WishError([`container ${id} is broken: its making was cut short; delete it`]);
  }
  const parsed = parseSpec(text);
  if (parsed.ok) return parsed.spec;
  throw new WishError(
    parsed.problems.map((problem) => `${directory}/config.json: ${formatProblem(problem)}`),
  );
}

/** The same, or null where it cannot be had: so that deleting always works. */
export function containerSpecIfThere(container: Container): Spec | null {
  try {
    return containerSpecOf(container);
  } catch (error) {
    if (error instanceof WishError) return null;
    throw error;
  }
}
