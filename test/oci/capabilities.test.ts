// Capabilities of config.json that cannot be given: config.md wants a warning, and that the
// container runs without them.

import { describe, expect } from "bun:test";
import { OciGround } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("capabilities"), () => {
  const ground = new OciGround("capabilities");
  const sets = ["bounding", "effective", "permitted", "inheritable", "ambient"];

  /** What the kernel tells of a container with CAP_KILL and this one in these sets. */
  const given = (name: string, inSets: readonly string[], before: readonly string[] = []) => {
    const { code, stdout, stderr } = ground.run(
      (config) => {
        config.process["args"] = ["/bin/grep", "^Cap", "/proc/self/status"];
        config.process["capabilities"] = Object.fromEntries(
          sets.map((set) => [set, inSets.includes(set) ? ["CAP_KILL", name] : ["CAP_KILL"]]),
        );
      },
      [],
      { before },
    );
    return {
      code,
      masks: [...stdout.matchAll(/\t0*([0-9a-f]+)$/gm)].map(([, mask]) => mask),
      stderr,
    };
  };
  const killAlone = { code: 0, masks: ["20", "20", "20", "20", "20"] };

  demand("an unknown capability is a warning in one line that names it", () => {
    const { stderr, ...seen } = given("CAP_TEST", ["bounding"]);
    expect(seen).toEqual(killAlone);
    expect(stderr).toMatch(/^[^\n]*CAP_TEST[^\n]*\n$/);
  });

  demand("a capability that the caller has not got is left out, with a warning", () => {
    const { stderr, ...seen } = given("CAP_WAKE_ALARM", sets, [
      "setpriv",
      "--bounding-set=-wake_alarm",
      "--inh-caps=-wake_alarm",
    ]);
    expect(seen).toEqual(killAlone);
    expect(stderr).toMatch(/^[^\n]*CAP_WAKE_ALARM[^\n]*\n$/);
  });
});
