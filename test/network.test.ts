// Networks of containers, on a machine of the test's own that has a neighbour: who reaches whom, by
// which name and at which port, and what is left of it at the end.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { Host, Machine, networkState, say, whyNoNames, whyNoNetworks } from "./network-world.ts";
import { patience } from "./patience.ts";
import { compileC, Ground, pivotPath } from "./pivot.ts";

const limit = 60_000 * patience;
const title = (name: string, why: string | undefined) => (why ? `${name}: ${why}` : name);

describe.skipIf(whyNoNetworks !== undefined)(title("networks", whyNoNetworks), () => {
  let ground: Ground;
  let machine: Machine;
  let neighbour: Machine;
  let host: Host;
  let echo: string;
  let untouched = "";
  let before = "";

  beforeAll(async () => {
    untouched = networkState(say);
    echo = compileC("echo.c");
    ground = new Ground("network");
    machine = await Machine.make();
    neighbour = await Machine.make();
    const ends = [
      ["192.0.2.1/24", "2001:db8::1/64"],
      ["192.0.2.2/24", "2001:db8::2/64"],
    ] as const;
    machine.connect(neighbour, ...ends);
    host = new Host(ground, machine);
    host.pivot("network", "create", "--ipv6", "front");
    // netavark leaves chains without rules behind, for the next container.
    host.pivot("run", "--rm", "--network", "front", "-p", "1:1", "busybox", "true");
    before = state();
  }, limit);

  afterEach(() => {
    const left = host.pivot("ps", "-aq").split("\n");
    if (left[0] !== "") host.pivot("rm", "-f", ...left);
  });

  afterAll(async () => {
    neighbour.close();
    machine.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  /** Starts something that answers at port 7. */
  const serve = (name: string, ...flags: string[]): void => {
    const program = ["-v", `${echo}:/echo:ro`, "busybox", "/echo", "serve", "7"];
    host.pivot("run", "-d", "--name", name, ...flags, ...program);
    while (!host.pivot("logs", name).includes("ready")) Bun.sleepSync(20);
  };

  /** What is said at an address; null: nothing, in so many milliseconds. */
  const ask = (from: Machine, protocol: string, ip: string, port: number, wait = 5000) => {
    const { code, stdout } = from.ran([echo, "ask", protocol, ip, `${port}`, "hello", `${wait}`]);
    return code === 0 ? stdout : null;
  };

  /** The same from inside of a new container. */
  const askInside = (flags: readonly string[], ip: string, port: number, wait = 5000) => {
    const program = ["-v", `${echo}:/echo:ro`, ...flags, "busybox", "/echo", "ask", "tcp"];
    const words = ["run", "--rm", ...program, ip, `${port}`, "hello", `${wait}`];
    const { code, stdout } = host.ran(words);
    return code === 0 ? stdout : null;
  };

  const addressOf = (name: string, field = "IPAddress"): string =>
    host.pivot("inspect", "-f", `{{range .NetworkSettings.Networks}}{{.${field}}}{{end}}`, name);

  const state = (): string => networkState((words) => machine.say(words));

  const removeAll = (...names: string[]): void => {
    if (names.length > 0) host.pivot("rm", "-f", ...names);
    // netavark 1.4 keeps an empty chain of a network whose containers were all killed.
    const emptyChain = /^:NETAVARK-DN-\w+ - \n/gm;
    expect(state().replace(emptyChain, "")).toBe(before);
    const leases = [
      "find",
      `${ground.runRoot}/network/leases`,
      "-type",
      "l",
      "!",
      "-lname",
      "* runs",
    ];
    expect(ground.command(leases).stdout).toBe("");
  };

  test(
    "by default a container is on the bridge, and reaches another by its address",
    () => {
      serve("one");
      const ip = addressOf("one");
      expect(ip).toMatch(/^10\.90\.0\.\d+$/);
      expect(askInside([], ip, 7)).toBe("heard hello");
      expect(askInside(["--network", "container:one"], "127.0.0.1", 7)).toBe("heard hello");
      expect(askInside(["--network", "none"], ip, 7, 300)).toBeNull();
      expect(ask(machine, "udp", ip, 7)).toBe("heard hello");
      expect(host.pivot("exec", "one", "cat", "/etc/hosts")).toMatch(new RegExp(`^${ip}\t`, "m"));
      removeAll("one");
    },
    limit,
  );

  test(
    "a published port is reached from this machine, from others and from containers",
    () => {
      serve(
        "web",
        "-p",
        "0.0.0.0:8010:7",
        "-p",
        "8007:7",
        "-p",
        "8007:7/udp",
        "-p",
        "127.0.0.1:8008:7",
        "-p",
        "7",
      );
      expect(ask(machine, "tcp", "127.0.0.1", 8007)).toBe("heard hello");
      expect(ask(machine, "tcp", "192.0.2.1", 8007)).toBe("heard hello");
      expect(ask(neighbour, "tcp", "192.0.2.1", 8007)).toBe("heard hello");
      expect(ask(neighbour, "udp", "192.0.2.1", 8007)).toBe("heard hello");
      expect(ask(machine, "tcp", "127.0.0.1", 8008)).toBe("heard hello");
      expect(ask(machine, "tcp", "127.0.0.1", 8010)).toBe("heard hello");
      expect(ask(neighbour, "tcp", "192.0.2.1", 8010)).toBe("heard hello");
      expect(ask(neighbour, "tcp", "192.0.2.1", 8008, 300)).toBeNull();
      const random = /^7\/tcp -> 0\.0\.0\.0:(\d{5})$/m.exec(host.pivot("port", "web"))?.[1];
      expect(ask(neighbour, "tcp", "192.0.2.1", Number(random))).toBe("heard hello");
      expect(askInside([], "192.0.2.1", 8007)).toBe("heard hello");
      expect(host.pivot("exec", "web", "/echo", "ask", "tcp", "192.0.2.1", "8007", "me")).toBe(
        "heard me",
      );
      expect(host.pivot("ps", "--format", "{{.Ports}}")).toBe(
        `0.0.0.0:8010->7/tcp, 0.0.0.0:8007->7/tcp, 0.0.0.0:8007->7/udp, 127.0.0.1:8008->7/tcp, 0.0.0.0:${random}->7/tcp`,
      );
      expect(host.pivot("port", "web", "7/udp")).toBe("0.0.0.0:8007");
      removeAll("web");
      expect(ask(neighbour, "tcp", "192.0.2.1", 8007, 300)).toBeNull();
    },
    limit,
  );

  test(
    "who has a port that is wanted is named, be it a container or a program",
    async () => {
      host.pivot("run", "-d", "--name", "first", "-p", "8007:7", "busybox", "sleep", "1000");
      const run = ["run", "--rm", "busybox", "true"];
      const other = (port: string) => host.refused("run", "--rm", "-p", port, ...run.slice(2));
      expect(other("8007:9")).toBe(
        "pivot: port 8007/tcp of this machine is already allocated: container first has it: choose another with -p",
      );
      expect(other("127.0.0.1:8007:9")).toContain("container first has it");
      // The kernel holds it for the container: no program of the machine can take it.
      expect(machine.ran([echo, "serve", "8007"]).stderr).toContain("Address already in use");
      const program = machine.start([echo, "serve", "8011"]);
      while (ask(machine, "tcp", "127.0.0.1", 8011) === null) await Bun.sleep(20);
      expect(other("8011:9")).toBe(
        `pivot: port 8011/tcp of this machine is already in use by ${echo.split("/").at(-1)?.slice(0, 15)} (process ${program.pid}): choose another with -p`,
      );
      expect(host.pivot("run", "--rm", "-p", "8011-8012:9", ...run.slice(2))).toBe("");
      program.kill("SIGKILL");
      removeAll("first");
    },
    limit,
  );

  test(
    "IPv6: between containers, and to a published port",
    () => {
      serve("six", "--network", "front", "-p", "8007:7", "--ip", "10.91.0.77");
      expect(addressOf("six")).toBe("10.91.0.77");
      const ip = addressOf("six", "GlobalIPv6Address");
      expect(ip).toMatch(/^fd[0-9a-f:]+::[0-9a-f]+$/);
      // An address of IPv6 is nobody's until the kernel has made sure that nobody else has it.
      const answers = [1, 2, 3].some(() => askInside(["--network", "front"], ip, 7) !== null);
      expect(answers).toBe(true);
      expect(ask(neighbour, "tcp", "2001:db8::1", 8007)).toBe("heard hello");
      expect(ask(neighbour, "tcp", "192.0.2.1", 8007)).toBe("heard hello");
      expect(host.pivot("port", "six")).toBe("7/tcp -> 0.0.0.0:8007\n7/tcp -> [::]:8007");
      expect(
        host.refused("run", "--rm", "--network", "front", "--ip", "10.91.0.77", "busybox", "true"),
      ).toBe("pivot: address 10.91.0.77 of network front is in use: container six has it");
      removeAll("six");
    },
    limit,
  );

  test(
    "networks do not reach one another, and an internal one reaches nothing else",
    () => {
      host.pivot("network", "create", "--internal", "--subnet", "10.77.1.0/24", "back");
      serve("inner", "--network", "back");
      const ip = addressOf("inner");
      expect(ip).toBe("10.77.1.2");
      expect(askInside(["--network", "back"], ip, 7)).toBe("heard hello");
      expect(askInside(["--network", "front"], ip, 7, 300)).toBeNull();
      const routes = host.pivot("exec", "inner", "ip", "route");
      expect(routes).not.toContain("default");
      const { code } = host.ran([
        "exec",
        "inner",
        "/echo",
        "ask",
        "tcp",
        "192.0.2.2",
        "7",
        "x",
        "300",
      ]);
      expect(code).toBe(1);
      // Connected to both, it is reached from both.
      host.pivot("network", "connect", "front", "inner");
      expect(
        askInside(
          ["--network", "front"],
          host.pivot("inspect", "-f", "{{.NetworkSettings.Networks.front.IPAddress}}", "inner"),
          7,
        ),
      ).toBe("heard hello");
      expect(host.refused("network", "rm", "back")).toContain("active endpoints: inner");
      host.pivot("network", "disconnect", "back", "inner");
      expect(host.pivot("exec", "inner", "ip", "-o", "addr")).not.toContain(ip);
      host.pivot("network", "rm", "back");
      removeAll("inner");
    },
    limit,
  );

  test(
    "two networks do not reach one another either when a third has lost its last container",
    () => {
      for (const [name, net] of [
        ["third", "10.77.2.0/24"],
        ["fourth", "10.77.3.0/24"],
      ] as const) {
        host.pivot("network", "create", "--subnet", net, name);
      }
      serve("fourth-one", "--network", "fourth");
      serve("third-one", "--network", "third");
      serve("front-one", "--network", "front");
      const ip = addressOf("fourth-one");
      const words = ["/echo", "ask", "tcp", ip, "7", "hello", "300"];
      expect(host.ran(["exec", "front-one", ...words]).code).toBe(1);
      host.pivot("rm", "-f", "third-one");
      expect(host.ran(["exec", "front-one", ...words]).code).toBe(1);
      // The machine itself reaches it, and so does who is in its network.
      expect(host.machine.ran([echo, ...words.slice(1)]).stdout).toContain("heard hello");
      expect(askInside(["--network", "fourth"], ip, 7)).toBe("heard hello");
      removeAll("fourth-one", "front-one");
      host.pivot("network", "rm", "third", "fourth");
    },
    limit,
  );

  test.skipIf(whyNoNames !== undefined)(
    title("containers are found by name", whyNoNames),
    () => {
      serve("named", "--network", "front", "--network-alias", "other");
      const script = "nslookup named; nslookup other";
      const said = host.pivot("run", "--rm", "--network", "front", "busybox", "sh", "-c", script);
      expect(said.split(addressOf("named")).length).toBe(3);
      const id = host.pivot("inspect", "-f", "{{.Id}}", "named").slice(0, 12);
      expect(
        host.pivot("run", "--rm", "--network", "front", "busybox", "ping", "-c1", id),
      ).toContain("1 packets received");
      // One that was started elsewhere finds it once it is connected.
      host.pivot("run", "-d", "--name", "late", "--dns", "127.0.0.1", "busybox", "sleep", "1000");
      expect(host.ran(["exec", "late", "ping", "-c1", "named"]).code).not.toBe(0);
      host.pivot("network", "connect", "front", "late");
      expect(host.pivot("exec", "late", "ping", "-c1", "named")).toContain("1 packets received");
      removeAll("named", "late");
    },
    limit,
  );

  test(
    "a container that is made, started, stopped and started again",
    () => {
      host.pivot(
        "create",
        "--name",
        "life",
        "-p",
        "8007:7",
        "--restart",
        "no",
        "busybox",
        "sleep",
        "1000",
      );
      expect(host.pivot("port", "life")).toBe("");
      expect(host.pivot("inspect", "-f", "{{json .HostConfig.PortBindings}}", "life")).toBe(
        '{"7/tcp":[{"HostIp":"","HostPort":"8007"}]}',
      );
      for (let i = 0; i < 2; i++) {
        host.pivot("start", "life");
        expect(host.pivot("port", "life")).toBe("7/tcp -> 0.0.0.0:8007");
        host.pivot("stop", "-t", "0", "life");
        expect(host.pivot("ps", "-a", "--format", "{{.Ports}}")).toBe("");
      }
      host.pivot("network", "connect", "front", "life");
      host.pivot("network", "disconnect", "bridge", "life");
      host.pivot("start", "life");
      expect(host.pivot("ps", "--format", "{{.Networks}}")).toBe("front");
      expect(host.pivot("exec", "life", "ip", "-o", "link")).not.toContain("eth1");
      removeAll("life");
    },
    limit,
  );

  test(
    "without netavark a container has loopback alone, and a network is an error",
    () => {
      const without = (...words: string[]) =>
        machine.ran(["env", "PIVOT_NETAVARK=/none", pivotPath, ...ground.roots(), ...words]);
      const run = ["run", "--rm", "busybox", "ip", "-o", "link"];
      const [first, second] = [without(...run), without(...run)];
      expect(first.stderr).toStartWith(
        "pivot: warning: the container has loopback alone: netavark",
      );
      expect(first.stderr.split("\n")).toHaveLength(2);
      expect(second).toEqual({ ...first, stderr: "" });
      expect(second.stdout.split("\n")).toHaveLength(2);
      for (const flag of ["-p=80", "--network=bridge"]) {
        const { code, stderr } = without("run", "--rm", flag, "busybox", "true");
        expect(code).toBe(125);
        expect(stderr).toMatch(/^pivot: [^\n]*apt-get install netavark aardvark-dns[^\n]*\n$/);
      }
    },
    limit,
  );

  test(
    "after kill -9, prune and the next start take everything away",
    () => {
      const flags = ["--network", "front", "--network", "bridge", "-p", "8007:7"];
      host.pivot("run", "-d", "--name", "killed", ...flags, "busybox", "sleep", "1000");
      host.pivot("run", "-d", "--rm", "--name", "gone", "-p", "8009:7", "busybox", "sleep", "1000");
      for (const name of ["killed", "gone"]) {
        const monitor = readFileSync(`${ground.runRoot}/names/${name}/monitor`, "utf8").split(
          " ",
        )[0];
        process.kill(Number(monitor), "SIGKILL");
        while (existsSync(`/proc/${monitor}`)) Bun.sleepSync(10);
      }
      expect(state()).not.toBe(before);
      host.pivot("start", "killed");
      expect(host.pivot("port", "killed")).toBe("7/tcp -> 0.0.0.0:8007\n7/tcp -> [::]:8007");
      host.pivot("rm", "-f", "killed");
      host.pivot("system", "prune", "-f", "--filter", "label=none");
      removeAll();
    },
    limit,
  );
});
