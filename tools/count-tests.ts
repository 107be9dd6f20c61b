// Counts a JUnit report, or all below a directory, prints the closing line, and exits as the tests did:
// `count-tests.ts REPORT STATUS [REPORT…]`.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";

const [first = "", status = "1", ...others] = process.argv.slice(2);
const reports = [first, ...others].flatMap((report) =>
  !existsSync(report)
    ? []
    : statSync(report).isDirectory()
      ? readdirSync(report, { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".xml"))
          .map((name) => `${report}/${name}`)
      : [report],
);
const roots = reports.map(
  (file) => /<testsuites\b[^>]*>/.exec(readFileSync(file, "utf8"))?.[0] ?? "",
);
const count = (name: string): number =>
  roots.reduce(
    (sum, root) => sum + Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? "0"),
    0,
  );
const failed = count("failures") + count("errors");
const skipped = count("skipped");
const passed = count("tests") - failed - skipped;
if (passed + failed === 0) console.log("no tests were run");
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : Number(status);
