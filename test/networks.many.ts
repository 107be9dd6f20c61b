// A hundred containers on one bridge at once, started and removed many at a time; `npm run
// test:networks`, since it takes a minute.

import { expect, test } from "bun:test";
import { Host, Machine, networkState, say, whyNoNetworks } from "./network-world.ts";
import { compileC, Ground, pivotPath } from "./pivot.ts";

const count = 100;
const atOnce = 10;

test.skipIf(whyNoNetworks !== undefined)(
  `${count} containers on one bridge leave nothing${whyNoNetworks ? `: ${whyNoNetworks}` : ""}`,
  async () => {
    const untouched = networkState(say);
    const echo = compileC("echo.c");
    const ground = new Ground("networks");
    const machine = await Machine.make();
    const host = new Host(ground, machine);
    const state = () => networkState((words) => machine.say(words));
    const program = ["busybox", "/echo", "serve", "7"];
    const names = Array.from({ length: count }, (_, i) => `c${i}`);
    const each = async (words: (name: string) => readonly string[]): Promise<void> => {
      for (let i = 0; i < count; i += atOnce) {
        const some = names.slice(i, i + atOnce);
        const ran = some.map((name) =>
          machine.finished([pivotPath, ...ground.roots(), ...words(name)]),
        );
        expect(await Promise.all(ran)).toEqual(some.map(() => 0));
      }
    };
    try {
      host.pivot("run", "--rm", "-p", "1:1", "busybox", "true");
      const before = state();
      const begin = Date.now();
      await each((name) => [
        "run",
        "-d",
        "--name",
        name,
        "-p",
        "7",
        "-v",
        `${echo}:/echo:ro`,
        ...program,
      ]);
      const started = Date.now();
      const seen = host.pivot("inspect", "-f", "{{.NetworkSettings.IPAddress}}", ...names);
      expect(new Set(seen.split("\n")).size).toBe(count);
      const ports = names.map((name) => host.pivot("port", name, "7"));
      expect(new Set(ports).size).toBe(count);
      for (let i = 0; i < 200; i++) {
        const port = ports[i % count]?.split(":")[1] ?? "";
        const { stdout } = machine.ran([echo, "ask", "tcp", "127.0.0.1", port, `${i}`]);
        expect(stdout).toBe(`heard ${i}`);
      }
      const asked = Date.now();
      await each((name) => ["rm", "-f", name]);
      console.log(
        `started ${count} in ${started - begin} ms, removed them in ${Date.now() - asked} ms`,
      );
      expect(state()).toBe(before);
    } finally {
      host.ran(["rm", "-f", ...names]);
      machine.close();
      await ground.close();
    }
    expect(networkState(say)).toBe(untouched);
  },
  900_000,
);
