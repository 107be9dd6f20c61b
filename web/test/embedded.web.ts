// The component in another site: rendered by a server, taken over by the browser, and no trouble to
// the page around it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { PivotRootDemo } from "../src/index.ts";
import { openBrowser, Visit, whyNoBrowser } from "./browser.ts";

const here = (name: string): string => new URL(name, import.meta.url).pathname;

test("a server renders it, without a browser's things", () => {
  const html = renderToString(createElement(PivotRootDemo, { step: 5 }));
  expect(html).toContain("pivot_root in seven steps");
  expect(html).toContain("/old/proc");
});

test("a lesson that there is not says which there are", () => {
  const html = renderToString(createElement(PivotRootDemo, { lesson: "nothing" }));
  expect(html).toContain("There is no lesson");
  expect(html).toContain("docker-run");
});

describe.skipIf(whyNoBrowser !== undefined)(`in a site (${whyNoBrowser ?? "in Chromium"})`, () => {
  let browser: Browser;
  let server: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    const built = await Bun.build({ entrypoints: [here("site.tsx")], target: "browser" });
    const script = (await built.outputs[0]?.text()) ?? "";
    const css = await Bun.file(here("../src/styles.css")).text();
    const props = { lesson: "chroot", step: 2, leftOut: [5], theme: "light", quiz: true } as const;
    const html = `<!doctype html><html lang="en"><title>A site</title><style>${css}</style>
<main><h1>A tutorial</h1><input aria-label="search">
<div id="site">${renderToString(createElement(PivotRootDemo, props))}</div></main>
<script src="/site.js"></script>`;
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) =>
        url.endsWith("/site.js")
          ? new Response(script, { headers: { "Content-Type": "text/javascript" } })
          : url.endsWith("/")
            ? new Response(html, { headers: { "Content-Type": "text/html" } })
            : new Response(null, { status: 204 }),
    });
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await server.stop(true);
  });

  test("begins where it was told, and takes keys only while the focus is in it", async () => {
    const visit = await Visit.start(browser, { scheme: "dark" });
    const { page } = visit;
    await visit.go(`http://127.0.0.1:${server.port}/`);
    const counter = page.locator(".counter");
    await counter.getByText("2/7").waitFor();
    await page.getByRole("textbox", { name: "search" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("End");
    expect(await counter.textContent()).toBe("2/7");
    await page.getByRole("button", { name: "Next step" }).click();
    await counter.getByText("3/7").waitFor();
    await page.keyboard.press("ArrowRight");
    await counter.getByText("4/7").waitFor();
    expect(
      await page
        .getByRole("switch", { name: "leave out: The escape: chroot once more" })
        .isChecked(),
    ).toBe(true);
    // The site's address is the site's.
    expect(new URL(page.url()).hash).toBe("");
    expect(
      await page
        .locator(".pivot-page")
        .evaluate((element) => getComputedStyle(element).backgroundColor),
    ).toBe("rgb(243, 245, 248)");
    expect(visit.complaints()).toEqual([]);
    expect(await visit.violations()).toEqual([]);
    await visit.close();
  });
});
