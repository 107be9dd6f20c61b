import { expect, test } from "bun:test";
import { suggest } from "./suggest.ts";

const commands = ["run", "ps", "top", "exec", "images", "image", "inspect", "logs", "rm"];

test("letters left out, put in, changed or exchanged are found", () => {
  for (const [typed, meant] of [
    ["rnu", "run"],
    ["sp", "ps"],
    ["exce", "exec"],
    ["imgae", "image"],
    ["inpsct", "inspect"],
    ["lgs", "logs"],
  ] as const) {
    expect(suggest(typed, commands)).toBe(meant);
  }
});

test("a short word that shares a letter or two is not what was meant", () => {
  for (const typed of ["nope", "foo", "xyz", ""]) expect(suggest(typed, commands)).toBeNull();
});
