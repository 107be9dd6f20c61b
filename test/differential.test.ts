// The kernel is the oracle: programs of mount operations, by it and by the simulator. The long run is
// `npm run test:differential`; what it finds is kept, shrunk, in regressions/.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import fc from "fast-check";
import { runByKernel } from "../src/mountns/kernel.ts";
import { runLinesByKernel } from "../src/mountns/playground.ts";
import { type Operation, parseScript, throwAwayState } from "../src/simulator/mod.ts";
import { pivotRoots, sharedSubtrees } from "../src/simulator/testing/scenarios.ts";
import { compare, describe as inWords, sameTables, shrink } from "./differential/compare.ts";
import { denseProgram } from "./differential/dense.ts";
import { program } from "./differential/programs.ts";
import { patience } from "./patience.ts";

/** The kernel that the simulator has been compared with: others differ in details. */
const compared = /^6\.18\./;

function whyNot(): string | undefined {
  if (!compared.test(release())) {
    return `the simulator has been compared with Linux 6.18, and this is ${release()}`;
  }
  try {
    runByKernel([[]]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const reason = whyNot();
const regressions = new URL("regressions/", import.meta.url).pathname;

describe.skipIf(reason !== undefined)(
  `the kernel and the simulator${reason ? `: skipped, ${reason}` : ""}`,
  () => {
    for (const name of readdirSync(regressions).filter((each) => each.startsWith("mounts-"))) {
      test(`agree again: ${name}`, () => {
        const operations = JSON.parse(readFileSync(regressions + name, "utf8")) as Operation[];
        expect(operations.length).toBeGreaterThan(0);
        expect(compare([operations]).map(inWords)).toEqual([]);
      });
    }

    for (const { name, script } of [...sharedSubtrees, ...pivotRoots]) {
      test(`agree: ${name}`, () => {
        const start = throwAwayState();
        const lines = parseScript(script);
        const results = runLinesByKernel(lines, start);
        expect(results.filter(({ expected }) => expected !== undefined)).toEqual([]);
        expect(sameTables(results, lines, start)).toBe(true);
      });
    }

    test("agree on random programs", { timeout: 60_000 * patience }, () => {
      // The same ones each time: the long run is for new ones.
      const programs = [
        ...fc.sample(program, { seed: 2026, numRuns: 80 }),
        ...fc.sample(denseProgram, { seed: 2026, numRuns: 60 }),
      ];
      const found = compare(programs)
        .slice(0, 1)
        .map((each) => inWords(shrink(each)));
      expect(found).toEqual([]);
    });

    test("differ when the simulator is another kernel's: the comparison sees it", () => {
      const operations: Operation[] = [
        { op: "mkdir", by: 1, path: "/a" },
        { op: "bind", by: 1, source: "/a", target: "/a", recursive: false },
        { op: "propagation", by: 1, target: "/a", type: "unbindable", recursive: false },
        { op: "unshare", by: 1, namespaces: ["mount"] },
      ];
      const other = { ...throwAwayState().kernel, unbindableSurvivesClone: true };
      expect(compare([operations], throwAwayState(other))).toHaveLength(1);
      expect(compare([operations])).toEqual([]);
    });

    test("nothing of the host's is changed", () => {
      const before = readFileSync("/proc/self/mountinfo", "utf8");
      const words = (op: Operation) => ({ op, tables: [1] });
      const [steps] = runByKernel([
        [
          words({ op: "umount", by: 1, target: "/", flags: ["detach"] }),
          words({ op: "setns", by: 1, process: 1, namespaces: ["mount"] }),
          // The bottom of the world: it is locked, for below it is the machine's first root.
          words({ op: "umount", by: 1, target: "/", flags: ["detach"] }),
          words({ op: "move", by: 1, source: "/", target: "/" }),
        ],
      ]);
      expect(steps?.map(({ errno }) => errno)).toEqual([0, 0, 22, 22]);
      expect(steps?.at(-1)?.tables[0]).toMatch(
        /^\d+ \d+ \S+ \/ \/ rw,relatime - tmpfs tmpfs .*\n$/,
      );
      expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
    });
  },
);
