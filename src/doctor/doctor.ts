/** What this machine can do for containers, and what not. */

import { existsSync } from "node:fs";
import { placeForScopes } from "../container/own-scope.ts";
import type { Roots } from "../container/roots.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { temporaryName } from "../image/temporary.ts";
import { type Diagnosis, diagnosisLevels } from "./diagnosis.ts";
import { checkPrograms } from "./programs.ts";
import { checkSettings } from "./settings.ts";
import { tryProbes } from "./try-probes.ts";

/** The worst first. */
export async function examine(roots: Roots): Promise<Diagnosis[]> {
  const probes = tryProbes({
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    isRootless: readUserNamespace() !== null,
    dataRoot: existsSync(roots.dataRoot) ? roots.dataRoot : null,
    // When the probe is killed, prune knows by it whose it was.
    name: temporaryName(),
  });
  const place = await placeForScopes(readCgroupLayout());
  const others = [...checkSettings(roots, place), ...checkPrograms()];
  const all = [...(await probes), ...others];
  return diagnosisLevels.flatMap((level) => all.filter((each) => each.level === level));
}
