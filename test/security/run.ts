/**
 * The security suite: known attacks on runtimes and engines, tried on an OCI runtime and on pivot's
 * engine, and a table of what held.
 *
 *   npm run test:security [-- --runtime PATH] [--only WORD,WORD…] [--row ID]… [--tries N] [--write]
 *
 * --row takes the first advisory of a row, as it stands in the table.
 * --runtime tries the rows of a runtime on another one; --write tries pivot, and runc and crun where
 * they are installed, and writes the table into docs/security.md, where rows that were not tried stay.
 * It fails when pivot's own runtime or engine, or the runtime that was named, is broken by a row.
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
import { writeTables } from "./table.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "" },
    only: { type: "string", default: "" },
    row: { type: "string", multiple: true, default: [] },
    tries: { type: "string", default: "40" },
    write: { type: "boolean", default: false },
  },
});

const pivotRuntime = new URL("../../pivot-oci", import.meta.url).pathname;
const tries = Number(values.tries);
const isAsked = ({ ids, title }: Row<never>): boolean =>
  values.row.length > 0
    ? values.row.includes(ids[0] ?? "")
    : [...ids, title].some((each) => values.only.split(",").some((word) => each.includes(word)));

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

/** What is in the first line of --version, as a column's title. */
function columnOf(path: string, name: string): string {
  if (name === "pivot") return name;
  const said = Bun.spawnSync([path, "--version"]).stdout.toString();
  return /^\S+ (?:version )?[\d.]+/.exec(said)?.[0].replace(" version", "") ?? name;
}

const directory = mkdtempSync(`${realpathSync(tmpdir())}/security-`);
const isOwn = values.runtime === "";
const peers = values.write ? ["runc", "crun"].flatMap((name) => Bun.which(name) ?? []) : [];
/** Of pivot, or of the runtime that was named. */
const own: Outcome[] = [];
const byColumn = new Map<string, ReadonlyMap<string, Outcome>>();
let ofEngine: ReadonlyMap<string, Outcome> = new Map();
try {
  for (const path of [isOwn ? pivotRuntime : values.runtime, ...peers]) {
    const world = new RuntimeWorld(path, mkdtempSync(`${directory}/runtime-`), tries);
    console.log(`\n${world.name}: ${path}`);
    const outcomes = await tryAll(runtimeRows, world, () => world.clear());
    byColumn.set(columnOf(path, world.name), outcomes);
    if (!peers.includes(path)) own.push(...outcomes.values());
  }
  if (isOwn) {
    console.log("\nthe engine");
    const engine = new EngineWorld(tries);
    ofEngine = await tryAll(engineRows, engine, () => engine.clear());
    own.push(...ofEngine.values());
    engine.close();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (values.write) {
  const columns = [...byColumn.keys()];
  const lineOf = <World>(
    { ids, title, tried }: Row<World>,
    of: (column: string) => Outcome | undefined,
  ) => ({
    ids,
    title,
    tried,
    outcomes: new Map(
      columns.flatMap((column) => {
        const outcome = of(column);
        return outcome === undefined ? [] : [[column, outcome] as const];
      }),
    ),
  });
  const page = new URL("../../docs/security.md", import.meta.url).pathname;
  const lines = runtimeRows.map((row) =>
    lineOf(row, (column) => byColumn.get(column)?.get(row.ids[0] ?? "")),
  );
  const engineLines = engineRows.map((row) =>
    lineOf(row, (column) => (column === "pivot" ? ofEngine.get(row.ids[0] ?? "") : undefined)),
  );
  writeTables(page, { lines, columns }, engineLines);
}
const count = (result: Outcome["result"]) => own.filter((each) => each.result === result).length;
console.log(
  `${count("holds")} hold, ${count("broken")} broken, ${count("not applicable")} not applicable`,
);
if (count("broken") > 0) process.exitCode = 1;
