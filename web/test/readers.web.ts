// The page as people come to it who use no mouse, have few colours, a slow line or no JavaScript; and
// the way from one lesson to the next.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { readPage } from "../../src/learn/page.ts";
import { type LearnServer, serveLearn } from "../../src/learn/serve.ts";
import { openBrowser, Visit, whyNoBrowser } from "./browser.ts";

let browser: Browser;
let server: LearnServer;

const counter = (page: Page) => page.locator(".counter");
const steps = (page: Page) => page.locator(".steps > li");
const to = (hash: string): string => `${server.address}#${hash}`;

describe.skipIf(whyNoBrowser !== undefined)(`readers (${whyNoBrowser ?? "in Chromium"})`, () => {
  beforeAll(async () => {
    server = await serveLearn(0, readPage(), async () => ({ host: "", containers: [] }));
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test("a lesson's end leads to the beginning of the next, and back; the last to the playground", async () => {
    const visit = await Visit.start(browser, { width: 390, height: 740 });
    const { page } = visit;
    await visit.go(to("namespace/7"));
    await page.getByRole("link", { name: "Next: chroot, and the way out" }).click();
    await page.getByRole("heading", { name: "chroot, and the way out" }).waitFor();
    expect(await page.evaluate(() => [scrollY, document.activeElement?.id])).toEqual([
      0,
      "content",
    ]);
    expect(await counter(page).textContent()).toBe("0/7");
    await page.goBack();
    await counter(page).getByText("7/7").waitFor();
    await visit.go(to("docker-run"));
    await page.getByRole("link", { name: "Next: Playground" }).click();
    await page.getByRole("textbox", { name: "Script" }).waitFor();
    expect(visit.complaints()).toEqual([]);
    await visit.close();
  });

  test("without JavaScript it says what does the same; while it comes slowly, that it comes", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const bare = await context.newPage();
    await bare.goto(server.address);
    await bare.locator("noscript").waitFor();
    expect(await bare.locator("noscript").innerText()).toMatch(/needs JavaScript.*pivot mountns/s);
    expect(await bare.getByText("Loading the lessons").isVisible()).toBe(false);
    await context.close();
    const visit = await Visit.start(browser);
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await visit.page.route("**/*.js", async (route) => {
      await held;
      await route.continue();
    });
    await visit.page.goto(server.address, { waitUntil: "commit" });
    await visit.page.getByText("Loading the lessons").waitFor();
    letGo();
    await visit.page.locator("h1").waitFor();
    expect(await visit.page.getByText("Loading the lessons").count()).toBe(0);
    await visit.close();
  });

  test("what has the focus is seen, and not behind the controls; by Tab, in a low window", async () => {
    const visit = await Visit.start(browser, { width: 640, height: 450 });
    const { page } = visit;
    await visit.go(to("pivot-root/5/without/3"));
    const seen: string[] = [];
    const hidden: string[] = [];
    for (let tab = 0; tab < 80; tab++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const { top, bottom, left, width } = element.getBoundingClientRect();
        const visible = (y: number): boolean => {
          const found = document.elementFromPoint(left + width / 2, y);
          return found !== null && (element.contains(found) || found.contains(element));
        };
        return {
          name: element.getAttribute("aria-label") ?? element.textContent ?? "",
          isSeen: visible(top + 2) && visible(bottom - 2),
          hasOutline: getComputedStyle(element).outlineStyle !== "none",
        };
      });
      if (at === null) break;
      seen.push(at.name);
      if (!at.isSeen || !at.hasOutline) hidden.push(`${tab}: ${at.name}`);
    }
    expect(seen).toContain("leave out: Take the old root away");
    expect(seen).toContain("Next step");
    expect(hidden).toEqual([]);
    await visit.close();
  });

  test("in the reader's own few colours a switch shows what it is set to, and a step that it is this", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await page.emulateMedia({ forcedColors: "active" });
    await visit.go(to("pivot-root/5"));
    const lever = page.getByRole("switch", { name: "leave out: A place for the old root" });
    const off = await lever.screenshot();
    await lever.check();
    await page.locator("body").click({ position: { x: 3, y: 3 } });
    expect((await lever.screenshot()).equals(off)).toBe(false);
    const lines = await steps(page).evaluateAll((all) =>
      all.map((step) => getComputedStyle(step).outlineStyle),
    );
    expect(lines.map((line, at) => (line === "none" ? -1 : at)).filter((at) => at > -1)).toEqual([
      5,
    ]);
    await visit.close();
  });
});
