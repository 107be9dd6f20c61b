import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { comment, quote, quotePath } from "./quote.ts";

const said = (script: string): string[] =>
  spawnSync("sh", ["-c", script], { encoding: "utf8" }).stdout.split("\0").slice(0, -1);

/** No NUL: no argument of a program holds one. Lone surrogates are no text that a file could hold. */
const texts = fc.array(
  fc.string({ unit: "grapheme-composite" }).map((text) => text.replaceAll("\0", "")),
  { maxLength: 20 },
);
const nasty = fc.array(fc.stringMatching(/^[ \t\n'"\\$`;&|<>()*?[\]#~=%!{}\-a]*$/), {
  maxLength: 20,
});

test("a shell reads a quoted word as that one word", () => {
  fc.assert(
    fc.property(fc.oneof(texts, nasty), (words) => {
      expect(
        said(`for each in ${words.map(quote).join(" ")}; do printf '%s\\0' "$each"; done`),
      ).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

test("plain words stay as they are, and paths are no options", () => {
  expect(quote("/usr/bin/env")).toBe("/usr/bin/env");
  expect(quote("")).toBe("''");
  expect(quote("~root")).toBe("'~root'");
  expect(quotePath("-rf")).toBe("./-rf");
});

test("a comment has one line, whatever it is about", () => {
  expect(comment("a\nrm -rf x\r\u001b[31m\u2028b")).toBe("# a\\x0arm -rf x\\x0d\\x1b[31m\\x2028b");
});
