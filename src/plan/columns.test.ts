import { expect, test } from "bun:test";
import { inColumns } from "./columns.ts";

test("columns are as wide as their widest cell, and lines end without spaces", () => {
  const rows = [
    ["ID", "NAME", "WHY"],
    ["1", "longer", ""],
    ["100", "x", "so"],
  ];
  expect(inColumns(rows)).toEqual(["ID   NAME    WHY", "1    longer", "100  x       so"]);
  expect(inColumns(rows, "|")).toEqual(["ID |NAME  |WHY", "1  |longer|", "100|x     |so"]);
  expect(inColumns([])).toEqual([]);
});
