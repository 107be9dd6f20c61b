// Blocks of the documentation that are marked `runnable` are typed as they stand, and say what they say
// there; scripts for `mountns` come out in the simulator as printed.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "../../test/pivot.ts";
import { allBlocks, type Block, promptOf } from "../../tools/docs/code-blocks.ts";

setDefaultTimeout(120_000);

const blocks = allBlocks();
const ground = new Ground("documentation");
afterAll(() => ground.close());

const special = /[.*+?^${}()|[\]\\]/g;

/** `…` stands for whatever a line has there, and alone on a line for any number of lines. */
function patternOf(expected: readonly string[]): RegExp {
  const lines = expected.map((line) =>
    line === "…"
      ? "(?:.*\n)*?"
      : `${line.replace(special, "\\$&").replaceAll(/ *… */g, "[^\\n]*")} *\n`,
  );
  return new RegExp(`^${lines.join("")}$`);
}

type Turn = { readonly command: string; readonly says: readonly string[] };

/** What is typed in a session, each with what comes of it. */
function turnsOf({ lines }: Block): Turn[] {
  const turns: { command: string; says: string[] }[] = [];
  for (const line of lines) {
    if (promptOf.test(line)) turns.push({ command: line.slice(2), says: [] });
    else turns.at(-1)?.says.push(line);
  }
  return turns;
}

describe.skipIf(whyNot !== undefined)(`what is to be typed (${whyNot ?? "as root"})`, () => {
  const path = `${ground.directory}/bin`;
  beforeAll(() => {
    mkdirSync(path);
    const words = [pivotPath, ...ground.roots()].map((word) => `'${word}'`).join(" ");
    writeFileSync(`${path}/pivot`, `#!/bin/sh\nexec ${words} "$@"\n`);
    chmodSync(`${path}/pivot`, 0o755);
  });

  const runnable = blocks.filter(({ words }) => words.includes("runnable"));
  test("there are some", () => {
    expect(runnable.length).toBeGreaterThan(15);
  });

  for (const block of runnable) {
    test(`${block.path}:${block.line}`, () => {
      for (const { command, says } of turnsOf(block)) {
        const { stdout, stderr } = ground.command(["sh", "-c", command], {
          env: {
            ...(process.env as Record<string, string>),
            PATH: `${path}:${process.env["PATH"]}`,
          },
          timeout: 60_000,
        });
        expect(`${command}\n${stdout}${stderr}`).toMatch(
          new RegExp(patternOf(says).source.replace("^", `^${command.replace(special, "\\$&")}\n`)),
        );
      }
    });
  }
});

describe("scripts for mountns", () => {
  const scripts = blocks.filter(({ language }) => language === "mountns");
  test("there are some", () => {
    expect(scripts.length).toBeGreaterThan(3);
  });

  for (const block of scripts) {
    test(`${block.path}:${block.line}`, () => {
      const commands = block.lines.flatMap((line) => (line.startsWith("> ") ? line.slice(2) : []));
      const { stdout, stderr } = ground.command([pivotPath, "mountns"], {
        input: `${commands.join("\n")}\n`,
      });
      expect(stderr).toBe("");
      // Lines have numbers where they come from a file.
      const said = stdout.replaceAll(/^ *\d+ {2}/gm, "> ");
      expect(said).toMatch(patternOf(block.lines));
    });
  }
});
