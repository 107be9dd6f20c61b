// Rows of the security suite that nothing else in the tests covers, with few tries; all of them, and
// other runtimes: `npm run test:security`.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { patience } from "../patience.ts";
import { whyNot } from "../pivot.ts";
import { EngineWorld } from "./engine.ts";
import type { Row } from "./outcome.ts";
import { engineRows, runtimeRows } from "./rows.ts";
import { RuntimeWorld } from "./runtime.ts";

const ofRuntime = [
  "CVE-2019-16884",
  "CVE-2019-5736",
  "CVE-2022-0811",
  "CVE-2016-9962",
  "CVE-2025-31133",
];
const ofEngine = ["CVE-2020-15257", "CVE-2024-42472"];
const runtime = new URL("../../pivot-oci", import.meta.url).pathname;

describe.skipIf(whyNot !== undefined)(`known attacks (${whyNot ?? "as root"})`, () => {
  if (whyNot !== undefined) return;
  const directory = mkdtempSync(`${realpathSync(tmpdir())}/pivot-security-rows-`);
  const world = new RuntimeWorld(runtime, directory, 6);
  const engine = new EngineWorld(6);
  afterAll(() => {
    engine.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function hold<World extends { clear: () => void }>(
    rows: readonly Row<World>[],
    ids: readonly string[],
    where: World,
  ): void {
    for (const row of rows.filter((each) => ids.includes(each.ids[0] ?? ""))) {
      test(`${row.ids.join(", ")}: ${row.title}`, { timeout: 60_000 * patience }, async () => {
        const outcome = await row.run(where);
        where.clear();
        expect(outcome).toMatchObject({ result: "holds" });
      });
    }
  }
  hold(runtimeRows, ofRuntime, world);
  hold(engineRows, ofEngine, engine);
});
