// How much goes through a network: iperf3 with one connection of TCP, both directions, by each way that
// leads to a container or out of it.

import { spawn } from "node:child_process";
import { command } from "./command.ts";
import { type Engine, runWords, tell } from "./network-engines.ts";
import { hostAddress, outsideAddress, type Pair, type Through } from "./places.ts";
import { interleaved, type Rounds } from "./rounds.ts";
import { progress } from "./session.ts";
import type { Site } from "./site.ts";

/** By which way the connection is made. */
export type Way = "host to container" | "outside to published port" | "container to outside";

/** A row: one way of one engine, in one direction. */
export interface Throughput {
  readonly engine: string;
  readonly network: string;
  readonly way: Way;
  readonly data: "in" | "out";
  /** Gbit/s that arrived, one value per round. */
  readonly rates: readonly number[];
}

const serverPort = "5201";
const publishedPort = "15201";
const container = "throughput";

/** Milliseconds after which a client hangs. */
const longest = 60_000;

/** A client's command line, to which seconds and direction are added. */
interface Client extends Omit<Throughput, "rates"> {
  readonly argv: readonly string[];
  /** Whether the server shall send, and the client receive. */
  readonly reversed: boolean;
}

/** The bits per second that arrived, of the JSON that iperf3 prints, in Gbit/s. Throws in one line. */
export function rateOf(printed: string): number {
  let parsed: unknown;
  try {
    parsed = JSON.parse(printed);
  } catch {
    throw new Error(`iperf3 printed no JSON: ${JSON.stringify(printed.slice(0, 80))}`);
  }
  const result = parsed as {
    readonly error?: string;
    readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } };
  };
  if (result.error !== undefined) throw new Error(`iperf3: ${result.error}`);
  const bits = result.end?.sum_received?.bits_per_second;
  if (bits === undefined || !(bits > 0)) throw new Error("iperf3: nothing arrived");
  return bits / 1e9;
}

/** Both directions of a way, as the container sees them. */
const both = (
  about: Pick<Client, "engine" | "network" | "way">,
  argv: readonly string[],
): Client[] => {
  const isOutwards = about.way === "container to outside";
  return [false, true].map((reversed) => ({
    ...about,
    data: isOutwards === reversed ? "in" : "out",
    argv,
    reversed,
  }));
};

const bare = { engine: "no container", network: "host" } as const;

/** Two machines without a container between them: what the cable and iperf3 can do. */
function bareClients({ host, outside }: Pair, iperf: string): Client[] {
  const from = (through: Through, address: string) => [...through, iperf, "-c", address];
  return [
    ...both({ ...bare, way: "outside to published port" }, from(outside.through, hostAddress)),
    ...both({ ...bare, way: "container to outside" }, from(host.through, outsideAddress)),
  ];
}

/** Starts an engine's server, and says by which ways it is reached. */
function engineClients(site: Site, engine: Engine, iperf: string): Client[] {
  const { name, network, through, words, pair } = engine;
  const options = ["-d", "--name", container, "--network", network];
  const published = ["-p", `${publishedPort}:${serverPort}`];
  command([...through, ...runWords(engine, [...options, ...published], [iperf, "-s"])], site);
  const about = { engine: name, network };
  const within = [...through, ...words, "exec", container, iperf, "-c", outsideAddress];
  const outside = [...pair.outside.through, iperf, "-c", hostAddress, "-p", publishedPort];
  const clients = [
    ...both({ ...about, way: "outside to published port" }, outside),
    ...both({ ...about, way: "container to outside" }, within),
  ];
  if (network !== "bridge") return clients;
  const shown = tell(site, engine, "exec", container, "ip", "-4", "-o", "addr", "show", "eth0");
  const address = /inet ([\d.]+)\//.exec(shown)?.[1];
  if (address === undefined) throw new Error(`no address in ${JSON.stringify(shown)}`);
  const host = [...pair.host.through, iperf, "-c", address];
  return [...both({ ...about, way: "host to container" }, host), ...clients];
}

/**
 * Runs a client to its end; a hung one is killed.
 *
 * @param until the option of iperf3 that says when it ends: seconds, or bytes
 */
async function rate(
  site: Site,
  { argv, reversed }: Client,
  until: readonly [option: "-t" | "-n", value: string],
): Promise<number> {
  const [program = "", ...args] = [...argv, ...until, "--json", ...(reversed ? ["-R"] : [])];
  const child = spawn(program, args, {
    env: site.env,
    stdio: ["ignore", "pipe", "ignore"],
    timeout: longest,
    killSignal: "SIGKILL",
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    printed += part;
  });
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return rateOf(printed);
}

/** The first connection waits for the server, and is not counted. */
async function firstRate(site: Site, client: Client): Promise<string | undefined> {
  let reason = "";
  for (let i = 0; i < 10; i++) {
    try {
      await rate(site, client, ["-n", "4M"]);
      return undefined;
    } catch (error) {
      reason = (error as Error).message;
      await Bun.sleep(200);
    }
  }
  return reason;
}

const nameOf = ({ engine, network, way, data }: Client): string =>
  `${engine} (${network}), ${way}, ${data}`;

/**
 * Measures all ways, interleaved. The servers run from the beginning; they cost nothing while nobody
 * asks them.
 *
 * @param seconds of each measurement
 */
export async function measureThroughput(
  site: Site,
  engines: readonly Engine[],
  iperf: string,
  seconds: number,
  rounds: Rounds,
  leftOut: string[],
): Promise<Throughput[]> {
  const [first] = engines;
  if (first === undefined) return [];
  const pairs = engines.map(({ pair }) => pair);
  const servers = [...pairs.map(({ outside }) => outside), first.pair.host].map((machine) =>
    machine.start([iperf, "-s"]),
  );
  const serving: Engine[] = [];
  try {
    const clients = bareClients(first.pair, iperf);
    for (const engine of engines) {
      progress(`server of ${engine.name} (${engine.network})`);
      serving.push(engine);
      try {
        clients.push(...engineClients(site, engine, iperf));
      } catch (error) {
        leftOut.push(`${engine.name} (${engine.network}): ${(error as Error).message}`);
      }
    }
    const usable: (Client & { readonly rates: number[] })[] = [];
    for (const client of clients) {
      rounds.interrupted.throwIfAborted();
      progress(`first connection of ${nameOf(client)}`);
      const wrong = await firstRate(site, client);
      if (wrong === undefined) usable.push({ ...client, rates: [] });
      else leftOut.push(`${nameOf(client)}: ${wrong}`);
    }
    const once = async (client: (typeof usable)[number], round: number) => {
      progress(`round ${round + 1} of ${rounds.rounds}: ${nameOf(client)}`);
      const measured = await rate(site, client, ["-t", String(seconds)]);
      if (round >= 0) client.rates.push(measured);
    };
    return await interleaved(usable, rounds, once, (client, { message }) => {
      leftOut.push(`${nameOf(client)}: ${message}`);
    });
  } finally {
    for (const engine of serving) remove(site, engine);
    for (const server of servers) server.kill("SIGKILL");
  }
}

function remove(site: Site, engine: Engine): void {
  const now = engine.name === "podman" ? ["-t", "0"] : [];
  try {
    tell(site, engine, "rm", "-f", ...now, container);
  } catch {
    // It never came to be: that was told where it failed.
  }
}
