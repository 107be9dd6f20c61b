/** `list`: the containers. */

import { type Container, stateDocument } from "./record.ts";

/** Columns as wide as what is in them, two spaces between, as the peers print them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

export const listTable = (containers: readonly Container[]): string =>
  table([
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...containers.map(({ id, process, status, record }) => [
      id,
      String(process?.pid ?? 0),
      status,
      record?.bundle ?? "",
      record?.created ?? "",
      "root",
    ]),
  ]);

export const listJson = (containers: readonly Container[]): string =>
  `${JSON.stringify(
    containers.map((container) => ({
      ...stateDocument(container),
      pid: container.process?.pid ?? 0,
    })),
  )}\n`;
