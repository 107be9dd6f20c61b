// All rows of the security suite, in the order of the table.

import type { Row } from "./outcome.ts";
import { entering } from "./rows/entering.ts";
import { paths } from "./rows/paths.ts";
import { races } from "./rows/races.ts";
import { rights } from "./rows/rights.ts";
import type { RuntimeWorld } from "./runtime.ts";

export const runtimeRows: readonly Row<RuntimeWorld>[] = [
  ...paths,
  ...races,
  ...rights,
  ...entering,
];
