import { expect, test } from "bun:test";
import { posix } from "node:path";
import * as fc from "fast-check";
import { absoluteFrom, cleanPath, depthOf, targetProblem } from "./path.ts";

const part = fc.constantFrom("a", "b", "..", ".", "", "...", "c d");
const path = fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join("/")}`);

test("a clean path is what Node makes of it", () => {
  fc.assert(
    fc.property(path, (given) => {
      expect(cleanPath(given)).toBe(posix.resolve(given));
    }),
  );
});

test("a relative path starts at the working directory", () => {
  fc.assert(
    fc.property(path, path, (cwd, given) => {
      expect(absoluteFrom(given.slice(1), cwd)).toBe(posix.resolve(cwd, given.slice(1)));
    }),
  );
});

test("depth counts what has a name", () => {
  expect([depthOf("/"), depthOf("/a"), depthOf("/a/b/")]).toEqual([0, 1, 2]);
});

test.each([
  ["", "a target is required: the path in the container"],
  ["a", "the target a is not an absolute path"],
  ["/a/..", "the target cannot be /, the root itself"],
  ["/a\0", "the target contains a NUL character"],
  ["/a", null],
])("%p as a target", (target, problem) => {
  expect(targetProblem(target)).toBe(problem);
});
