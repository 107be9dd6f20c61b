/** Prints the catalogue as the C header of the executor, so that both sides read one table. */

import { catalogue, type Entry, type Kind } from "./catalogue.ts";
import { choices } from "./constants.ts";

/** The version of the wire format; `schema.test.ts` says when it must change. */
export const wireVersion = 4;

const cType = (kind: Kind): string => {
  switch (kind) {
    case "u64":
    case "capabilities":
      return "uint64_t ";
    case "text":
      return "const char *";
    case "texts":
      return "struct pv_texts ";
    case "bytes":
      return "struct pv_bytes ";
    case "place":
      return "struct pv_place ";
    case "bool":
    case "u32":
    case "slot":
      return "uint32_t ";
    default:
      return kind.startsWith("flags:") ? "uint64_t " : "uint32_t ";
  }
};

const cKind = (kind: Kind): string => {
  switch (kind) {
    case "text":
      return "PV_KIND_TEXT";
    case "texts":
      return "PV_KIND_TEXTS";
    case "bytes":
      return "PV_KIND_BYTES";
    case "place":
      return "PV_KIND_PLACE";
    case "slot":
      return "PV_KIND_SLOT";
    default:
      return cType(kind) === "uint64_t " ? "PV_KIND_U64" : "PV_KIND_U32";
  }
};

/** C has macros of its own for some of the fields' names. */
const cName = (name: string): string =>
  name === "null" ? "null_at" : /^std(in|out|err)$/.test(name) ? `${name}_` : name;

/** The choices that are pivot's own: the others hold numbers that the kernel's headers name. */
const ownChoices = ["stream", "targetKind", "writeMode"] as const;

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** The header, complete: an enum, a struct for each operation, and the table of their fields. */
export function printHeader(): string {
  const entries = Object.entries(catalogue) as readonly (readonly [string, Entry])[];
  const lines = [
    "/* Made from src/plan/catalogue.ts by tools/generate.ts. Do not edit. */",
    "#ifndef PV_PLAN_GENERATED_H",
    "#define PV_PLAN_GENERATED_H",
    "",
    '#include "wire.h"',
    "",
    `#define PV_WIRE_VERSION ${wireVersion}`,
    "",
  ];
  for (const name of ownChoices) {
    const members = Object.entries(choices[name]).map(
      ([member, value]) => `PV_${snake(name)}_${member}`.toUpperCase() + ` = ${value}`,
    );
    lines.push(`enum pv_${snake(name)} { ${members.join(", ")} };`);
  }
  lines.push("", "enum pv_opcode {");
  for (const [name, entry] of entries) lines.push(`    PV_${name.toUpperCase()} = ${entry.code},`);
  lines.push("};", "");

  for (const [name, entry] of entries) {
    const fields = Object.entries(entry.fields);
    if (fields.length === 0) continue;
    lines.push(`/* ${entry.gist} ${entry.man} */`, `struct pv_${name} {`);
    for (const [field, [kind, gist]] of fields) {
      lines.push(`    ${cType(kind)}${cName(field)}; /* ${gist} */`);
    }
    lines.push("};", "");
  }

  const withFields = entries.filter(([, entry]) => Object.keys(entry.fields).length > 0);
  lines.push("struct pv_op {", "    uint16_t code;", "    union {");
  for (const [name] of withFields) lines.push(`        struct pv_${name} ${name};`);
  lines.push("    };", "};", "", "#ifdef PV_SHAPES");
  for (const [name, entry] of withFields) {
    lines.push(`static const struct pv_field pv_fields_${name}[] = {`);
    for (const [field, [kind]] of Object.entries(entry.fields)) {
      lines.push(`    {${cKind(kind)}, offsetof(struct pv_op, ${name}.${cName(field)})},`);
    }
    lines.push("};");
  }
  const top = Math.max(...entries.map(([, entry]) => entry.code));
  lines.push("", `static const struct pv_shape pv_shapes[${top + 1}] = {`);
  for (const [name, entry] of entries) {
    const count = Object.keys(entry.fields).length;
    const table = count === 0 ? "NULL" : `pv_fields_${name}`;
    lines.push(`    [PV_${name.toUpperCase()}] = {"${name}", ${count}, ${table}},`);
  }
  lines.push("};", "#endif", "", "#endif", "");
  return lines.join("\n");
}
