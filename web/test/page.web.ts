// The page in a real browser: every lesson walked to its end, every switch thrown, every question
// answered, playground, traces and live trees; no complaint of the browser's, none of axe's.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import type { Live } from "../../src/learn/live.ts";
import { readPage } from "../../src/learn/page.ts";
import { type LearnServer, serveLearn } from "../../src/learn/serve.ts";
import { lessons } from "../src/lessons/all.ts";
import type { Lesson } from "../src/lessons/lesson.ts";
import { tell } from "../src/model/story.ts";
import { mountsOf } from "../src/model/world.ts";
import { openBrowser, Visit, whyNoBrowser } from "./browser.ts";

/** For people to look at. */
const pictures = new URL("../../build/web-pictures/", import.meta.url).pathname;

const table = (id: number, more = ""): string =>
  `${id} 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n${id + 1} ${id} 0:5 / /proc rw - proc proc rw\n${more}`;
let live: Live = { host: table(20), containers: [] };

let browser: Browser;
let server: LearnServer;

const counter = (page: Page) => page.locator(".counter");
const steps = (page: Page) => page.locator(".steps > li");
const to = (hash: string): string => `${server.address}#${hash}`;

/** One after the other is what walking is. */
async function walk(page: Page, lesson: Lesson): Promise<void> {
  const told = tell(lesson, new Set());
  for (const [index, { frame }] of told.entries()) {
    if (index > 0) await page.keyboard.press("ArrowRight");
    await counter(page).getByText(`${index}/${lesson.steps.length}`, { exact: true }).waitFor();
    expect(await page.locator(".mount").count()).toBe(mountsOf(frame.world).length);
    expect(await page.locator(".tree figcaption").allTextContents()).toEqual(
      frame.world.map(({ title }) => title),
    );
    expect(await page.locator("[aria-current=step]").textContent()).toContain(frame.title);
    const said = await page.getByRole("status").textContent();
    expect(said).toContain(`Step ${index} of ${lesson.steps.length}: ${frame.title}`);
    // The same tree, in words.
    expect(await page.locator(".tree li").count()).toBe(mountsOf(frame.world).length);
  }
}

