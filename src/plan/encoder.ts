/**
 * Prints the catalogue as TypeScript that writes each operation's fields: straight code, since a
 * start runs it once, uncompiled, and interpreting the catalogue would take it twice as long.
 */

import { catalogue, type Entry, type Kind } from "./catalogue.ts";

function statement(field: string, kind: Kind): string {
  const value = `op.${field}`;
  switch (kind) {
    case "bool":
    case "u32":
    case "u64":
    case "text":
    case "texts":
    case "slot":
    case "place":
    case "capabilities":
      return `out.${kind}(${value});`;
    case "bytes":
      return `out.bytesOf(${value});`;
    default: {
      const [how, set] = kind.split(":");
      return `out.${how}(${how === "one" ? "choices" : "flagSets"}.${set}, ${value});`;
    }
  }
}

/** The module, complete. */
export function printEncoder(): string {
  const entries = Object.entries(catalogue) as readonly (readonly [string, Entry])[];
  const lines = [
    "/** Made from src/plan/catalogue.ts by tools/generate.ts. Do not edit. */",
    "",
    'import { choices, flagSets } from "../plan/constants.ts";',
    'import { type Op, unreachable } from "../plan/op.ts";',
    'import type { WireWriter } from "./wire-writer.ts";',
    "",
    'export const operationCodes: Readonly<Record<Op["op"], number>> = {',
    ...entries.map(([name, { code }]) => `  ${name}: ${code},`),
    "};",
    "",
    "export function writeFields(out: WireWriter, op: Op): void {",
    "  switch (op.op) {",
  ];
  for (const [name, { fields }] of entries) {
    lines.push(`    case "${name}":`);
    for (const [field, [kind]] of Object.entries(fields)) {
      lines.push(`      ${statement(field, kind)}`);
    }
    lines.push("      return;");
  }
  lines.push("    default:", "      unreachable(op);", "  }", "}", "");
  return lines.join("\n");
}
