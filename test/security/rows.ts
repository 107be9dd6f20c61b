// All rows of the security suite, in the order of the table.

import type { EngineWorld } from "./engine.ts";
import type { Row } from "./outcome.ts";
import { builds } from "./rows/builds.ts";
import { surroundings } from "./rows/engine-world.ts";
import { entering } from "./rows/entering.ts";
import { images } from "./rows/images.ts";
import { paths } from "./rows/paths.ts";
import { races } from "./rows/races.ts";
import { rights } from "./rows/rights.ts";
import { transfer } from "./rows/transfer.ts";
import type { RuntimeWorld } from "./runtime.ts";

export const runtimeRows: readonly Row<RuntimeWorld>[] = [
  ...paths,
  ...races,
  ...rights,
  ...entering,
];

export const engineRows: readonly Row<EngineWorld>[] = [
  ...images,
  ...transfer,
  ...builds,
  ...surroundings,
];
