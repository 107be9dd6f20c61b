// What `ps` shows, where it does not take a container to see it.

import { expect, test } from "bun:test";
import { commandText } from "./ps.ts";

test("COMMAND is docker's: words with spaces in quotes, line ends as \\n, cut after twenty", () => {
  const script = ["sh", "-c", "echo a;\necho b"];
  expect(commandText(script, true)).toBe(`"sh -c 'echo a;\\necho b'"`);
  expect(commandText(script, false)).toBe(`"sh -c 'echo a;\\necho…"`);
  expect(commandText(["sleep", "1000"], false)).toBe('"sleep 1000"');
  expect(commandText(["a program", "-c", 'say "x"'], true)).toBe(`"a program -c 'say \\"x\\"'"`);
  expect(commandText([], false)).toBe('""');
});
