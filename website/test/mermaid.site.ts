// What `pivot explain --format mermaid` writes is drawn by Mermaid itself.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { Ground, whyNot } from "../../test/pivot.ts";
import { openBrowser, whyNoBrowser } from "../../web/test/browser.ts";

setDefaultTimeout(180_000);

const script = new URL("../node_modules/mermaid/dist/mermaid.min.js", import.meta.url).pathname;

type Drawn = { readonly type: string; readonly labels: string };

/** In the page, where Mermaid is a global. */
declare const mermaid: {
  initialize(options: object): void;
  parse(text: string): Promise<{ diagramType: string }>;
  render(id: string, text: string): Promise<{ svg: string }>;
};

const why = whyNoBrowser ?? whyNot;

describe.skipIf(why !== undefined)(`diagrams of plans (${why ?? "in Chromium"})`, () => {
  const ground = new Ground("mermaid");
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser();
    page = await browser.newPage();
    await page.setContent("<!doctype html><title>diagrams</title>");
    await page.addScriptTag({ path: script });
    await page.evaluate(() => mermaid.initialize({ startOnLoad: false }));
  });

  afterAll(async () => {
    await browser.close();
    await ground.close();
  });

  const draw = (text: string): Promise<Drawn> =>
    page.evaluate(async (source) => {
      const { diagramType } = await mermaid.parse(source);
      const { svg } = await mermaid.render("drawn", source);
      const shown = new DOMParser().parseFromString(svg, "text/html").body.textContent ?? "";
      return { type: diagramType, labels: shown };
    }, text);

  const diagramsOf = (words: readonly string[]): string[] => {
    const { code, stdout, stderr } = ground.pivot(["explain", "--format", "mermaid", ...words]);
    if (code !== 0) throw new Error(stderr);
    return [...stdout.matchAll(/^```mermaid\n([^]*?)^```$/gm)].map(([, text]) => text ?? "");
  };

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["a plain container", ["--rm", "--network", "none", "busybox", "sh"]],
    [
      "a privileged one in the host's namespaces",
      ["--privileged", "--pid", "host", "busybox", "sh"],
    ],
    [
      "names that Mermaid or HTML could take for its own",
      [
        "--rm",
        "--network=none",
        "--hostname=end",
        "-v",
        '/tmp:/a "b" <c> #d; %e {f} [g] |h| end',
        "--tmpfs=/subgraph;end",
        "busybox",
        'echo "--> ]; <script>',
      ],
    ],
  ];
  for (const [name, words] of cases) {
    test(name, async () => {
      const [sequence = "", flow = "", ...more] = diagramsOf(words);
      expect(more).toEqual([]);
      const steps = await draw(sequence);
      expect(steps.type).toBe("sequence");
      expect(steps.labels).toContain("your turn");
      const mounts = await draw(flow);
      expect(mounts.type).toBe("flowchart-v2");
      expect(mounts.labels).toContain("/dev/pts");
      if (name.startsWith("names"))
        expect(mounts.labels).toContain('/a "b" <c> #d; %e {f} [g] |h| end');
    });
  }

  test("what is no diagram is refused: the test can fail", async () => {
    expect(draw("flowchart TD\n  a[[[b")).rejects.toThrow();
  });
});
