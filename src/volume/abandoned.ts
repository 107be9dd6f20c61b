/** What is left of volumes when their removal was killed: named by `system check`, removed by `system prune`. */

import type { Roots } from "../container/roots.ts";
import { startTimeOf } from "../image/temporary.ts";
import { removedVolumes } from "./store.ts";

/** Paths of those that nobody is at work on any more: their names begin with the process (native/volume.c). */
export const abandonedVolumes = (roots: Pick<Roots, "dataRoot">): readonly string[] =>
  removedVolumes(roots).filter((path) => {
    const remover = /\/\.gone-(\d{1,10})-[^/]*$/.exec(path)?.[1];
    return remover === undefined || startTimeOf(Number(remover)) === undefined;
  });
