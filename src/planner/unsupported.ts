/**
 * What a configuration may ask for and no step is made of yet. It is refused rather than passed
 * over: a container without the profile, hook or mapping that was asked for is another container.
 */

import type { Spec } from "../spec/mod.ts";

const isAsked = (value: unknown): boolean => {
  if (value === undefined || value === null || value === "") return false;
  return typeof value !== "object" || Object.values(value).some(isAsked);
};

/** One line for each field that would be passed over. */
export function findUnsupported({ hooks }: Spec): string[] {
  const fields: Readonly<Record<string, unknown>> = {
    hooks,
  };
  return Object.entries(fields)
    .filter(([, value]) => isAsked(value))
    .map(([path]) => `${path}: not there yet: leave it out`);
}
