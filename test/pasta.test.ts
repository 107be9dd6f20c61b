// --network pasta: a container with the machine's own addresses, its published ports, and that pasta
// ends with it on every path.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { networkState, say } from "./network-world.ts";
import { OutsideWorld, soon, title, whyNoPasta } from "./outside-world.ts";
import { patience } from "./patience.ts";
import { compileC, Ground, pivotPath } from "./pivot.ts";

const limit = 60_000 * patience;

/** Processes of pasta for containers below this directory, by the file of their network namespace. */
const pastasOf = (runRoot: string): number[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8");
      return words.startsWith("pasta\0") && words.includes(runRoot) ? [Number(name)] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });

describe.skipIf(whyNoPasta !== undefined)(title("--network pasta", whyNoPasta), () => {
  let ground: Ground;
  let world: OutsideWorld;
  let echo: string;
  let untouched = "";

  beforeAll(async () => {
    untouched = networkState(say);
    ground = new Ground("pasta");
    echo = compileC("echo.c");
    world = await OutsideWorld.make(ground);
  }, limit);

  afterEach(async () => {
    const left = world.host.pivot("ps", "-aq").split("\n");
    if (left[0] !== "") world.host.pivot("rm", "-f", ...left);
    expect(await soon(() => pastasOf(ground.runRoot).length === 0)).toBe(true);
  });

  afterAll(async () => {
    world.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  const serve = (name: string, ...flags: string[]): void => {
    const program = ["-v", `${echo}:/echo:ro`, "busybox", "/echo", "serve", "7"];
    world.host.pivot("run", "-d", "--name", name, "--network", "pasta", ...flags, ...program);
    while (!world.host.pivot("logs", name).includes("ready")) Bun.sleepSync(20);
  };

  const ask = (protocol: string, ip: string, port: number): string =>
    world.outside.ran([echo, "ask", protocol, ip, `${port}`, "hello", "5000"]).stdout;

  test(
    "what the machine unmounts is unmounted for pasta's keeper too, which would keep it busy",
    () => {
      const directory = `${ground.directory}/unmounted`;
      mkdirSync(directory);
      const pivot = [pivotPath, ...ground.roots()];
      const run = ["run", "-d", "--name", "long", "--network", "pasta", "busybox", "sleep", "100"];
      const script = `mount -t tmpfs pivot-test ${directory} && "$@" >/dev/null && umount ${directory}`;
      const words = ["unshare", "-m", "--propagation", "shared", "sh", "-c", script, "sh"];
      expect(world.machine.ran([...words, ...pivot, ...run])).toMatchObject({ code: 0 });
      const [pasta = 0] = pastasOf(ground.runRoot);
      const keeper = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pasta}/status`, "utf8"))?.[1];
      const mounts = readFileSync(`/proc/${keeper}/mountinfo`, "utf8");
      expect(mounts).toContain(" nsfs ");
      expect(mounts).not.toContain(directory.concat(" "));
    },
    limit,
  );

  test(
    "what it sends comes from the machine itself, by IPv4 and IPv6, TCP and UDP",
    () => {
      const before = networkState((words) => world.machine.say(words));
      const { out } = world.run(
        ["--network", "pasta", "-v", `${echo}:/echo:ro`],
        `wget -qO- http://example.com/; wget -qO- http://203.0.113.7:8080/
        /echo ask udp 203.0.113.8 7 hello; echo
        ip -o -4 address show scope global | grep -o '203.0.113.2'
        cat /proc/net/dev | grep -c :`,
      );
      expect(out.split("\n")).toEqual([
        "2001:db8::7 80 to 2001:db8::2",
        "203.0.113.7 8080 to 203.0.113.2",
        "echo hello",
        "203.0.113.2",
        "2",
        "",
      ]);
      expect(networkState((words) => world.machine.say(words))).toBe(before);
    },
    limit,
  );

  test(
    "-p in docker's grammar: TCP, UDP, ranges, addresses, and ports that it chooses",
    async () => {
      const { host } = world;
      serve(
        "web",
        "-p",
        "8007:7",
        "-p",
        "203.0.113.2:8008:7/udp",
        "-p",
        "8100-8102:5-7",
        "-p",
        "7",
      );
      expect(ask("tcp", "203.0.113.2", 8007)).toBe("heard hello");
      expect(ask("tcp", "2001:db8::2", 8007)).toBe("heard hello");
      expect(ask("udp", "203.0.113.2", 8008)).toBe("heard hello");
      expect(ask("tcp", "203.0.113.2", 8102)).toBe("heard hello");
      expect(ask("udp", "203.0.113.2", 8007)).toBe("");
      const ports = host.pivot("port", "web").split("\n");
      expect(ports).toContain("7/udp -> 203.0.113.2:8008");
      expect(ports).toContain("5/tcp -> 0.0.0.0:8100");
      const chosen = ports.map((line) => /^7\/tcp -> 0\.0\.0\.0:(\d+)$/.exec(line)?.[1]);
      const free = chosen.find((port) => port !== undefined && Number(port) > 10_000);
      expect(ask("tcp", "203.0.113.2", Number(free))).toBe("heard hello");
      expect(host.pivot("ps", "--format", "{{.Ports}}")).toContain("203.0.113.2:8008->7/udp");
      expect(host.pivot("inspect", "-f", "{{.HostConfig.NetworkMode}}", "web")).toBe("pasta");
      expect(
        host.refused("run", "--rm", "--network", "pasta", "-p", "8007:7", "busybox", "true"),
      ).toBe(
        "pivot: port 8007/tcp of this machine is already allocated: container web has it: choose another with -p",
      );
      host.pivot("restart", "-t", "0", "web");
      await soon(() => ask("tcp", "203.0.113.2", 8007) !== "");
      expect(ask("tcp", "203.0.113.2", 8007)).toBe("heard hello");
      host.pivot("stop", "-t", "0", "web");
      expect(await soon(() => pastasOf(ground.runRoot).length === 0)).toBe(true);
      expect(ask("tcp", "203.0.113.2", 8007)).toBe("");
    },
    limit,
  );

  test(
    "pasta's end is told, and a kill of anything leaves nothing",
    async () => {
      const { host } = world;
      serve("one", "-p", "8009:7");
      const [pasta = 0] = pastasOf(ground.runRoot);
      process.kill(pasta, "SIGKILL");
      const told = "pivot: pasta has ended: the container reaches nobody any more";
      expect(await soon(() => host.ran(["logs", "one"]).stderr.includes(told))).toBe(true);
      expect(host.pivot("exec", "one", "echo", "here")).toBe("here");
      serve("two", "-p", "8010:7");
      const monitor = readFileSync(`${ground.runRoot}/names/two/monitor`, "utf8").split(" ")[0];
      process.kill(Number(monitor), "SIGKILL");
      expect(await soon(() => pastasOf(ground.runRoot).length === 0)).toBe(true);
      host.pivot("start", "two");
      expect(ask("tcp", "203.0.113.2", 8010)).toBe("heard hello");
    },
    limit,
  );

  test(
    "what pasta refuses, and what is not its caller's to say, is one line",
    () => {
      const refused = (...words: string[]): string => {
        const { code, stderr } = world.host.ran(["run", "--rm", ...words, "busybox", "true"]);
        expect(code).toBe(125);
        expect(stderr).toMatch(/^pivot: [^\n]*\n$/);
        return stderr;
      };
      expect(refused("--network", "pasta:--bogus")).toContain("unrecognized option '--bogus'");
      expect(refused("--network", "pasta:--netns,/x")).toContain("--netns is pivot's to say");
      expect(refused("--network", "pasta", "--ip", "10.0.0.1")).toContain("--ip: conflicting");
      expect(refused("--network", "pasta", "-p", "7/sctp")).toContain("no SCTP");
      expect(refused("--network", "pasta", "-p", "192.0.2.9:7:7")).toContain("Failed to bind");
      const { stdout } = world.host.ran(
        "run --rm --network pasta:--mtu,1400,--ipv4-only busybox ip -o link".split(" "),
      );
      expect(stdout).toContain("mtu 1400");
    },
    limit,
  );
});
