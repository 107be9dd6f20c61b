/** `list`: the containers. */

import { inColumns } from "../plan/columns.ts";
import { type Container, stateDocument } from "./record.ts";

/** Columns as wide as what is in them, two spaces between, as the peers print them. */
export function table(rows: readonly (readonly string[])[]): string {
  return inColumns(rows)
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
