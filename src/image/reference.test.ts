import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ImageError } from "./error.ts";
import { parseReference } from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);

test.each([
  ["busybox", "docker.io/library/busybox:latest"],
  ["busybox:1.36", "docker.io/library/busybox:1.36"],
  ["docker.io/busybox", "docker.io/library/busybox:latest"],
  ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
  ["user/app", "docker.io/user/app:latest"],
  ["a/b/c:T_a.g-1", "docker.io/a/b/c:T_a.g-1"],
  ["registry.example/user/app", "registry.example/user/app:latest"],
  ["localhost/x", "localhost/x:latest"],
  ["localhost:5000/x", "localhost:5000/x:latest"],
  ["localhost:5000", "docker.io/library/localhost:5000"],
  ["127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"],
  ["[::1]:5000/a", "[::1]:5000/a:latest"],
  ["Host/app", "Host/app:latest"],
  [`busybox@sha256:${hex}`, `docker.io/library/busybox@sha256:${hex}`],
  [`busybox:1@sha256:${hex}`, `docker.io/library/busybox@sha256:${hex}`],
  ["a__b/c--d", "docker.io/a__b/c--d:latest"],
  ["oci:/dir", "oci:/dir"],
  ["oci:/dir:docker.io/library/x:latest", "oci:/dir:docker.io/library/x:latest"],
  ["docker-archive:x.tar:busybox:1", "docker-archive:x.tar:busybox:1"],
])("%s is %s", (text, name) => {
  expect(parseReference(text).name).toBe(name);
});

test.each([
  "",
  ":",
  ":latest",
  "/",
  "/x",
  "x/",
  "a//b",
  "a/../b",
  "../a",
  ".",
  "Busybox",
  "docker.io/Busybox",
  "a___b",
  "-a",
  "a-",
  "a b",
  "a:",
  "a:-tag",
  `a:${"t".repeat(129)}`,
  "a@",
  "a@sha256:12",
  `a@sha256:${hex.toUpperCase()}`,
  `a@sha512:${hex}${hex}`,
  `a@sha256:${hex}@sha256:${hex}`,
  hex,
  "a\nb",
  "a\0b",
  "-x.io/a",
  "host:port/a",
  `${"a".repeat(256)}`,
  "oci:",
  "oci:/dir:",
  "docker-archive:",
])("%j is refused in one line", (text) => {
  let error: unknown;
  try {
    parseReference(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(ImageError);
  expect((error as ImageError).code).toBe("invalid-reference");
  expect((error as ImageError).message).not.toContain("\n");
});

test("the normal form is a fixed point, and whatever is typed gives a reference or an ImageError", () => {
  const pieces = fc.constantFrom(
    "a",
    "b.c",
    "/",
    ":",
    "@",
    "sha256:",
    hex,
    "localhost",
    "5000",
    "-",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((p) => p.join("")),
      ),
      (text) => {
        try {
          const once = parseReference(text);
          expect(parseReference(once.name)).toEqual(
            once.transport === "registry" && once.digest !== undefined
              ? { ...once, tag: undefined }
              : once,
          );
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
        }
      },
    ),
  );
});

test("the name of a repository is what distribution's expression says it is", () => {
  const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
  const expression = new RegExp(`^${component}(?:/${component})*$`);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab09._-/"), maxLength: 12 }), (path) => {
      const parse = () => parseReference(`docker.io/x${path}`);
      if (expression.test(`x${path}`)) expect(parse).not.toThrow();
      else expect(parse).toThrow(ImageError);
    }),
    { numRuns: 2000 },
  );
});
