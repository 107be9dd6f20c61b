// Egress lists: what a container reaches and what not, by every way that there is, and the lines that
// tell of it; on a machine of the test's own with another one outside. More is in networks.egress.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { tryAllowed, tryDenied, tryToAnswer, tryToGoOn } from "./egress-cases.ts";
import { networkState, say } from "./network-world.ts";
import { OutsideWorld, title, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { patience } from "./patience.ts";
import { compileC, Ground } from "./pivot.ts";

const limit = 60_000 * patience;

describe.skipIf(whyNoEgress !== undefined)(title("egress lists", whyNoEgress), () => {
  let ground: Ground;
  let world: OutsideWorld;
  let probe: readonly string[];
  let untouched = "";

  beforeAll(async () => {
    untouched = networkState(say);
    ground = new Ground("egress");
    probe = ["-v", `${compileC("egress-probe.c")}:/probe:ro`];
    world = await OutsideWorld.make(ground);
  }, limit);

  afterAll(async () => {
    world.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  test("deny: nothing leaves by a bridge", () => tryDenied(world, "a bridge", probe), limit);

  test.skipIf(whyNoPasta !== undefined)(
    title("allow: names, ports and ranges by pasta", whyNoPasta),
    () => tryAllowed(world, "pasta", probe),
    limit,
  );

  test(
    "who is in the container is no name server for it, by a bridge",
    () => tryToAnswer(world, "a bridge", probe),
    limit,
  );

  test(
    "what the guard has begun nobody goes on with",
    () => tryToGoOn(world, "a bridge", probe),
    limit,
  );

  test.skipIf(whyNoPasta !== undefined)(
    title("who has the machine's address by pasta is not the machine's name server", whyNoPasta),
    () => tryToAnswer(world, "pasta", probe),
    limit,
  );

  test("what cannot be held to a list is refused in one line", () => {
    const refused = (...flags: string[]) =>
      world.host.refused("run", "--rm", "--egress", "deny", ...flags, "busybox", "true");
    expect(refused("--network", "host")).toContain("is not the container's own");
    expect(refused("--privileged")).toContain("with --privileged a container is held to no list");
    expect(refused("--cap-add", "net_admin")).toContain("with --cap-add NET_ADMIN");
    expect(refused("--cap-add", "ALL")).toContain("with --cap-add ALL");
    const { code, stderr } = world.host.ran([
      "run",
      "--rm",
      "--network",
      "none",
      "--egress",
      "deny",
      "busybox",
      "true",
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        "pivot: warning: --egress is left out: with --network none nothing is reached anyway\n",
    });
  });
});
