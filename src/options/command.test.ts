import { expect, test } from "bun:test";
import { commandLine } from "./command.ts";

const image = { Entrypoint: ["/entry", "-e"], Cmd: ["cmd", "-c"] };

test.each<[string, readonly string[], readonly string[] | undefined, readonly string[]]>([
  ["the image alone", [], undefined, ["/entry", "-e", "cmd", "-c"]],
  ["a command", ["sh"], undefined, ["/entry", "-e", "sh"]],
  ["an entrypoint", [], ["/bin/ls"], ["/bin/ls"]],
  ["both", ["-l"], ["/bin/ls", "-a"], ["/bin/ls", "-a", "-l"]],
  ["the entrypoint reset", [], [""], []],
  ["the entrypoint reset, and a command", ["sh"], [""], ["sh"]],
  ["an empty entrypoint", [], [], ["cmd", "-c"]],
  ["an empty entrypoint, and a command", ["sh"], [], ["sh"]],
])("%s", (_, command, entrypoint, args) => {
  expect(commandLine(image, command, entrypoint)).toEqual(args);
});

test("an image need not say anything, nor be there", () => {
  expect(commandLine({ Entrypoint: null, Cmd: null }, [], undefined)).toEqual([]);
  expect(commandLine(null, ["sh"], undefined)).toEqual(["sh"]);
  expect(commandLine({ Cmd: ["sh"] }, [], undefined)).toEqual(["sh"]);
});
