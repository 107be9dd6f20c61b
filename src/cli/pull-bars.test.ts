// The bars at a terminal: what is on it when a pull fails before any, and what small layers are.

import { expect, test } from "bun:test";
import { Session } from "../../test/session.ts";

async function seen(lines: string): Promise<string> {
  const script = `const { BarDisplay } = await import(${JSON.stringify(new URL("./pull-bars.ts", import.meta.url).pathname)});
    const display = new BarDisplay(1);
    ${lines}
    console.log("end");`;
  const session = new Session([process.execPath, "-e", script]);
  const screen = await session.until(/end\r\n/);
  await session.end();
  return screen;
}

test("a pull that has no layers yet leaves no empty line, and says at once that it waits", async () => {
  expect(await seen('display.onRetry("it is slow", 1500); display.end();')).toBe(
    "Retrying in 2 s: it is slow\r\nend\r\n",
  );
});

test("a layer of a few bytes has a size, too", async () => {
  const layers = [
    { mediaType: "", digest: `sha256:${"a".repeat(64)}`, size: 170 },
    { mediaType: "", digest: `sha256:${"b".repeat(64)}`, size: 30_000_000 },
  ];
  const screen = await seen(
    `display.onProgress({ kind: "layers", descriptors: ${JSON.stringify(layers)}, missing: [] });
     display.onProgress({ kind: "downloading", digest: ${JSON.stringify(layers[1]?.digest)}, done: 1500, total: 1 });
     display.end();`,
  );
  expect(screen).toContain("0.2 kB");
  expect(screen).toContain("0.0 MB of 30.0 MB");
});
