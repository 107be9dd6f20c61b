import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { RunOptions } from "../options/options.ts";
import { heldToList, isHeld } from "./egress-holder.ts";

const runRoot = mkdtempSync(`${tmpdir()}/pivot-held-`);
afterAll(() => rmSync(runRoot, { recursive: true }));

/** A container that runs. */
function put(digit: string, name: string, options: RunOptions): void {
  const id = digit.repeat(64 / digit.length);
  mkdirSync(`${runRoot}/${id}`, { recursive: true });
  writeFileSync(`${runRoot}/${id}/state.json`, JSON.stringify({ version: 2, id, name, options }));
}

const sharing = (container: string, more: RunOptions = {}): RunOptions => ({
  network: { container },
  ...more,
});

test("who shares a held container's network is held, however far away the list is", () => {
  put("a", "first", { egress: [] });
  let last = "first";
  for (let i = 1; i < 30; i++) {
    const options = heldToList(sharing(last), runRoot);
    expect(isHeld(options)).toBe(true);
    last = `further${i}`;
    put(`${i}`.padStart(2, "0"), last, options);
  }
  expect(() => heldToList(sharing(last, { capAdd: ["NET_ADMIN"] }), runRoot)).toThrow(
    `--network container:${last}: conflicting options: ${last} is held to an egress list, to which nothing is with --cap-add NET_ADMIN`,
  );
  expect(() => heldToList(sharing(last, { privileged: true }), runRoot)).toThrow("--privileged");
});

test("it stays held when another has the name of who has the list, and gets nothing twice", () => {
  const options = heldToList(sharing("first", { capDrop: ["CAP_CHOWN"] }), runRoot);
  put("b", "second", options);
  put("a", "first", {});
  expect(isHeld(options)).toBe(true);
  expect(isHeld(heldToList(sharing("second"), runRoot))).toBe(true);
  expect(heldToList(sharing("first"), runRoot)).toEqual(sharing("first"));
  put("a", "first", { egress: [] });
  expect(heldToList(options, runRoot)).toEqual(options);
});
