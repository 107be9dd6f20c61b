/** What `events` of the OCI runtime prints. */

import type { Stats } from "../host/stats-types.ts";
import { writeJson } from "../spec/mod.ts";

/** One line that `events` prints. */
export type ContainerEvent =
  | { readonly type: "stats"; readonly id: string; readonly data: Stats }
  | { readonly type: "oom"; readonly id: string };

/** An event as one line of JSON, with its line break. */
export const writeEvent = (event: ContainerEvent): string => `${writeJson(event)}\n`;
