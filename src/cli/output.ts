/**
 * What all commands that list or inspect print by: docker's tables, and its `--format`.
 *
 * ```ts
 * printRows(images, columns, readListing(given));
 * ```
 */

import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import { alignColumns } from "./format/align.ts";
import { TemplateError } from "./format/error.ts";
import { compileTemplate } from "./format/evaluate.ts";
import { headerFunctions, toJson } from "./format/functions.ts";
import { isRecord } from "./format/print.ts";
import { visible } from "./visible.ts";

/** One field of a row: a column of the table, and what templates call it. */
export type Column<Row> = {
  /** In templates and in JSON: `ID`, `Names`. */
  readonly name: string;
  /** In the table: `CONTAINER ID`; empty of a method. */
  readonly header: string;
  /**
   * What is shown: a string, as docker has it for nearly all. Asked only when it is printed, so it
   * may be costly. A function is a method, `{{.Label "x"}}`, and no part of the JSON.
   */
  readonly value: (row: Row, shown: { readonly noTrunc: boolean }) => unknown;
  /** Not a column of the table unless `--format` names it. */
  readonly hidden?: boolean;
  /** What `-q` prints; absent from all: the first column. */
  readonly quiet?: boolean;
};

export type Listing = {
  /** `table`, `table TEMPLATE`, `json` or a template; null: the table. */
  readonly format: string | null;
  readonly quiet: boolean;
  readonly noTrunc: boolean;
};

/** A cell is one line without tabs. */
const cellText = (value: unknown): unknown =>
  typeof value === "string"
    ? visible(value.replaceAll("\n", "\\n").replaceAll("\t", "\\t"))
    : value;

/** `\t` and `\n` between actions are a tab and a line end, as with docker. */
const unescape = (template: string): string =>
  template
    .trim()
    .replace(/\{\{.*?\}\}|\\[tn]/gs, (each) =>
      each === "\\t" ? "\t" : each === "\\n" ? "\n" : each,
    );

/** What templates see of a row: its values are asked for when they are used. */
function fieldsOf<Row>(
  row: Row,
  columns: readonly Column<Row>[],
  noTrunc: boolean,
  isTable: boolean,
): object {
  const fields = {};
  for (const { name, value } of [...columns].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const get = (): unknown => {
      const found = value(row, { noTrunc });
      return isTable ? cellText(found) : found;
    };
    Object.defineProperty(fields, name, { get, enumerable: true });
  }
  return fields;
}

/** `{{.Label "com.example.some-name"}}` stands below `some name`, as with docker. */
const methodHeader = (name: unknown): string =>
  (String(name).split(".").at(-1) ?? "").replace(/[-_]/g, " ");

const headersOf = <Row>(columns: readonly Column<Row>[]): object =>
  Object.fromEntries(
    columns.map(({ name, header }) => [name, header === "" ? methodHeader : header]),
  );

/** As docker: `table{{.ID}}` is one, too. */
const isTableFormat = (format: string): boolean => format.startsWith("table");

/** What `printRows` prints. */
export function formatRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { format, quiet, noTrunc }: Listing,
): string {
  if (quiet) {
    const column = columns.find((each) => each.quiet === true) ?? columns[0];
    return rows.map((row) => `${cellText(column?.value(row, { noTrunc })) ?? ""}\n`).join("");
  }
  const given = format === null || format === "" ? "table" : format;
  const isTable = isTableFormat(given);
  const own = isTable ? unescape(given.slice("table".length)) : unescape(given);
  const shown = columns.filter((each) => each.hidden !== true);
  const template = compileTemplate(
    given === "json"
      ? "{{json .}}"
      : own === "" && isTable
        ? shown.map(({ name }) => `{{.${name}}}`).join("\t")
        : own,
  );
  try {
    const lines = rows.map((row) => `${template(fieldsOf(row, columns, noTrunc, isTable))}\n`);
    if (!isTable) return lines.join("");
    const header = template(headersOf(columns), headerFunctions);
    return alignColumns(`${header}\n${lines.join("")}`);
  } catch (error) {
    if (!(error instanceof TemplateError) || !error.message.includes("no entry for key"))
      throw error;
    const names = columns.map(({ name }) => `.${name}`).join(" ");
    error.message += `; there are ${names}`;
    throw error;
  }
}

/** Writes it; to a terminal without characters that would steer it. */
function write(text: string): void {
  writeAll(1, isatty(1) ? visible(text) : text);
}

/**
 * Prints rows as docker does: a table, or as `--format`, `-q` and `--no-trunc` say.
 *
 * @throws TemplateError
 */
export function printRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  listing: Listing,
): void {
  write(formatRows(rows, columns, listing));
}

/** Objects whose keys are data: a missing one has no value, where a missing field is an error. */
const mapFields = new Set([
  "Annotations",
  "DriverOpts",
  "ExposedPorts",
  "Labels",
  "Networks",
  "Options",
  "PortBindings",
  "Ports",
  "StorageOpt",
  "Sysctls",
  "Tmpfs",
  "Volumes",
]);

function withMaps(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((each) => withMaps(each));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, withMaps(each, key)] as const);
  return mapFields.has(name) ? new Map(entries) : Object.fromEntries(entries);
}

/** What `printDocuments` prints. */
export function formatDocuments(documents: readonly unknown[], format: string | null): string {
  if (format === null || format === "") return `${toJson(documents, 4)}\n`;
  if (format === "json") return `${toJson(documents)}\n`;
  const template = compileTemplate(format);
  return documents.map((document) => `${template(withMaps(document))}\n`).join("");
}

/**
 * Prints what `inspect` found: a JSON array, on one line with `--format json`, or each by a
 * template. As with docker, `\t` in the template is no tab here: write `{{"\t"}}`.
 *
 * @throws TemplateError
 */
export function printDocuments(documents: readonly unknown[], format: string | null): void {
  write(formatDocuments(documents, format));
}

/**
 * Prints one document by a `--format`: JSON on one line, or a template, in which `\t` is a tab.
 *
 * @throws TemplateError
 */
export function printDocument(document: unknown, format: string): void {
  const template = compileTemplate(format === "json" ? "{{json .}}" : unescape(format));
  write(`${template(withMaps(document))}\n`);
}
