/** How much there is below a directory of the engine's own. */

import { DiskUsage } from "../host/disk-usage.ts";

/** Bytes of its regular files, each inode once; what is gone meanwhile counts for nothing. */
export const treeSize = (path: string): number => new DiskUsage().below(path);
