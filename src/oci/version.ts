/** `pivot-oci --version`, in the form that clients parse: `NAME version X`, then `spec: Y`. */

import { writeAll } from "../host/write.ts";
import { OCI_VERSION } from "../spec/mod.ts";
import { version } from "../version.ts";

export function versionCommand(): number {
  writeAll(1, `pivot-oci version ${version}\nspec: ${OCI_VERSION}\n`);
  return 0;
}
