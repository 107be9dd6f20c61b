/** Writes what is made from the catalogue: the executor's C header, and the encoder's code. */

import { writeFileSync } from "node:fs";
import { printEncoder } from "../src/plan/encoder.ts";
import { printHeader } from "../src/plan/header.ts";

const write = (path: string, text: string): void =>
  writeFileSync(new URL(`../${path}`, import.meta.url).pathname, text);

write("native/plan.generated.h", printHeader());
write("src/executor/write-fields.generated.ts", printEncoder());
