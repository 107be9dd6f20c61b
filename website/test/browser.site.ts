// The site in real Chromium: the lesson in its pages, search, light and dark, phones, accessibility.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import type { Browser } from "playwright-core";
import { openBrowser, Visit, whyNoBrowser } from "../../web/test/browser.ts";
import { serve } from "./site.ts";

// Other things may be running on the machine.
setDefaultTimeout(180_000);

const pictures = new URL("../../build/site-pictures/", import.meta.url).pathname;

/** One of each kind; the page of operations is like that of a command, and takes axe a minute. */
const kinds = [
  "/",
  "/tutorial/",
  "/tutorial/mount-namespaces/",
  "/tutorial/pivot-root/",
  "/tutorial/docker-run/",
  "/tutorial/networks/",
  "/guides/look-inside/",
  "/reference/commands/",
  "/reference/commands/run/",
  "/troubleshooting/",
];

describe.skipIf(whyNoBrowser !== undefined)(
  `in Chromium (${whyNoBrowser ?? "as people see it"})`,
  () => {
    let browser: Browser;
    let server: ReturnType<typeof serve>;
    const at = (path: string): string => `http://127.0.0.1:${server.port}${path}`;

    beforeAll(async () => {
      mkdirSync(pictures, { recursive: true });
      server = serve();
      browser = await openBrowser();
    });

    afterAll(async () => {
      await browser.close();
      await server.stop(true);
    });

    for (const path of kinds) {
      test(`${path} has no rule of accessibility broken, light and dark, and fits a phone`, async () => {
        for (const look of [
          { scheme: "light", width: 1280 },
          { scheme: "dark", width: 360 },
        ] as const) {
          const visit = await Visit.start(browser, look);
          await visit.go(at(path));
          await visit.page.waitForLoadState("networkidle");
          expect(await visit.violations()).toEqual([]);
          expect(await visit.overflow()).toBeLessThanOrEqual(0);
          expect(visit.complaints()).toEqual([]);
          // Last, since it changes the size of the window.
          const name = `${path.replaceAll("/", "_")}${look.scheme}-${look.width}.png`;
          await visit.page.screenshot({ path: pictures + name, fullPage: true });
          await visit.close();
        }
      });
    }

    test("a lesson takes a step, a line is left out, and the errno is named", async () => {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(at("/tutorial/pivot-root/"));
      await page.waitForLoadState("networkidle");
      const counter = page.locator(".lesson .counter");
      expect(await counter.textContent()).toBe("0/7");
      await page.getByRole("button", { name: "Next step" }).click();
      await counter.getByText("1/7").waitFor();
      await page
        .getByRole("switch", { name: "leave out: Make the new root a mount point" })
        .click();
      for (let i = 2; i <= 5; i++) {
        await page.getByRole("button", { name: "Next step" }).click();
        await counter.getByText(`${i}/7`).waitFor();
      }
      await page.locator(".lesson").getByText("EBUSY").first().waitFor();
      expect(visit.complaints()).toEqual([]);
      await visit.close();
    });

    test("an errno in a table is not broken, on a phone neither", async () => {
      for (const width of [1280, 360]) {
        const visit = await Visit.start(browser, { width });
        await visit.go(at("/tutorial/pivot-root/"));
        await visit.page.waitForLoadState("networkidle");
        const rows = await visit.page
          .locator(".markdown td:first-child code")
          .evaluateAll((cells) =>
            cells.map((cell) => `${cell.textContent}: ${cell.getClientRects().length} line`),
          );
        expect(rows.length).toBeGreaterThan(3);
        expect(rows.filter((row) => !row.endsWith(": 1 line"))).toEqual([]);
        await visit.close();
      }
    });

    test("without JavaScript nobody waits for a lesson, and is told where else it is", async () => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(at("/tutorial/pivot-root/"));
      await page.locator(".lesson noscript").waitFor();
      expect(await page.locator(".lesson noscript").innerText()).toContain("needs JavaScript");
      expect(await page.getByText("Loading the lesson").isVisible()).toBe(false);
      await context.close();
    });

    test("the lesson follows the site's light and dark", async () => {
      const visit = await Visit.start(browser, { scheme: "light" });
      const { page } = visit;
      await visit.go(at("/tutorial/chroot/"));
      await page.waitForLoadState("networkidle");
      const shows = (colour: string) =>
        page.waitForFunction((wanted) => {
          const lesson = document.querySelector(".pivot-page");
          return lesson !== null && getComputedStyle(lesson).backgroundColor === wanted;
        }, colour);
      await shows("rgb(243, 245, 248)");
      // From the system's choice to light, and on to dark.
      const button = page.getByRole("button", { name: /Switch between dark and light mode/ });
      await button.click();
      await button.click();
      await page.locator('html[data-theme="dark"]').waitFor();
      await shows("rgb(16, 22, 29)");
      expect(visit.complaints()).toEqual([]);
      await visit.close();
    });

    test("the site's looks of lists, code and badges are not the lesson's", async () => {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(at("/tutorial/chroot/"));
      // What a server rendered is made anew by the browser: until then elements come and go.
      await page.waitForLoadState("networkidle");
      const lesson = page.locator(".pivot-page");
      await lesson.locator(".badge").first().waitFor();
      const looks = (selector: string, property: "fontWeight" | "marginTop" | "borderTopWidth") =>
        lesson
          .locator(selector)
          .evaluateAll(
            (all, name) => [...new Set(all.map((one) => getComputedStyle(one)[name]))],
            property,
          );
      expect(await looks(".badge", "fontWeight")).toEqual(["400"]);
      expect(await looks("li", "marginTop")).toEqual(["0px"]);
      expect(await looks(".line", "borderTopWidth")).toEqual(["0px"]);
      await visit.close();
    });

    test("search finds what a page says, without a server's help", async () => {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(at("/"));
      await page.waitForLoadState("networkidle");
      await page.getByRole("textbox", { name: "Search" }).click();
      await page.keyboard.type("whiteout");
      const found = page.getByRole("option").filter({ hasText: /whiteout/i });
      await found.first().click();
      await page.waitForURL(/tutorial\/overlayfs/);
      expect(visit.complaints()).toEqual([]);
      await visit.close();
    });

    test("diagrams are drawn", async () => {
      const visit = await Visit.start(browser);
      await visit.go(at("/tutorial/networks/"));
      await visit.page.locator(".docusaurus-mermaid-container svg").waitFor();
      expect(await visit.page.locator(".docusaurus-mermaid-container").textContent()).toContain(
        "bridge",
      );
      await visit.close();
    });
  },
);
