// Many commands at once on one store, and commands that are killed: some seconds of each. The long
// form is `tools/test-engine.sh storm`.

import { afterAll, describe, test } from "bun:test";
import { patience } from "./patience.ts";
import { Ground, whyNot } from "./pivot.ts";
import { cleared, crowd, kills, prepareField } from "./storm.ts";

describe.skipIf(whyNot !== undefined)(`storms (${whyNot ?? "as root"})`, () => {
  const grounds = ["crowd", "kills"].map((name) => new Ground(name));
  const [first, second] = grounds as [Ground, Ground];
  afterAll(async () => {
    for (const each of grounds) await each.close();
  });

  test("a crowd of commands on the same names: done or clearly refused, and nothing is left", {
    timeout: 60_000 * patience,
  }, async () => {
    const field = prepareField(first, 1, null);
    await crowd(field, 120, 16).finally(() => cleared(field));
  });

  test("commands killed at random: all that they leave can be removed", {
    timeout: 60_000 * patience,
  }, async () => {
    const field = prepareField(second, 2, null);
    await kills(field, 40).finally(() => cleared(field));
  });
});
