// Egress lists: what a container reaches and what not, by every way that there is, and the lines that
// tell of it; on a machine of the test's own with another one outside.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { networkState, say } from "./network-world.ts";
import { OutsideWorld, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { compileC, Ground } from "./pivot.ts";

const limit = 60_000;
const title = (name: string, why: string | undefined) => (why ? `${name}: ${why}` : name);

/** Until it is so; false: not in five seconds. */
async function soon(isSo: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 && !isSo(); i++) await Bun.sleep(50);
  return isSo();
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

const userOf = (pid: number): string =>
  /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

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

  afterEach(() => {
    const left = world.host.pivot("ps", "-aq").split("\n");
    if (left[0] !== "") world.host.pivot("rm", "-f", ...left);
  });

  afterAll(async () => {
    world.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  /** The companions of a container, by the user that they are. */
  const companions = (name: string): { readonly guard: number; readonly monitor: number } => {
    const id = world.host.pivot("inspect", "-f", "{{.Id}}", name);
    const monitor = Number(
      readFileSync(`${ground.runRoot}/${id}/monitor`, "utf8").split(" ")[0] ?? "",
    );
    const guard = childrenOf(monitor).find((pid) => userOf(pid) === "65534") ?? 0;
    return { guard, monitor };
  };

  const deny = `
    /probe look-up 127.0.0.11 udp example.com A
    /probe look-up 203.0.113.1 udp example.com A
    /probe look-up 203.0.113.1 tcp example.com A
    wget -qO- http://203.0.113.7/; wget -qO- "http://[2001:db8::7]/"
    /probe flood 203.0.113.8 7 1
    /probe beyond; ip link set lo down 2>/dev/null || echo stays up; wget -qO- http://127.0.0.11/`;

  const modes = [
    ["a bridge", []],
    ["pasta", ["--network", "pasta"]],
  ] as const;

  for (const [name, flags] of modes) {
    const why = name === "pasta" ? whyNoPasta : undefined;
    test.skipIf(why !== undefined)(
      title(`deny: nothing leaves by ${name}, and each try is told`, why),
      () => {
        const before = world.heard();
        const { out, err } = world.run([...flags, ...probe, "--egress", "deny"], deny);
        expect(out.split("\n")).toEqual([
          "code 3",
          "Operation not permitted",
          "No route to host",
          "passed 0",
          "packet socket: Operation not permitted",
          "raw socket: Operation not permitted",
          expect.stringMatching(/^vsock: (Operation not permitted|Address family not supported)/),
          "mark: Operation not permitted",
          "rules: Operation not permitted",
          "namespace: Operation not permitted",
          "stays up",
          "",
        ]);
        const told = OutsideWorld.refusals(err);
        const listed = (what: string, entry = what): string =>
          `egress refused: ${what} (not on the list; allow with --egress allow=${entry})`;
        const named = "names are answered by the container's own resolver alone";
        expect(told).toContain(listed("example.com"));
        expect(told).toContain(listed("tcp 203.0.113.7:80", "203.0.113.7:80"));
        expect(told).toContain(listed("udp 203.0.113.8:7", "203.0.113.8:7"));
        for (const protocol of ["udp", "tcp"]) {
          expect(told).toContain(
            `egress refused: ${protocol} 203.0.113.1:53 (${named}; allow with --egress allow=203.0.113.1:53)`,
          );
        }
        if (name === "pasta") {
          expect(told).toContain(listed("tcp [2001:db8::7]:80", "[2001:db8::7]:80"));
        }
        // Nobody outside has heard anything.
        expect(world.heard()).toBe(before);
      },
      limit,
    );

    test.skipIf(why !== undefined)(
      title(`allow: names, ports and ranges by ${name}`, why),
      () => {
        const list = "example.com:80,www.example.com,*.wild.example,meta.example,203.0.113.8:8080";
        const { out, err } = world.run(
          [...flags, ...probe, "--egress", `allow=${list}`],
          `wget -qO- http://203.0.113.7/
          wget -qO- http://example.com/ | sed 's/ to .*//'
          wget -qO- http://example.com:8080/
          /probe look-up 127.0.0.11 tcp www.example.com A
          /probe look-up 127.0.0.11 udp www.example.com AAAA
          /probe look-up 127.0.0.11 udp example.com TXT
          wget -qO- http://www.example.com:8080/ | sed 's/ to .*//'
          /probe look-up 127.0.0.11 udp a.wild.example A
          /probe look-up 127.0.0.11 udp wild.example A
          /probe look-up 127.0.0.11 udp near.wild.example A
          /probe look-up 127.0.0.11 udp meta.example A
          /probe look-up 127.0.0.11 udp other.example.org A
          wget -qO- http://203.0.113.8:8080/ | sed 's/ to .*//'
          cat /etc/resolv.conf`,
        );
        const first = name === "pasta" ? "2001:db8::7" : "203.0.113.7";
        expect(out.split("\n")).toEqual([
          `${first} 80`,
          "code 0 203.0.113.7",
          "code 0 2001:db8::7",
          "code 0",
          `${first} 8080`,
          "code 0 203.0.113.8",
          "code 3",
          "code 0",
          "code 0",
          "code 3",
          "203.0.113.8 8080",
          "nameserver 127.0.0.11",
          "",
        ]);
        const shown = first.includes(":") ? `[${first}]` : first;
        expect(OutsideWorld.refusals(err)).toEqual([
          "egress refused: tcp 203.0.113.7:80 (not on the list; allow with --egress allow=203.0.113.7:80)",
          `egress refused: tcp ${shown}:8080, which is example.com (not on the list; allow with --egress allow=example.com:8080)`,
          "egress refused: wild.example (not on the list; allow with --egress allow=wild.example)",
          "egress refused: near.wild.example is 10.1.2.3, a private address, which a wildcard does not cover (allow with --egress allow=10.1.2.3)",
          "egress refused: meta.example is 169.254.169.254, an address of the machine itself or its link (allow with --egress allow=169.254.169.254)",
          "egress refused: other.example.org (not on the list; allow with --egress allow=other.example.org)",
        ]);
      },
      limit,
    );
  }

  test(
    "refusals are in the log; without its guard a container gets no further name, and no rule goes",
    async () => {
      const { host } = world;
      const flags = ["--dns", "203.0.113.1", "--egress", "allow=example.com", ...probe];
      host.pivot("run", "-d", "--name", "kept", ...flags, "busybox", "sleep", "100");
      const inside = (...words: string[]) => host.ran(["exec", "kept", ...words]);
      const ask = ["/probe", "look-up", "127.0.0.11", "udp", "example.com", "A"];
      expect(inside(...ask).stdout).toBe("code 0 203.0.113.7\n");
      expect(inside("wget", "-qO-", "http://203.0.113.8/").code).not.toBe(0);
      const log = () => host.ran(["logs", "kept"]).stderr;
      expect(await soon(() => log().includes("egress refused: tcp 203.0.113.8:80 "))).toBe(true);
      // A further process is held to the list as well.
      const { guard, monitor } = companions("kept");
      expect(inside("/probe", "beyond").stdout).not.toContain("went well");
      expect(host.refused("exec", "--privileged", "kept", "true")).toContain("egress list");
      const status = readFileSync(`/proc/${guard}/status`, "utf8");
      expect(status).toMatch(/^CapEff:\t0000000000001000$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      process.kill(guard, "SIGKILL");
      expect(await soon(() => log().includes("the guard of the egress list has ended"))).toBe(true);
      expect(inside(...ask).code).not.toBe(0);
      expect(inside("wget", "-qO-", "http://203.0.113.8/").code).not.toBe(0);
      // What it had admitted is still, until its time is over.
      expect(inside("wget", "-qO-", "http://203.0.113.7/").stdout).toStartWith("203.0.113.7 80");
      process.kill(monitor, "SIGKILL");
      expect(await soon(() => host.pivot("ps", "-aq", "--filter", "status=running") === "")).toBe(
        true,
      );
    },
    limit,
  );

  test(
    "a flood of refusals delays nothing and ends in a bounded log",
    () => {
      const { out, err } = world.run(
        [...probe, "--egress", "allow=example.com"],
        "/probe flood 203.0.113.8 1000 20000; wget -qO- http://example.com/",
      );
      expect(out).toStartWith("passed 0\n203.0.113.7 80 ");
      const told = OutsideWorld.refusals(err);
      expect(told.length).toBeGreaterThan(10);
      expect(told.length).toBeLessThan(2000);
      expect(told.at(-1)).toMatch(/^egress refused: \d+ times more than are told here$/);
    },
    limit,
  );

  test.skipIf(whyNoPasta !== undefined)(
    title("the guard ends with the monitor, whatever ends that; so does pasta", whyNoPasta),
    async () => {
      const { host } = world;
      const flags = ["--network", "pasta", "--egress", "deny"];
      host.pivot("run", "-d", "--name", "two", ...flags, "busybox", "sleep", "100");
      const { guard, monitor } = companions("two");
      const all = childrenOf(monitor);
      const own = all.flatMap((pid) => childrenOf(pid));
      expect(all.length).toBe(3);
      process.kill(monitor, "SIGKILL");
      const pids = [guard, ...all, ...own];
      expect(await soon(() => !pids.some((pid) => existsSync(`/proc/${pid}`)))).toBe(true);
    },
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
