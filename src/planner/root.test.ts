import { expect, test } from "bun:test";
import type { RootfsPropagation } from "../spec/linux.ts";
import { planPropagation, planRoot, planRootPropagation } from "./root.ts";

test("x", () => {
  void planPropagation;
  void planRoot;
  void planRootPropagation;
  const kind: RootfsPropagation = "shared";
  expect(kind).toBe("shared");
});
