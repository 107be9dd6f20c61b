// Compiles what tests would compile, before a machine starts that has an emulated processor, on which
// a compiler takes minutes: programs are kept in build/test, by what they are made of.

import { readdirSync } from "node:fs";
import { unpackerProgram } from "../../src/image/testing/fixture.ts";
import { executor } from "../../test/executor-harness.ts";
import { compileC } from "../../test/pivot.ts";

const sources = new URL("../../test/", import.meta.url);
const names = ["", "oci/", "faults/", "security/"].flatMap((folder) =>
  readdirSync(new URL(folder || ".", sources))
    .filter((name) => name.endsWith(".c"))
    .map((name) => folder + name),
);
const programs = [executor, unpackerProgram("plain"), ...names.map((name) => compileC(name))];
console.error(`test-vm: ${programs.length} programs of tests are compiled`);
