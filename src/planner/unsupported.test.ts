import { expect, test } from "bun:test";
import type { Spec } from "../spec/mod.ts";
import { findUnsupported } from "./unsupported.ts";

const plain: Spec = { ociVersion: "1.2.0", root: { path: "/" } };

test("what is not asked for, or asked for with nothing in it, is no problem", () => {
  expect(findUnsupported(plain)).toEqual([]);
  expect(findUnsupported({ ...plain, hooks: { prestart: [], poststop: [] } })).toEqual([]);
});

test("each field that would be passed over is named", () => {
  const spec: Spec = { ...plain, hooks: { poststop: [{ path: "/bin/true" }] } };
  expect(findUnsupported(spec)).toEqual(["hooks: not there yet: leave it out"]);
});
