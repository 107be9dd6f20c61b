import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Described } from "../container/record.ts";
import {
  forgetKept,
  isLastStart,
  keepContainer,
  noteFailure,
  noteRemoval,
  noteRestart,
  noteStart,
  noteStop,
  readKept,
} from "./kept.ts";

const dataRoot = mkdtempSync(`${tmpdir()}/pivot-kept-`);
afterAll(() => rmSync(dataRoot, { recursive: true }));

const keep = async (digit: string): Promise<string> => {
  const id = digit.repeat(64);
  await keepContainer({ version: 2, id, name: `c${digit}`, dataRoot, created: 1 } as Described);
  return id;
};

test("who removes a container sees that it was started since", async () => {
  const id = await keep("a");
  await noteStart(dataRoot, id);
  expect(await noteRemoval(dataRoot, id, null)).toBe(false);
  expect((await readKept(dataRoot, id))?.stopped).toBe(false);
  await noteFailure(dataRoot, id, "why");
  expect(await noteRemoval(dataRoot, id, null)).toBe(true);
});

test("the last start is known from one that somebody has ended, or begun again, since", async () => {
  const id = await keep("d");
  const first = await noteStart(dataRoot, id);
  expect(await isLastStart(dataRoot, id, first)).toBe(true);
  await noteStop(dataRoot, id);
  expect(await isLastStart(dataRoot, id, first)).toBe(false);
  await Bun.sleep(2);
  const second = await noteStart(dataRoot, id);
  expect(await isLastStart(dataRoot, id, first)).toBe(false);
  expect(await isLastStart(dataRoot, id, second)).toBe(true);
});

test("what is being removed, or is gone, is not started", async () => {
  const id = await keep("b");
  expect(await noteRemoval(dataRoot, id, null)).toBe(true);
  const refusal = "container bbbbbbbbbbbb was removed meanwhile, or is about to be";
  await expect(noteStart(dataRoot, id)).rejects.toThrow(refusal);
  await noteStop(dataRoot, id);
  await expect(noteStart(dataRoot, id)).rejects.toThrow(refusal);
  expect(await noteRestart(dataRoot, id)).toBe(false);
  // A removal that was cut short is done again.
  expect(await noteRemoval(dataRoot, id, null)).toBe(true);
  await forgetKept(dataRoot, id);
  await expect(noteStart(dataRoot, id)).rejects.toThrow(refusal);
  expect(await noteRemoval(dataRoot, id, null)).toBe(true);
});
