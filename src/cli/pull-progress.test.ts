/** What a pull says where there is no terminal, and that it loads nothing to draw with. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const here = new URL(".", import.meta.url).pathname;

/** Runs a few lines that import from this folder, and gives what they print. */
function say(script: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["-e", script], {
    cwd: here,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

test("a line for each station", () => {
  const layer = (letter: string) => ({ mediaType: "", digest: digest(letter), size: 1 });
  const about = { layer: 1, layers: 2 };
  const events = [
    { kind: "layers", descriptors: [layer("a"), layer("b")], missing: [layer("b")] },
    { kind: "waiting", digest: digest("b") },
    { kind: "layer", ...about, digest: digest("a"), outcome: { state: "present" } },
    { kind: "downloading", digest: digest("b"), done: 1, total: 1 },
    { kind: "downloaded", digest: digest("b") },
    { kind: "reading", ...about, digest: digest("b"), total: 1, done: 1 },
    { kind: "layer", ...about, digest: digest("b"), outcome: { state: "present" } },
  ];
  const script = `
    const { pullDisplay } = await import("./pull-progress.ts");
    const display = await pullDisplay(1);
    for (const event of ${JSON.stringify(events)}) display.onProgress(event);
    display.onRetry("the host stalled", 1500);
    display.end();
    console.log(Object.keys(require.cache).filter((path) => path.includes("cli-progress")).length);`;
  expect(say(script).split("\n")).toEqual([
    "bbbbbbbbbbbb: Pulling fs layer",
    "bbbbbbbbbbbb: Waiting for another pull",
    "aaaaaaaaaaaa: Already exists",
    "bbbbbbbbbbbb: Download complete",
    "bbbbbbbbbbbb: Pull complete",
    "Retrying in 2 s: the host stalled",
    "0",
    "",
  ]);
});

test("only the module with the bars imports the library, and nobody imports that at once", () => {
  const files = readdirSync(here).filter(
    (name) => name.endsWith(".ts") && !name.includes(".test."),
  );
  const importers = (pattern: RegExp) =>
    files.filter((name) => pattern.test(readFileSync(here + name, "utf8")));
  expect(importers(/"cli-progress"/)).toEqual(["pull-bars.ts"]);
  expect(importers(/ from "\.\/pull-bars\.ts"/)).toEqual([]);
});
