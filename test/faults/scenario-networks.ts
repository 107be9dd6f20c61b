// Containers in networks, and in user namespaces of their own: what netavark, aardvark-dns, pasta and the
// guard of an egress list do beside them has to be as before, too.

import { lstatSync, lutimesSync } from "node:fs";
import { findProgram, netavarkPath, whyNoPasta } from "../../src/network/installed.ts";
import { listIfThere } from "../leftovers.ts";
import { type Ground, probeProgram } from "../pivot.ts";
import { essence } from "./aftermath.ts";
import { clearContainers, isAsSeen, ok, type Scenario, works } from "./scenario.ts";

const hasAddress =
  (address: string) =>
  ({ stdout }: { readonly stdout: string }): string | undefined =>
    stdout.includes(`inet ${address}`) ? undefined : `no address: ${stdout}`;

/** Leases below a directory of them, by path. */
const leasesBelow = (all: string): string[] =>
  listIfThere(all).flatMap((of) =>
    lstatSync(`${all}/${of}`).isDirectory()
      ? listIfThere(`${all}/${of}`).map((name) => `${all}/${of}/${name}`)
      : [`${all}/${of}`],
  );

/**
 * Who takes an address, a port or ids and is killed before the container has any state keeps them for a
 * minute, in which a start might be under way: here that is over at once.
 */
const endLeases = (ground: Ground) => (): void => {
  const leases = (): string[] =>
    [`${ground.runRoot}/network/leases`, `${ground.runRoot}/userns`].flatMap(leasesBelow);
  const old = Date.now() / 1000 - 100;
  const kept = leases();
  for (const path of kept) lutimesSync(path, old, old);
  if (kept.length > 0) {
    const { code, stdout } = ground.pivot(["system", "check", "-q"]);
    if (code !== 1 || !stdout.includes(kept[0] ?? ""))
      throw new Error(`system check does not name ${kept[0]}: ${stdout}`);
  }
  ok(ground, "system", "prune", "-f");
  if (leases().length > 0) throw new Error(`they are kept: ${leases().join(" ")}`);
};

/** prune takes networks away that nobody uses; one is used for a minute by a start that was killed. */
const makeNetworks =
  (ground: Ground, ...names: readonly string[]) =>
  (): void => {
    for (const name of names)
      if (ground.pivot(["network", "inspect", name]).code !== 0)
        ok(ground, "network", "create", name);
  };

/** A way out of this world: pasta takes the addresses of the interface with the default route. */
export const wayOut = (ground: Ground): void => {
  const script = `[ -e /sys/class/net/out0 ] || {
    ip link add out0 type veth peer name out1
    ip address add 10.55.0.2/24 dev out0
    ip link set out0 up
    ip link set out1 up
    ip route add default via 10.55.0.1; }`;
  const { code, stderr } = ground.command(["sh", "-c", script]);
  if (code !== 0) throw new Error(stderr);
};

/** A bridge, an address, a port: by netavark, which other programs do the rules for. */
const bridgeOf = (ground: Ground): Scenario => {
  const words = ["run", "--rm", "--network", "bridge", "-p", "80", "busybox", "ip", "addr"];
  return {
    name: "run in a network",
    call: { words: [...ground.roots(), ...words] },
    begin: () => void ok(ground, ...words),
    check: hasAddress("10.90.0."),
    end: endLeases(ground),
  };
};

/** A monitor, two networks, names by aardvark-dns. */
const namesOf = (ground: Ground): Scenario => {
  const networks = ["--network", "one", "--network", "two", "--network-alias", "it", "-p", "80"];
  const words = ["run", "-d", "--name", "kept", ...networks, "busybox", "sh", "-c", "sleep 0.2"];
  return {
    name: "run -d in two networks with names",
    call: { words: [...ground.roots(), ...words] },
    before: makeNetworks(ground, "one", "two"),
    clear: () => clearContainers(ground)() ?? works(ground, ["network", "prune", "-f"]),
    end: endLeases(ground),
  };
};

