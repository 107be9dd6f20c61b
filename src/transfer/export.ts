/** `export`: a container's whole root as a tar, without what is mounted in it. */

import { kernelFacts } from "../host/facts.ts";
import { planExport } from "../planner/transfer.ts";
import { fileRootOf, type TransferContainer } from "./file-root.ts";
import type { Report } from "./report.ts";
import { startPacker } from "./worker.ts";

/**
 * @param to a descriptor that the packer itself writes to
 * @throws WishError, TransferError
 */
export function exportContainer(container: TransferContainer, to: number): Promise<Report> {
  const plan = planExport(fileRootOf(container, false), kernelFacts());
  return startPacker(plan, `container ${container.name}`, to).done;
}
