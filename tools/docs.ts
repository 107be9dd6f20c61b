/** Writes the pages of docs/ that are made from the source: operations, commands, troubleshooting. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cataloguePage } from "../src/explain/catalogue-page.ts";
import { troublesPage } from "../src/explain/troubles.ts";
import { commandPages } from "./commands-page.ts";

const docs = new URL("../docs/", import.meta.url).pathname;

/** Every file in it is made. */
export const commandsDirectory = "reference/commands";

/** By their paths in docs/. */
export const pages = async (): Promise<Readonly<Record<string, string>>> => ({
  "reference/operations.md": cataloguePage(),
  "troubleshooting.md": troublesPage(),
  ...Object.fromEntries(
    Object.entries(await commandPages()).map(([name, text]) => [
      `${commandsDirectory}/${name}`,
      text,
    ]),
  ),
});

if (import.meta.main) {
  const made = await pages();
  mkdirSync(docs + commandsDirectory, { recursive: true });
  // A command that is no more leaves no page.
  for (const name of readdirSync(docs + commandsDirectory)) {
    const path = `${commandsDirectory}/${name}`;
    if (made[path] === undefined) rmSync(docs + path);
  }
  for (const [path, text] of Object.entries(made)) writeFileSync(docs + path, text);
}
