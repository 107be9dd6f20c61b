// `pivot learn` itself: from the command to a real container's tree in the browser, and to its end.

import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Ground, pivotPath, whyNot } from "../../test/pivot.ts";
import { openBrowser, Visit, whyNoBrowser } from "./browser.ts";

const why = whyNoBrowser ?? whyNot;
const ground = new Ground("learn");

async function startLearn(): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const child = spawn(pivotPath, [...ground.roots(), "learn"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [said] = await once(child.stdout ?? child, "data");
  return { child, address: String(said).trim() };
}

describe.skipIf(why !== undefined)(`pivot learn (${why ?? "in Chromium"})`, () => {
  afterAll(() => ground.close());

  test("shows a container that runs, and ends with 0 when it is interrupted", async () => {
    const container = await ground.start(["--tmpfs", "/scratch"]);
    const { child, address } = await startLearn();
    const browser = await openBrowser();
    try {
      const visit = await Visit.start(browser);
      const { page } = visit;
      await visit.go(`${address}#live`);
      await page.getByRole("button", { name: container.name }).click({ timeout: 60_000 });
      await page.locator(".tree figcaption").getByText(`What ${container.name} sees`).waitFor();
      const tree = page.locator(".tree", { hasText: `What ${container.name} sees` });
      expect(await tree.locator(".path").allTextContents()).toContain("/scratch");
      // A real table, with real lengths.
      expect(await visit.violations()).toEqual([]);
      expect(visit.complaints()).toEqual([]);
      await visit.close();
    } finally {
      await browser.close();
      const ended = once(child, "exit");
      child.kill("SIGINT");
      expect(await ended).toEqual([0, null]);
      await container.stop();
    }
    expect(await fetch(address).catch(() => "nobody answers")).toBe("nobody answers");
  });
});
