// nginx of Debian behind -p: root's on a bridge, an ordinary user's by pasta; 200 requests of another machine by
// IPv4 and by IPv6 each. `npm run test:networks`.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { networkState, say } from "./network-world.ts";
import { nginxArchive, whyNoNginx } from "./nginx.ts";
import { OrdinaryUser, whyNoUser } from "./ordinary-user.ts";
import { OutsideWorld, soon, title, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { Ground, pivotPath } from "./pivot.ts";
import { requests } from "./requests.ts";

const limit = 120_000;
const count = 200;
const why = whyNoNginx ?? whyNoEgress;
/** The machine, as another one reaches it. */
const addresses = ["203.0.113.2", "[2001:db8::2]"] as const;

describe.skipIf(why !== undefined)(title("nginx behind -p", why), () => {
  let ground: Ground;
  let world: OutsideWorld;
  let archive = "";
  let untouched = "";

  beforeAll(async () => {
    untouched = networkState(say);
    ground = new Ground("nginx");
    world = await OutsideWorld.make(ground);
    archive = nginxArchive(ground.directory);
  }, limit);

  afterAll(async () => {
    world.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  /** Whether a page comes: nginx has to begin to listen first. */
  const isServed = (address: string, port: number): boolean =>
    world.outside.ran(requests(`http://${address}:${port}/`, 1)).stdout === "1\n";

  async function expectPages(port: number): Promise<void> {
    for (const address of addresses) {
      expect({ address, served: await soon(() => isServed(address, port)) }).toEqual({
        address,
        served: true,
      });
      const { stdout } = world.outside.ran(requests(`http://${address}:${port}/`, count));
      expect({ address, answered: stdout }).toEqual({ address, answered: `${count}\n` });
    }
  }

  const program = ["/usr/sbin/nginx"];

  /** How many lines of the log say that a page was given. */
  const pagesIn = (log: string): number => (log.match(/"GET \/ HTTP\/1\.1" 200 /g) ?? []).length;

  test(
    "on a bridge",
    async () => {
      const { host } = world;
      host.pivot("import", archive, "nginx");
      host.pivot("network", "create", "--ipv6", "front");
      host.pivot(
        "run",
        "-d",
        "--name",
        "web",
        "--network",
        "front",
        "-p",
        "8080:80",
        "nginx",
        ...program,
      );
      try {
        expect(host.pivot("port", "web")).toContain("80/tcp -> ");
        await expectPages(8080);
        expect(pagesIn(host.pivot("logs", "web"))).toBeGreaterThanOrEqual(2 * count);
        // Its workers are who the image says.
        expect(host.pivot("top", "web", "-eo", "pid,uid,args")).toMatch(
          /^\d+ +33 +nginx: worker process/m,
        );
      } finally {
        host.pivot("rm", "-f", "web");
        host.pivot("network", "rm", "front");
        host.pivot("rmi", "nginx");
      }
      expect(isServed(addresses[0], 8080)).toBe(false);
    },
    limit,
  );

  const whyNot = whyNoUser() ?? whyNoPasta;

  test.skipIf(whyNot !== undefined).each(["host", "auto"])(
    title("an ordinary user's, by pasta, with --userns %s", whyNot),
    async (mode) => {
      const user = new OrdinaryUser("range");
      const own = `${user.home}/tmp/nginx.tar`;
      const as = (...words: string[]): string => {
        const script = new URL("../tools/as-user.sh", import.meta.url).pathname;
        const ran = world.machine.ran([script, "range", user.home, pivotPath, ...words]);
        expect({ words, code: ran.code, stderr: ran.code === 0 ? "" : ran.stderr }).toEqual({
          words,
          code: 0,
          stderr: "",
        });
        return ran.stdout.trimEnd();
      };
      try {
        as("images", "-q"); // so that there is a home
        say(["install", "-m", "644", archive, own]);
        as("import", own, "nginx");
        as("run", "-d", "--name", "web", "--userns", mode, "-p", "8080:80", "nginx", ...program);
        await expectPages(8080);
        expect(pagesIn(as("logs", "web"))).toBeGreaterThanOrEqual(2 * count);
        as("rm", "-f", "web");
        expect(isServed(addresses[0], 8080)).toBe(false);
        await user.expectNobody();
      } finally {
        if (existsSync(own)) rmSync(own);
        user.drop();
      }
    },
    limit,
  );
});
