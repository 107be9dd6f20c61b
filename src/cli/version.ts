/** `pivot version`. */

import { writeAll } from "../host/write.ts";
import { version } from "../version.ts";

export function versionCommand(): number {
  writeAll(1, `pivot version ${version}\nspec: 1.3.0\n`);
  return 0;
}
