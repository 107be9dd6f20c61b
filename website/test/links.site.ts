// Every page of the built site is one, and every link in it leads to a page and a section that are there.

import { describe, expect, test } from "bun:test";
import { commands } from "../../src/cli/commands.ts";
import { fileAt, pages, read } from "./site.ts";

/** Minified HTML leaves quotes out. */
const attributes = (html: string, name: string): string[] =>
  [...html.matchAll(new RegExp(`[\\s"]${name}=(?:"([^"]*)"|([^\\s">]+))`, "g"))].map(
    ([, quoted, bare]) => (quoted ?? bare ?? "").replaceAll("&amp;", "&"),
  );

const texts = new Map(pages().map((page) => [page, read(page)]));
const sections = new Map([...texts].map(([page, html]) => [page, new Set(attributes(html, "id"))]));

test("each page has one heading of the first rank, and is no error", () => {
  const odd = [...texts].filter(
    ([page, html]) =>
      page !== "search/index.html" &&
      (html.match(/<h1[\s>]/g)?.length !== 1 || /ReferenceError|TypeError|Your React/.test(html)),
  );
  expect(odd.map(([page]) => page)).toEqual([]);
  expect(texts.size).toBeGreaterThan(90);
});

test("links, images, scripts and styles lead to files and sections that are there", () => {
  const broken: string[] = [];
  let count = 0;
  for (const [page, html] of texts) {
    const here = new URL(page.replace(/index\.html$/, ""), "http://site/");
    for (const link of [...attributes(html, "href"), ...attributes(html, "src")]) {
      const target = new URL(link, here);
      if (target.host !== "site" || !target.protocol.startsWith("http")) continue;
      count++;
      const file = fileAt(target.pathname);
      const section = decodeURIComponent(target.hash.slice(1));
      if (file === null) broken.push(`${page}: ${link}`);
      else if (section !== "" && sections.get(file)?.has(section) !== true) {
        broken.push(`${page}: ${link}: no such section`);
      }
    }
  }
  expect(broken).toEqual([]);
  expect(count).toBeGreaterThan(5000);
});

test("nothing is loaded from elsewhere", () => {
  const foreign = [...texts].flatMap(([page, html]) =>
    [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="?(https?:[^\s">]+)/g)]
      .map(([, address]) => `${page}: ${address}`)
      .filter((line) => !/rel=canonical/.test(line) && !line.includes(" http://localhost/")),
  );
  expect(foreign).toEqual([]);
});

describe("what the pages are made of", () => {
  test("a page for each command", () => {
    const lacking = commands
      .filter(({ hidden }) => hidden !== true)
      .filter(({ name }) => fileAt(`reference/commands/${name.replaceAll(" ", "-")}/`) === null);
    expect(lacking.map(({ name }) => name)).toEqual([]);
  });

  test("a lesson in each part of the tutorial, rendered before any script runs", () => {
    const parts = pages().filter((page) => /^tutorial\/[^/]+\/index\.html$/.test(page));
    expect(parts).toHaveLength(9);
    expect(parts.filter((page) => !read(page).includes("leave out"))).toEqual([]);
  });
});
