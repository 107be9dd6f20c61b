/** What a container of pivot's own was to be: planned once more from its record. */

import { prepareContainer } from "../container/prepare.ts";
import type { Described } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import type { Promised } from "./promise.ts";

/** Where pivot puts files of its own. */
const files = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/init"];

/**
 * @throws WishError, ImageError when what it was made of is gone
 */
export async function promisedOf(record: Described, roots: Roots): Promise<Promised> {
  const { spec, plan, release } = await prepareContainer({
    source: record.source,
    command: record.command ?? record.args,
    options: record.options,
    roots: { ...roots, dataRoot: record.dataRoot },
    cwd: "/", // all paths are absolute by now
    streams: ["pipe", "pipe", "pipe"],
    endWithCaller: false,
    pull: "never",
    idMappings: record.idMappings ?? null,
  });
  release();
  const isFiltered = plan.steps.some(({ op }) => op.op === "seccomp");
  return { spec, isFiltered, files };
}
