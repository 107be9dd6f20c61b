/** Counts a JUnit report, prints the closing line, and exits as the tests did. */

import { existsSync, readFileSync } from "node:fs";

const [report = "", status = "1"] = process.argv.slice(2);
const root = existsSync(report)
  ? (/<testsuites\b[^>]*>/.exec(readFileSync(report, "utf8"))?.[0] ?? "")
  : "";
const count = (name: string): number =>
  Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? "0");
const failed = count("failures") + count("errors");
const skipped = count("skipped");
const passed = count("tests") - failed - skipped;
if (passed + failed === 0) console.log("no tests were run");
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : Number(status);
