/**
 * The vocabulary of a plan: every kernel operation that pivot knows, each with its number on the
 * wire, the system calls it makes, its man page, a sentence for people, and its fields.
 *
 * The types of `op.ts`, the C header `native/plan.generated.h` and the documentation are made from
 * this one table. A number is never given to another operation: see `schema.test.ts`.
 */

import { egress } from "./catalogue/egress.ts";
import { files } from "./catalogue/files.ts";
import { lifecycle } from "./catalogue/lifecycle.ts";
import { mounts } from "./catalogue/mounts.ts";
import { namespaces } from "./catalogue/namespaces.ts";
import { network } from "./catalogue/network.ts";
import { process } from "./catalogue/process.ts";
import { transfer } from "./catalogue/transfer.ts";
import { users } from "./catalogue/users.ts";
import type { Entry } from "./entry.ts";

export type { Entry, Kind } from "./entry.ts";

export const catalogue = {
  ...files,
  ...namespaces,
  ...mounts,
  ...process,
  ...lifecycle,
  ...transfer,
  ...network,
  ...users,
  ...egress,
} as const satisfies Readonly<Record<string, Entry>>;

export type Catalogue = typeof catalogue;
export type OpName = keyof Catalogue;
