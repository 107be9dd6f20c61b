/** Writes the pages of docs/ that are made from the source: operations, commands, troubleshooting. */

import { mkdirSync, writeFileSync } from "node:fs";
import { cataloguePage } from "../src/explain/catalogue-page.ts";
import { troublesPage } from "../src/explain/troubles.ts";
import { commandsPage } from "./commands-page.ts";

const docs = new URL("../docs/", import.meta.url).pathname;

/** By their paths in docs/. */
export const pages = async (): Promise<Readonly<Record<string, string>>> => ({
  "reference/operations.md": cataloguePage(),
  "reference/commands.md": await commandsPage(),
  "troubleshooting.md": troublesPage(),
});

if (import.meta.main) {
  mkdirSync(`${docs}reference`, { recursive: true });
  for (const [path, text] of Object.entries(await pages())) writeFileSync(docs + path, text);
}
