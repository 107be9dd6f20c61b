// Chromium for the tests of the page: Debian's, started once, and everything that a page complains of.

import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const executablePath = process.env["PIVOT_TEST_CHROMIUM"] ?? "/usr/bin/chromium";

/** Why the page cannot be tested here, in words for a test's name; undefined: it can. */
export const whyNoBrowser: string | undefined = existsSync(executablePath)
  ? undefined
  : `there is no ${executablePath}: apt-get install chromium`;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    timeout: 120_000,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export type Look = {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  readonly motion?: "reduce" | "no-preference";
};

/** A page of its own, with what went wrong in it. */
export class Visit {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.#complaints.push(message.text());
      }
    });
    page.on("pageerror", ({ message }) => this.#complaints.push(message));
  }

  static async start(browser: Browser, look: Look = {}): Promise<Visit> {
    const { width = 1280, height = 900, scheme = "light", motion = "reduce" } = look;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: motion,
    });
    // Many times what it takes: other things may be running on the machine.
    context.setDefaultTimeout(120_000);
    return new Visit(context, await context.newPage());
  }

  /** An address, anew: also where only what follows the # is another. */
  async go(address: string): Promise<void> {
    await this.page.goto("about:blank");
    await this.page.goto(address);
    await this.page.locator("h1").waitFor();
  }

  /** How far the content is wider than the window. */
  overflow(): Promise<number> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  }

  /** Rules of WCAG 2.2 A and AA, and good practice, that are broken: `color-contrast: .a .b`. */
  async violations(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(" | ")}`,
    );
  }

  complaints(): readonly string[] {
    return this.#complaints;
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}
