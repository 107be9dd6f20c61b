// A `start` that is killed between two of its steps, which no clock can hit: hang-up.c does what it
// does up to there. pivot's own affair, so no peer is asked.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { compileC } from "../pivot.ts";
import { isAlive, OciGround } from "./ground.ts";
import { runtimeName, title, whyNot } from "./runtime.ts";

const isOther = runtimeName !== "pivot";
const skipped = whyNot !== undefined || isOther;

describe.skipIf(skipped)(`${title("a killed start")}${isOther ? ": not pivot" : ""}`, () => {
  if (isOther) {
    test("pivot's own affair", () => undefined);
    return; // the ground of tests that are skipped would stay
  }
  const ground = new OciGround("start-killed");

  for (const [moment, words] of [
    ["before it has taken the socket away", []],
    ["when it has taken the socket away", ["taken"]],
  ] as const) {
    test(`${moment}: the container has ended, and is deleted like any other`, async () => {
      const { id, pid } = ground.create();
      const hangUp = spawnSync(compileC("oci/hang-up.c"), [`${ground.root}/${id}`, ...words]);
      expect(hangUp.status).toBe(0);
      await ground.until(id, "stopped");
      expect(isAlive(pid)).toBe(false);
      expect(ground.refused(["start", id])).toContain("cannot start");
      ground.ok(["delete", id]);
      expect(existsSync(`${ground.root}/${id}`)).toBe(false);
      await ground.expectNothingLeft();
    });
  }
});
