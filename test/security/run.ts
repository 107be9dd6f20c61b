/**
 * The security suite: known attacks on runtimes and engines, tried on an OCI runtime and on pivot's
 * engine, and a table of what held.
 *
 *   npm run test:security [-- --runtime PATH] [--only WORD] [--tries N] [--write]
 *
 * --runtime tries the rows of a runtime on another one; --write tries pivot, and runc and crun where
 * they are installed, and writes the table into docs/security.md. It fails when pivot's own runtime
 * or engine, or the runtime that was named, is broken by a row.
 *
 * All of it happens in namespaces of its own (tools/world.sh), where the canaries are, too. No row
 * writes to what a broken runtime would lay open: it looks at what could be reached, and stops.
 */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { EngineWorld } from "./engine.ts";
import type { Outcome, Row } from "./outcome.ts";
import { engineRows, runtimeRows } from "./rows.ts";
import { RuntimeWorld } from "./runtime.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "" },
    only: { type: "string", default: "" },
    tries: { type: "string", default: "40" },
    write: { type: "boolean", default: false },
  },
});

const own = new URL("../../pivot-oci", import.meta.url).pathname;
const tries = Number(values.tries);
const isAsked = ({ ids, title }: Row<never>): boolean =>
  values.only === "" || [...ids, title].some((each) => each.includes(values.only));

const show = (id: string, title: string, outcome: Outcome, milliseconds: number): void => {
  const words =
    outcome.result === "holds"
      ? outcome.seen
      : outcome.result === "broken"
        ? outcome.what
        : outcome.why;
  console.log(
    `${outcome.result.toUpperCase().padEnd(15)} ${id.padEnd(16)} ${title}\n                ${words.replaceAll("\n", " ").slice(0, 300)} (${Math.round(milliseconds)} ms)`,
  );
};

/** Tries all rows; what each came to, by its first id. */
async function tryAll<World>(
  rows: readonly Row<World>[],
  world: World,
  after: () => void,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const row of rows.filter(isAsked)) {
    const begin = performance.now();
    let outcome: Outcome;
    try {
      outcome = await row.run(world);
    } catch (error) {
      outcome = { result: "broken", what: `the row itself fails: ${String(error)}` };
    }
    after();
    outcomes.set(row.ids[0] ?? row.title, outcome);
    show(row.ids[0] ?? "", row.title, outcome, performance.now() - begin);
  }
  return outcomes;
}

const directory = mkdtempSync(`${realpathSync(tmpdir())}/security-`);
const isOwn = values.runtime === "";
const all: Outcome[] = [];
try {
  const world = new RuntimeWorld(isOwn ? own : values.runtime, directory, tries);
  const outcomes = await tryAll(runtimeRows, world, () => world.clear());
  all.push(...outcomes.values());
  if (isOwn) {
    const engine = new EngineWorld(tries);
    const more = await tryAll(engineRows, engine, () => engine.clear());
    all.push(...more.values());
    engine.close();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const count = (result: Outcome["result"]) => all.filter((each) => each.result === result).length;
console.log(
  `${count("holds")} hold, ${count("broken")} broken, ${count("not applicable")} not applicable`,
);
if (count("broken") > 0) process.exitCode = 1;
