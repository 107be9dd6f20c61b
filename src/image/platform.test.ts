/** Platforms as people type them. */
import { expect, test } from "bun:test";
import { describePlatform, isPlatform, parsePlatform, runsOn } from "./platform.ts";

test("short forms and other systems' names", () => {
  const read = (text: string) => describePlatform(parsePlatform(text));
  expect(read("linux/arm64")).toBe("linux/arm64/v8");
  expect(read("arm")).toBe("linux/arm/v7");
  expect(read("linux/arm/v7")).toBe("linux/arm/v7");
  expect(read("Linux/x86_64")).toBe("linux/amd64");
  expect(read("aarch64")).toBe("linux/arm64/v8");
  expect(read("windows/amd64")).toBe("windows/amd64");
  for (const wrong of ["", "linux", "linux/", "a/b/c/d", "linux/a b", "linux//v7"]) {
    expect(() => parsePlatform(wrong)).toThrow(/is not a platform: it looks like linux\/amd64/);
  }
});

test("an image need not be of the very platform to run there", () => {
  const found = (architecture: string, variant?: string) => ({
    os: "linux",
    architecture,
    variant,
  });
  const on = parsePlatform;
  const cases = [
    [found("arm64"), "linux/arm64", true, true],
    [found("arm64", "v8"), "linux/arm64", true, true],
    [found("arm", "v6"), "linux/arm", true, false],
    [found("arm", "v7"), "linux/arm/v6", false, false],
    [found("amd64", "v3"), "linux/amd64", false, true],
    [found("amd64"), "linux/amd64/v3", true, false],
    [found("amd64"), "linux/arm64", false, false],
  ] as const;
  for (const [image, platform, runs, is] of cases) {
    const seen = [platform, runsOn(image, on(platform)), isPlatform(image, on(platform))];
    expect(seen).toEqual([platform, runs, is]);
  }
});
