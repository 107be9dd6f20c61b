/** `list`: the containers. */

import { statSync } from "node:fs";
import { loginName } from "../host/login-name.ts";
import { inColumns } from "../plan/columns.ts";
import { type Container, stateDocument } from "./record.ts";

/** Columns as wide as what is in them, two spaces between, as the peers print them. */
export function table(rows: readonly (readonly string[])[]): string {
  return inColumns(rows)
    .map((line) => `${line}\n`)
    .join("");
}

/** Whose it is, as runc says it: who owns its state directory, `#UID` when nobody knows the name. */
function ownerOf({ directory }: Container): string {
  const uid = statSync(directory, { throwIfNoEntry: false })?.uid;
  return uid === undefined ? "" : (loginName(uid) ?? `#${uid}`);
}

export const listTable = (containers: readonly Container[]): string =>
  table([
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...containers.map((container) => [
      container.id,
      String(container.process?.pid ?? 0),
      container.status,
      container.record?.bundle ?? "",
      container.record?.created ?? "",
      ownerOf(container),
    ]),
  ]);

export const listJson = (containers: readonly Container[]): string =>
  `${JSON.stringify(
    containers.map((container) => ({
      ...stateDocument(container),
      pid: container.process?.pid ?? 0,
      owner: ownerOf(container),
    })),
  )}\n`;