describe.skipIf(whyNoBrowser !== undefined)(`the page (${whyNoBrowser ?? "in Chromium"})`, () => {
  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    server = await serveLearn(0, readPage(), async () => live);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  for (const lesson of lessons) {
    test(`${lesson.id}: walked to its end by keys, and its questions answered`, async () => {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(to(lesson.id));
      await walk(page, lesson);
      expect(new URL(page.url()).hash).toBe(`#${lesson.id}/${lesson.steps.length}`);
      for (const [index, { answers }] of lesson.quiz.entries()) {
        const question = page.locator(".question").nth(index);
        for (const { text, right, because } of answers) {
          await question.getByRole("radio", { name: text, exact: true }).check();
          const verdict = await question.locator(".verdict").textContent();
          expect(verdict).toBe(`${right ? "✓ Right." : "✗ Not so."} ${because}`);
        }
      }
      expect(visit.complaints()).toEqual([]);
      expect(await visit.violations()).toEqual([]);
      await visit.close();
    });

    test(`${lesson.id}: every switch thrown`, async () => {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(to(lesson.id));
      for (const [index, { leaveOut, title }] of lesson.steps.entries()) {
        const number = index + 1;
        const lever = page.getByRole("switch", { name: `leave out: ${title}`, exact: true });
        await lever.check();
        expect(await steps(page).nth(number).locator(".step-outcome").textContent()).toContain(
          "left out",
        );
        const told = tell(lesson, new Set([number]));
        const failed = told.findIndex(({ frame }) => frame.failure !== null);
        const failure = told[failed]?.frame.failure;
        if (failure) {
          await steps(page).nth(failed).getByRole("button").click();
          const note = await page.locator(".failure").textContent();
          expect(note).toContain(leaveOut?.fails?.errno ?? "a failure that nobody foresaw");
          expect(note).toContain(failure.rule);
          expect(note).toContain(failure.cure ?? "");
        } else {
          await page.keyboard.press("End");
          const { length } = lesson.steps;
          await counter(page).getByText(`${length}/${length}`, { exact: true }).waitFor();
          expect(await page.locator(".outcome-failed").count()).toBe(0);
        }
        await steps(page).nth(number).getByRole("button").click();
        expect(await page.locator(".left-out-note").textContent()).toContain(leaveOut?.shows ?? "");
        expect(new URL(page.url()).hash).toBe(`#${lesson.id}/${number}/without/${number}`);
        await lever.uncheck();
      }
      expect(visit.complaints()).toEqual([]);
      await visit.close();
    });
  }

  test("play, pause, back, scrubber, ends", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await visit.go(to("pivot-root"));
    await page.getByRole("button", { name: "Play" }).click();
    await counter(page).getByText("2/7").waitFor({ timeout: 20_000 });
    await page.getByRole("button", { name: "Pause" }).click();
    const stopped = await counter(page).textContent();
    await page.waitForTimeout(3_500);
    expect(await counter(page).textContent()).toBe(stopped);
    await page.getByRole("button", { name: "Step back" }).click();
    await counter(page)
      .getByText(`${Number(stopped?.[0]) - 1}/7`)
      .waitFor();
    await page.getByRole("slider", { name: "Step" }).fill("6");
    await counter(page).getByText("6/7").waitFor();
    await page.getByRole("button", { name: "To the end" }).click();
    await counter(page).getByText("7/7").waitFor();
    expect(await page.getByRole("button", { name: "Next step" }).isDisabled()).toBe(true);
    await page.locator("body").click({ position: { x: 3, y: 3 } });
    await page.keyboard.press("Home");
    await counter(page).getByText("0/7").waitFor();
    await page.keyboard.press(" ");
    await counter(page).getByText("1/7").waitFor({ timeout: 20_000 });
    await page.keyboard.press(" ");
    expect(visit.complaints()).toEqual([]);
    await visit.close();
  });

  test("an address leads to a step, with lines left out; nonsense to the beginning", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await visit.go(to("pivot-root/5/without/3"));
    expect(await page.locator(".failure .errno").textContent()).toBe("EBUSY");
    await visit.go(to("nothing/9999/without/x"));
    expect(await page.locator("h1").textContent()).toBe(lessons[0]?.title ?? "");
    // Links within the page, and the way back.
    await page.getByRole("link", { name: "chroot", exact: true }).click();
    await page.getByRole("heading", { name: "chroot, and the way out" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: lessons[0]?.title ?? "" }).waitFor();
    expect(visit.complaints()).toEqual([]);
    await visit.close();
  });

  test("peer groups are told, and shown in the drawing", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await visit.go(to("namespace/2"));
    await page.locator(".group").getByText("1", { exact: true }).click();
    expect(await page.locator(".groups-told").textContent()).toBe(
      "Group 1: / (host and the watcher), / (box)",
    );
    expect(await page.locator(".mount.is-lit").count()).toBe(2);
    await visit.close();
  });

  test("light, dark, and as the browser wishes; remembered", async () => {
    const visit = await Visit.start(browser, { scheme: "dark" });
    const { page } = visit;
    const ground = () =>
      page.locator(".pivot-page").evaluate((element) => getComputedStyle(element).backgroundColor);
    await visit.go(to("chroot"));
    const dark = await ground();
    await page.getByRole("button", { name: "Theme: auto" }).click();
    const light = await ground();
    expect(light).not.toBe(dark);
    await visit.go(to("chroot"));
    expect(await ground()).toBe(light);
    await page.getByRole("button", { name: "Theme: light" }).click();
    expect(await ground()).toBe(dark);
    await visit.close();
  });

  test("nothing moves for who wants no motion", async () => {
    for (const motion of ["reduce", "no-preference"] as const) {
      const visit = await Visit.start(browser, { motion });
      await visit.go(to("chroot/2"));
      const moves = await visit.page
        .locator(".mount")
        .first()
        .evaluate((element) => getComputedStyle(element).transitionDuration);
      expect(moves).toBe(motion === "reduce" ? "0s" : "0.45s");
      await visit.close();
    }
  });

  test("the playground: examples, errors by line, and a script of one's own", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await visit.go(to("playground"));
    for (const button of await page.locator(".examples button").all()) {
      await button.click();
      await page.getByRole("button", { name: "To the end" }).click();
      expect(await page.locator(".problems li").count()).toBe(0);
    }
    await page
      .getByRole("textbox", { name: "Script" })
      .fill("mkdir /a\nmoutn x\nmount --bind /a /b\n");
    await page.locator(".problems").getByText("line 2: there is no command moutn").waitFor();
    await steps(page).nth(2).getByRole("button").click();
    expect(await page.locator(".failure .errno").textContent()).toBe("ENOENT");
    expect(visit.complaints()).toEqual([]);
    expect(await visit.violations()).toEqual([]);
    // Keys belong to the editor while it is typed in.
    await page.getByRole("textbox", { name: "Script" }).press("Home");
    await counter(page).getByText("2/2").waitFor();
    await visit.close();
  });

  const trace = [
    {
      pivot: "trace",
      version: 1,
      id: "a",
      steps: [
        { number: 1, by: "parent", what: "clone", detail: "clone newns", why: "namespaces" },
        {
          number: 2,
          by: "init",
          what: "mount tmpfs on /tmp",
          detail: "mount type=tmpfs",
          why: "mounts[0]",
        },
      ],
    },
    { step: 0, parent: { pid: 7, mountinfo: table(20) }, init: null },
    { step: 1, parent: { pid: 7 }, init: { pid: 8, mountinfo: table(40) } },
    {
      step: 2,
      parent: { pid: 7 },
      init: { pid: 8, mountinfo: table(40, "50 40 0:9 / /tmp rw - tmpfs tmpfs rw\n") },
    },
    { end: { exitCode: 0, signal: null, failure: null } },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");

  test("a trace: chosen, dropped, and one that is none", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    await visit.go(to("trace"));
    const file = (name: string, text: string) => ({
      name,
      mimeType: "text/plain",
      buffer: Buffer.from(text),
    });
    await page.locator("input[type=file]").setInputFiles(file("bad.jsonl", "hello\n"));
    expect(await page.getByRole("alert").textContent()).toBe(
      "bad.jsonl: line 1 of the trace is no JSON: record one with pivot debug --record FILE",
    );
    await page.locator("input[type=file]").setInputFiles(file("good.jsonl", trace));
    await page.getByRole("heading", { name: "good.jsonl" }).waitFor();
    await page.keyboard.press("End");
    await page.locator(".tree figcaption").getByText("What the container sees").waitFor();
    expect(await page.locator(".mount.is-new").textContent()).toContain("/tmp");
    expect(await visit.violations()).toEqual([]);

    await visit.go(to("trace"));
    const dropped = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "dropped.jsonl"));
      return transfer;
    }, trace);
    await page.dispatchEvent("article.trace", "drop", { dataTransfer: dropped });
    await page.getByRole("heading", { name: "dropped.jsonl" }).waitFor();
    expect(visit.complaints()).toEqual([]);
    await visit.close();
  });

  test("this machine's containers, as they come and go; not where nobody answers", async () => {
    const visit = await Visit.start(browser);
    const { page } = visit;
    live = { host: table(20), containers: [] };
    await visit.go(to("live"));
    await page.getByText("No container runs.").waitFor();
    const one = {
      id: "a",
      name: "web",
      image: "busybox",
      command: "sleep 9",
      pid: 7,
      mountinfo: table(40),
    };
    live = { host: table(20), containers: [one, { ...one, id: "b", name: "other", image: null }] };
    await page.getByRole("button", { name: "web busybox" }).waitFor({ timeout: 20_000 });
    expect(await page.locator(".tree figcaption").allTextContents()).toEqual([
      "What the host sees",
      "What web sees",
    ]);
    await page.getByRole("button", { name: "other not of pivot" }).click();
    expect(await page.locator(".tree figcaption").last().textContent()).toBe("What other sees");
    expect(visit.complaints()).toEqual([]);
    expect(await visit.violations()).toEqual([]);
    await visit.close();
  });

  const everywhere = [
    ...lessons.map(({ id, steps: { length } }) => `${id}/${length}`),
    "pivot-root/5/without/2",
    "namespace/2",
    "playground",
    "trace",
    "live",
  ];
  for (const width of [360, 1280]) {
    for (const scheme of ["light", "dark"] as const) {
      test(`${width} pixels, ${scheme}: nothing sticks out, and all can be read`, async () => {
        const visit = await Visit.start(browser, { width, scheme });
        for (const hash of everywhere) {
          await visit.go(to(hash));
          await visit.page.locator(".keys summary, h1").last().click();
          expect({ hash, overflow: await visit.overflow() }).toEqual({ hash, overflow: 0 });
          expect({ hash, axe: await visit.violations() }).toEqual({ hash, axe: [] });
          const name = `${hash.replaceAll(/[/,]/g, "-")}-${width}-${scheme}.png`;
          await visit.page.screenshot({ path: `${pictures}${name}`, fullPage: true });
        }
        expect(visit.complaints()).toEqual([]);
        await visit.close();
      });
    }
  }

  test("each step of each lesson fits on a phone", async () => {
    const visit = await Visit.start(browser, { width: 360, height: 740 });
    for (const { id, steps: all } of lessons) {
      await visit.go(to(id));
      for (const [index] of all.entries()) {
        await visit.page.keyboard.press("ArrowRight");
        await counter(visit.page)
          .getByText(`${index + 1}/${all.length}`)
          .waitFor();
        const overflow = await visit.overflow();
        expect({ id, step: index + 1, overflow }).toEqual({ id, step: index + 1, overflow: 0 });
      }
    }
    await visit.close();
  });
});
