/** Platforms as people type them. */
import { expect, test } from "bun:test";
import { describePlatform, parsePlatform } from "./platform.ts";

test("short forms and other systems' names", () => {
  const read = (text: string) => describePlatform(parsePlatform(text));
  expect(read("linux/arm64")).toBe("linux/arm64");
  expect(read("linux/arm/v7")).toBe("linux/arm/v7");
  expect(read("Linux/x86_64")).toBe("linux/amd64");
  expect(read("aarch64")).toBe("linux/arm64");
  expect(read("windows/amd64")).toBe("windows/amd64");
  for (const wrong of ["", "linux", "linux/", "a/b/c/d", "linux/a b", "linux//v7"]) {
    expect(() => parsePlatform(wrong)).toThrow(/is not a platform: it looks like linux\/amd64/);
  }
});
