// Small documents for tests, and what is said about them.

import { formatProblem, parseSpec } from "../mod.ts";

/** A small valid document, with other sections in place of its own. */
export function withSections(sections: string): string {
  const own = { ociVersion: '"1.3.0"', root: '{"path": "rootfs"}' };
  const kept = Object.entries(own).filter(([name]) => !sections.includes(`"${name}":`));
  return `{${[...kept.map(([name, value]) => `"${name}": ${value}`), sections].join(", ")}}`;
}

/** The problems of a document, a line each. */
export function linesOf(text: string): string[] {
  const parsed = parseSpec(text);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}
