/** What the commands on images start from: the store, its roots, and what containers use of it. */

import type { Roots } from "../container/roots.ts";
import { type LayerUse, layersInUse } from "../engine/layers-in-use.ts";
import { executorPath } from "../executor/locate.ts";
import type { RemoveOptions } from "../image/remove-image.ts";
import { openStore, type Store } from "../image/store.ts";
import type { Globals } from "./command.ts";
import { readRoots } from "./roots.ts";

export type StoreContext = {
  readonly roots: Roots;
  readonly store: Store;
  readonly uses: () => Promise<readonly LayerUse[]>;
  /** For whatever takes layers away. */
  readonly removing: () => RemoveOptions;
};

export function storeContext(globals: Globals): StoreContext {
  const roots = readRoots(globals, process.cwd());
  const uses = () => layersInUse(roots);
  return {
    roots,
    store: openStore(roots.dataRoot),
    uses,
    removing: () => ({
      executor: executorPath(),
      layersInUse: async () => new Set((await uses()).flatMap(({ layers }) => layers)),
    }),
  };
}
