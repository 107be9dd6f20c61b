// What a network costs a start: `run --rm` without one, on a bridge, and with a published port.

import { command } from "./command.ts";
import { type Engine, runWords, tell } from "./network-engines.ts";
import { hostAddress, type Placed, timePlaced } from "./places.ts";
import { contradiction, ownNamespaces, proof } from "./proof.ts";
import type { Cost } from "./report.ts";
import type { Rounds } from "./rounds.ts";
import { ends, type Payload, type Site } from "./site.ts";

/** A way to be connected, and the options of `run` that ask for it. */
export interface Connection {
  readonly name: "none" | "bridge" | "bridge, -p";
  readonly options: readonly string[];
}

const port = "18080";

const connections: readonly Connection[] = [
  { name: "none", options: ["--network", "none"] },
  { name: "bridge", options: ["--network", "bridge"] },
  { name: "bridge, -p", options: ["--network", "bridge", "-p", `${port}:80`] },
];

interface SetupCase extends Placed {
  readonly engine: Engine;
  readonly connection: Connection;
}

export interface SetupMeasured extends Cost {
  readonly engine: string;
  readonly connection: Connection["name"];
}

/** Prints what `proof` does, then the names of all interfaces. */
const setupProof: Payload = {
  name: "setup-proof",
  argv: ["/bin/sh", "-c", `${proof.argv[2]}; cut -s -d: -f1 /proc/net/dev`],
};

const word = "published";

/** Starts a container that says a word to whoever comes by the port, and asks for it from outside. */
async function whyNotPublished(site: Site, engine: Engine, options: readonly string[]) {
  const name = "published";
  const says = ["sh", "-c", `echo ${word} | nc -l -p 80`];
  command([...engine.through, ...runWords(engine, ["-d", "--name", name, ...options], says)], site);
  try {
    let heard = "";
    for (let i = 0; i < 50 && heard !== word; i++) {
      const asked = engine.pair.outside.ran(["busybox", "nc", "-w", "2", hostAddress, port]);
      heard = asked.stdout.trim();
      if (heard !== word) await Bun.sleep(100);
    }
    return heard === word ? undefined : `nobody answers outside by port ${port}`;
  } finally {
    tell(site, engine, "rm", "-f", name);
  }
}

/** Has a case prove that it isolates, and that it is connected as its row says. */
async function tryCase(site: Site, { engine, connection }: SetupCase): Promise<string | undefined> {
  try {
    const run = runWords(engine, ["--rm", ...connection.options], setupProof.argv);
    const lines = command([...engine.through, ...run], site)
      .trimEnd()
      .split("\n");
    const own = ownNamespaces();
    const claim = { shares: [], seccomp: true };
    const wrong = contradiction(lines.slice(0, own.length + 1).join("\n"), claim, own);
    if (wrong !== undefined) return wrong;
    const links = lines.slice(own.length + 1).map((line) => line.trim());
    const expected = connection.name === "none" ? ["lo"] : ["eth0", "lo"];
    if (links.toSorted().join() !== expected.join()) return `it has the interfaces ${links.join()}`;
    if (connection.name !== "bridge, -p") return undefined;
    return await whyNotPublished(site, engine, connection.options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Times all engines with a bridge, in all connections, interleaved. */
export async function measureSetup(
  site: Site,
  engines: readonly Engine[],
  rounds: Rounds,
  leftOut: string[],
): Promise<SetupMeasured[]> {
  const cases = engines
    .filter(({ network }) => network === "bridge")
    .flatMap((engine) =>
      connections.map((connection): SetupCase => {
        const argv = runWords(engine, ["--rm", ...connection.options], ends.argv);
        return { engine, connection, through: engine.through, argv };
      }),
    );
  const leaveOut = ({ engine, connection }: SetupCase, reason: string) =>
    leftOut.push(`start of ${engine.name} (${connection.name}): ${reason}`);
  const usable: SetupCase[] = [];
  for (const each of cases) {
    rounds.interrupted.throwIfAborted();
    const wrong = await tryCase(site, each);
    if (wrong === undefined) usable.push(each);
    else leaveOut(each, wrong);
  }
  const measured = await timePlaced(site, usable, rounds, leaveOut);
  return measured.map(({ each: { engine, connection }, costs }) => ({
    engine: engine.name,
    connection: connection.name,
    times: costs.times,
    // A daemon's work is none of its client's.
    cpu: engine.daemon === undefined ? costs.cpu : [],
    peakRss: engine.daemon === undefined ? costs.peakRss : 0,
  }));
}
