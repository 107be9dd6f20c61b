/** Writes native/plan.generated.h from the catalogue. `--check` only says whether it is fresh. */

import { readFileSync, writeFileSync } from "node:fs";
import { printHeader } from "../src/plan/header.ts";

const path = new URL("../native/plan.generated.h", import.meta.url).pathname;
if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== printHeader()) {
    console.error("native/plan.generated.h is stale: run `npm run generate`");
    process.exit(1);
  }
} else {
  writeFileSync(path, printHeader());
}
