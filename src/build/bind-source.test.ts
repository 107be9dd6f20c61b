import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { bindSources, bindsOfImages, checkBindSources, followsLinksOut } from "./bind-source.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-bind-`);
const context = `${directory}/context`;
const run = (mount: string) => `FROM a\nRUN --mount=${mount} true\n`;

beforeAll(() => {
  mkdirSync(`${context}/in`, { recursive: true });
  mkdirSync(`${directory}/outside`);
  writeFileSync(`${context}/in/file`, "");
  symlinkSync("in", `${context}/within`);
  symlinkSync(`${directory}/outside`, `${context}/out`);
  symlinkSync("../outside", `${context}/up`);
  symlinkSync("../up", `${context}/in/chain`);
  symlinkSync("nowhere", `${context}/dangling`);
});
afterAll(() => rmSync(directory, { recursive: true }));

test("sources of binds of the context, and of nothing else", () => {
  const text = `FROM a
RUN --mount=type=bind,source=x,target=/x --mount=target=/all echo
RUN --mount=type=cache,target=/c --mount=type=bind,from=b,source=/y,target=/y true
ONBUILD RUN --mount=src=z,dst=/z \\
  --mount=type=secret,id=s true
COPY out /`;
  expect(bindSources(text)).toEqual(["x", ".", "z"]);
  expect(bindsOfImages(text)).toBe(true);
  expect(bindsOfImages(run("target=/x"))).toBe(false);
});

test.each(["in", "./in/", "within", "within/file", "/in", "../../in", "nothing", ""])(
  "%p is of the context",
  (source) => checkBindSources(run(`source=${source},target=/x`), context),
);

test.each(["out", "/out/deep", "up", "in/chain", "within/chain", "in/../out", "dangling", "$X"])(
  "%p leads out, and is refused",
  (source) => {
    expect(() => checkBindSources(run(`source=${source},target=/x`), context)).toThrow(
      /^RUN --mount: \S+ of the context is a link to .*, which leads out of it or nowhere/,
    );
  },
);

test.each([
  ["buildah version 1.28.2 (image-spec 1.1.0)", true],
  ["1.33.11", true],
  ["1.33.12", false],
  ["1.36.9", true],
  ["1.38.0", true],
  ["1.38.1", false],
  ["1.39.0", false],
  ["2.0.0", false],
])("%p goes through links of images: %p", (said, does) => {
  expect(followsLinksOut(said)).toBe(does);
});
