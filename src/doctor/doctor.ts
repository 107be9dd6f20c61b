/** What this machine can do for containers, and what not. */

import { existsSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
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
  const others = [...checkSettings(roots), ...checkPrograms()];
  const all = [...(await probes), ...others];
  return diagnosisLevels.flatMap((level) => all.filter((each) => each.level === level));
}