/** Another container goes on in the network, with its names and its rules. */
const besideOf = (ground: Ground): Scenario => {
  const words = ["run", "--rm", "--network", "both", "busybox", "nslookup", "other"];
  return {
    name: "run beside another in a network",
    call: { words: [...ground.roots(), ...words] },
    begin: () => {
      ok(ground, "network", "create", "both");
      const other = ["--name", "other", "--network", "both", "-p", "80"];
      ok(ground, "run", "-d", ...other, "busybox", "sleep", "10000");
      ok(ground, ...words);
    },
    check: ({ stdout }) => (/10\.9\d\.\d+\.\d+/.test(stdout) ? undefined : `no name: ${stdout}`),
    clear: () => works(ground, ["exec", "other", "true"]),
    end: () => {
      ok(ground, "rm", "-f", "other");
      endLeases(ground)();
    },
  };
};

const connectOf = (ground: Ground): Scenario => ({
  name: "network connect",
  call: { words: [...ground.roots(), "network", "connect", "two", "one"] },
  before: () => {
    makeNetworks(ground, "two")();
    ok(ground, "run", "-d", "--name", "one", "--network", "bridge", "busybox", "sleep", "10000");
  },
  clear: () => clearContainers(ground)() ?? works(ground, ["network", "prune", "-f"]),
  end: endLeases(ground),
});

const pastaOf = (ground: Ground): Scenario => {
  const words = ["run", "--rm", "--network", "pasta", "-p", "8080:80", "busybox", "ip", "addr"];
  return {
    name: "run by pasta",
    call: { words: [...ground.roots(), ...words] },
    begin: () => (wayOut(ground), void ok(ground, ...words)),
    check: hasAddress("10.55.0.2"),
    end: endLeases(ground),
  };
};

/** The guard of the list, who answers names, in the container's network. */
const egressOf = (ground: Ground): Scenario => {
  const list = ["--egress", "allow=example.com:443,10.55.0.0/24"];
  const words = ["run", "--rm", "--network", "bridge", ...list, "busybox", "cat"];
  const all = [...words, "/etc/resolv.conf"];
  return {
    name: "run with an egress list",
    call: { words: [...ground.roots(), ...all] },
    begin: () => (wayOut(ground), void ok(ground, ...all)),
    check: ({ stdout }) =>
      stdout.includes("127.0.0.11") ? undefined : `it asks other servers: ${stdout}`,
    end: endLeases(ground),
  };
};

const egressKeptOf = (ground: Ground): Scenario => {
  const flags = ["--network", "pasta", "--egress", "deny", "--restart", "on-failure:1"];
  const program = ["busybox", "sh", "-c", "sleep 0.1; exit 3"];
  return {
    name: "run -d by pasta with an egress list, and once more",
    call: { words: [...ground.roots(), "run", "-d", "--name", "kept", ...flags, ...program] },
    begin: () => wayOut(ground),
    clear: clearContainers(ground),
    end: endLeases(ground),
  };
};

/** Root inside is somebody else outside, and has a root mounted for it. */
const usersOf = (ground: Ground): Scenario => {
  const mounts = ["-v", `${probeProgram()}:/probe:ro`, "-v", "of-users:/data", "--tmpfs", "/tmp"];
  const users = ["--userns", "auto:size=4096", "-m", "64m", "--hostname", "host"];
  const words = ["run", "--rm", ...users, ...mounts, "busybox", "/probe"];
  let sight = "";
  return {
    name: "run in a user namespace",
    call: { words: [...ground.roots(), ...words] },
    begin: () => {
      ok(ground, ...words);
      sight = essence(ok(ground, ...words));
    },
    check: isAsSeen(() => sight),
    end: () => {
      endLeases(ground)();
      ok(ground, "volume", "rm", "of-users");
    },
  };
};

/** Those that this machine can have, or all. */
export const networkScenarios = (ground: Ground, which: "here" | "all" = "here"): Scenario[] => {
  const all = which === "all";
  const hasBridges = all || netavarkPath() !== null;
  const hasNames = all || (hasBridges && findProgram("aardvark-dns", undefined) !== null);
  const hasLists = all || Bun.which("nft") !== null;
  const hasPasta = all || whyNoPasta() === null;
  return [
    ...(hasBridges ? [bridgeOf, connectOf] : []),
    ...(hasNames ? [namesOf, besideOf] : []),
    ...(hasPasta ? [pastaOf] : []),
    ...(hasBridges && hasLists ? [egressOf] : []),
    ...(hasPasta && hasLists ? [egressKeptOf] : []),
    usersOf,
  ].map((each) => each(ground));
};
