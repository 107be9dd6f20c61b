// Egress lists at length: what is left of one when its guard is killed, when addresses get old, when a
// container floods its log; `npm run test:networks`, since it takes a minute.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { tryAllowed, tryDenied } from "./egress-cases.ts";
import { networkState, say } from "./network-world.ts";
import { OutsideWorld, soon, title, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { compileC, Ground } from "./pivot.ts";

const limit = 120_000;

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

const userOf = (pid: number): string =>
  /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

describe.skipIf(whyNoEgress !== undefined)(title("egress lists at length", whyNoEgress), () => {
  let ground: Ground;
  let world: OutsideWorld;
  let probe: readonly string[];
  let untouched = "";

  beforeAll(async () => {
    untouched = networkState(say);
    ground = new Ground("egress-long");
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

  test(
    "allow: names, ports and ranges by a bridge",
    () => tryAllowed(world, "a bridge", probe),
    limit,
  );

  test.skipIf(whyNoPasta !== undefined)(
    title("deny: nothing leaves by pasta", whyNoPasta),
    () => tryDenied(world, "pasta", probe),
    limit,
  );

  test.skipIf(whyNoPasta !== undefined)(
    title("nobody answers the guard in its server's name", whyNoPasta),
    () => {
      // No such machine: the guard waits, and by IPv6 anybody may say to be it.
      const flags = [
        "--network",
        "pasta",
        "--dns",
        "2001:db8::99",
        "--egress",
        "allow=example.com",
      ];
      const { out } = world.run(
        [...flags, ...probe],
        "/probe forge 2001:db8::99 example.com 2001:db8::7",
      );
      expect(out).toMatch(/^(code 2, 0 answers|sent, and none was taken|not sent: .*)\n$/);
    },
    limit,
  );

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

  test(
    "an address is admitted as long as its name says, half a minute more, and again when it is looked up",
    async () => {
      const { host } = world;
      const flags = ["--dns", "203.0.113.1", "--egress", "allow=example.com", ...probe];
      host.pivot("run", "-d", "--name", "old", ...flags, "busybox", "sleep", "1000");
      const inside = (...words: string[]) => host.ran(["exec", "old", ...words]);
      const ask = ["/probe", "look-up", "127.0.0.11", "udp", "example.com", "A"];
      const get = ["wget", "-qO-", "http://203.0.113.7/"];
      expect(inside(...get).code).not.toBe(0);
      inside(...ask);
      expect(inside(...get).code).toBe(0);
      await Bun.sleep(20_000);
      // Looked up once more, it has all of its time again.
      inside(...ask);
      await Bun.sleep(20_000);
      expect(inside(...get).code).toBe(0);
      await Bun.sleep(14_000);
      expect(inside(...get).code).not.toBe(0);
      expect(host.ran(["logs", "old"]).stderr).toContain(
        "egress refused: tcp 203.0.113.7:80 (the time for which example.com had this address is over: look it up again)",
      );
      inside(...ask);
      expect(inside(...get).code).toBe(0);
    },
    limit,
  );

  test(
    "who shares the network of a container with a list is held to it, and so is who shares theirs",
    () => {
      const { host } = world;
      const list = ["--dns", "203.0.113.1", "--egress", "deny"];
      host.pivot("run", "-d", "--name", "holder", ...list, "busybox", "sleep", "1000");
      const sleeper = ["busybox", "sleep", "1000"];
      host.pivot(
        "run",
        "-d",
        "--name",
        "guest",
        "--network",
        "container:holder",
        ...probe,
        ...sleeper,
      );
      const { stdout } = host.ran(["exec", "guest", "/probe", "beyond"]);
      expect(stdout).toContain("packet socket: Operation not permitted");
      expect(stdout).not.toContain("went well");
      expect(host.refused("exec", "--privileged", "guest", "true")).toContain("egress list");
      const more = (...flags: string[]) =>
        host.ran([
          "run",
          "--rm",
          "--network",
          "container:guest",
          ...probe,
          ...flags,
          "busybox",
          "/probe",
          "beyond",
        ]);
      expect(more().stdout).toBe(stdout);
      expect(more("--cap-add", "NET_RAW").stderr).toContain(
        "guest is held to an egress list, to which nothing is with --cap-add NET_RAW",
      );
      expect(more("--privileged").code).toBe(125);
    },
    limit,
  );

  test(
    "the library's option: refusals are among what the container wrote",
    () => {
      const library = new URL("../src/mod.ts", import.meta.url).pathname;
      const roots = JSON.stringify({ dataRoot: ground.root, runRoot: ground.runRoot });
      const program = `
        import { run } from ${JSON.stringify(library)};
        const wish = { image: "busybox", dns: ["203.0.113.1"], rm: true, roots: ${roots} };
        const list = { ...wish, network: { network: "bridge" }, egress: ["example.com:80"] };
        const get = (url) => ["wget", "-qO-", url];
        const one = await run({ ...list, command: get("http://example.com/") });
        const other = await run({ ...list, command: get("http://203.0.113.8/") });
        const bad = await run({ ...list, egress: ["no name"], command: ["true"] }).catch((e) => e.message);
        console.log(JSON.stringify([one.stdout.slice(0, 14), other.exitCode, other.stderr, bad]));`;
      const { stdout, stderr } = world.machine.ran([process.execPath, "-e", program]);
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual([
        "203.0.113.7 80",
        1,
        expect.stringContaining("egress refused: tcp 203.0.113.8:80 (not on the list;"),
        expect.stringMatching(/^invalid argument "no name" for "--egress": it looks like HOST/),
      ]);
    },
    limit,
  );

  test(
    "members of a network are looked up by their names, and reached when they are listed",
    () => {
      const { host } = world;
      host.pivot("network", "create", "team");
      const server = ["busybox", "sh", "-c", "echo page >/index.html; httpd -f -p 80"];
      host.pivot("run", "-d", "--name", "listed", "--network", "team", ...server);
      host.pivot("run", "-d", "--name", "other", "--network", "team", ...server);
      const { out, err } = world.run(
        ["--network", "team", "--egress", "allow=listed:80,example.com"],
        "wget -qO- http://listed/; wget -qO- http://other/; wget -qO- http://example.com/",
      );
      expect(out).toMatch(/^page\n203\.0\.113\.7 80 /);
      expect(OutsideWorld.refusals(err)).toEqual([
        "egress refused: other (not on the list; allow with --egress allow=other)",
      ]);
      host.pivot("rm", "-f", "listed", "other");
      host.pivot("network", "rm", "team");
    },
    limit,
  );
});
