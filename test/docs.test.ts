// Pages that are made from the source say what the source says, and link to what is there.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { operationsOnPage } from "../src/explain/catalogue-page.ts";
import { troubles } from "../src/explain/troubles.ts";
import { catalogue } from "../src/plan/catalogue.ts";
import { errnoNumber } from "../src/plan/errno.ts";
import { commandsDirectory, pages } from "../tools/docs.ts";

const root = new URL("..", import.meta.url).pathname;
const made = await pages();

test("pages that are made are fresh: else run `npm run docs:catalogue`", () => {
  const now = Object.keys(made).map((path) => {
    const file = `${root}docs/${path}`;
    return [path, existsSync(file) ? readFileSync(file, "utf8") : ""];
  });
  expect(Object.fromEntries(now)).toEqual(made);
});

test("no command that is gone has a page", () => {
  const names = readdirSync(`${root}docs/${commandsDirectory}`);
  expect(names.filter((name) => made[`${commandsDirectory}/${name}`] === undefined)).toEqual([]);
});

test("every operation of the catalogue is on its page, once", () => {
  expect([...operationsOnPage].sort()).toEqual(Object.keys(catalogue).sort());
});

test("links between the pages lead to a section", () => {
  const sections = new Set(made["reference/operations.md"]?.match(/^### `\w+`/gm) ?? []);
  for (const [, name] of (made["troubleshooting.md"] ?? "").matchAll(/operations\.md#(\w+)/g)) {
    expect(sections.has(`### \`${name}\``)).toBe(true);
  }
  expect(existsSync(`${root}docs/reference/operations.md`)).toBe(true);
});

/** Never an answer to a step: they stay between functions of the executor. */
const inward = new Set([
  "EWOULDBLOCK",
  "EALREADY",
  "EPROTONOSUPPORT",
  "ERESTART",
  "EAFNOSUPPORT",
  "EBADMSG",
  "EFBIG",
]);

test("every errno that the executor gives to a step has an entry", () => {
  const c = readdirSync(`${root}native`).filter((name) => name.endsWith(".c"));
  const found = new Set(
    c.flatMap((name) =>
      [...readFileSync(`${root}native/${name}`, "utf8").matchAll(/-(E[A-Z0-9]{3,})\b/g)].map(
        ([, errno]) => errno ?? "",
      ),
    ),
  );
  expect(found.size).toBeGreaterThan(20);
  const lacking = [...found].filter((name) => !inward.has(name) && troubles[name] === undefined);
  expect(lacking).toEqual([]);
});

test("the entries are errnos, with causes", () => {
  for (const [name, { causes, steps }] of Object.entries(troubles)) {
    expect(errnoNumber(name)).toBeGreaterThan(0);
    expect(causes.length).toBeGreaterThan(0);
    expect(steps.length).toBeGreaterThan(0);
  }
});
