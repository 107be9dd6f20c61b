/**
 * `--network pasta`: no bridge and no rules, but a program that carries what the container sends to
 * sockets of this machine, with the machine's own addresses. Its arguments are as podman gives them.
 */

import { WishError } from "../container/wish-error.ts";
import { readIfThere } from "../host/first-process.ts";
import { rootlessUser } from "../host/rootless.ts";
import type { RunOptions } from "../options/options.ts";
import type { PublishedPorts } from "../options/publish.ts";
import type { Connected, ConnectWish } from "./connect.ts";
import { publishedPorts, runningName } from "./connect.ts";
import { howToInstallPasta, pastaPath, whyNoPasta } from "./installed.ts";
import { type Lease, releaseLeases } from "./lease.ts";
import { type PortMapping, takePorts } from "./ports.ts";

/** An address that pasta answers names at, where the machine's servers are out of reach otherwise. */
const forwarder = "169.254.1.1";

const portsOf = ({ host_ip, host_port, container_port, range }: PortMapping): string => {
  const span = (first: number): string =>
    range > 1 ? `${first}-${first + range - 1}` : `${first}`;
  const address = host_ip === "" ? "" : `${host_ip}/`;
  return `${address}${span(host_port)}:${span(container_port)}`;
};

const isSaid = (words: readonly string[], ...names: readonly string[]): boolean =>
  words.some((word) => names.some((name) => word === name || word.startsWith(`${name}=`)));

/** `-t`, `-u` and their kin, unless somebody says them himself. */
function portArguments(words: readonly string[], ports: readonly PortMapping[]): string[] {
  const published = (protocol: string, flag: string, long: string): string[] => {
    const own = ports.filter((each) => each.protocol === protocol);
    if (own.length > 0) return own.flatMap((each) => [flag, portsOf(each)]);
    return isSaid(words, flag, long) ? [] : [flag, "none"];
  };
  return [
    ...published("tcp", "-t", "--tcp-ports"),
    ...published("udp", "-u", "--udp-ports"),
    ...(isSaid(words, "-T", "--tcp-ns") ? [] : ["-T", "none"]),
    ...(isSaid(words, "-U", "--udp-ns") ? [] : ["-U", "none"]),
  ];
}

/** The value of an argument, `--dns-forward ADDRESS` or `--dns-forward=ADDRESS`. */
function valuesOf(words: readonly string[], name: string): string[] {
  return words.flatMap((word, i) => {
    if (word.startsWith(`${name}=`)) return [word.slice(name.length + 1)];
    return word === name ? [words[i + 1] ?? ""] : [];
  });
}

type PastaWish = {
  readonly words: readonly string[];
  readonly ports: readonly PortMapping[];
  /** The machine's servers are all at its loopback, or there are none. */
  readonly mustForward: boolean;
  readonly isRoot: boolean;
};

/** Its whole command line. */
export function pastaArguments({ words, ports, mustForward, isRoot }: PastaWish): string[] {
  // podman's word for pasta's own default: the gateway's address stands for this machine.
  const given = words.filter((word) => word !== "--map-gw");
  return [
    "pasta",
    "--config-net",
    "--quiet",
    // It gives up all rights that it needs not, and becoming nobody would take these, too.
    ...(isRoot ? ["--runas", "0"] : []),
    ...given,
    ...portArguments(given, ports),
    ...(mustForward && !isSaid(given, "--dns-forward") ? ["--dns-forward", forwarder] : []),
    ...(words.includes("--map-gw") || isSaid(given, "--no-map-gw") ? [] : ["--no-map-gw"]),
    "--netns",
  ];
}

/**
 * What is wrong with ports that an ordinary user wants to publish (ip(7)); null if nothing.
 *
 * @param first the lowest port that is not root's: net.ipv4.ip_unprivileged_port_start
 */
export function privilegedPortProblem(
  wishes: readonly PublishedPorts[],
  first: number,
): string | null {
  const wish = wishes.find(({ hostFirst }) => hostFirst !== 0 && hostFirst < first);
  if (wish === undefined) return null;
  return `port ${wish.hostFirst}/${wish.protocol} of this machine: ports below ${first} are root's: choose another with -p, or have root lower them: sysctl net.ipv4.ip_unprivileged_port_start=${wish.hostFirst}`;
}

function checkPrivileged(wishes: readonly PublishedPorts[]): void {
  if (rootlessUser(process.env) === null) return;
  const first = readIfThere("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  const problem = privilegedPortProblem(wishes, Number(first ?? 1024));
  if (problem !== null) throw new WishError([problem]);
}

/**
 * @param exposed the image's `ExposedPorts`
 * @throws WishError in one line
 */
export async function connectByPasta(
  words: readonly string[],
  options: RunOptions,
  exposed: readonly string[],
  { roots, id, hasServers }: Pick<ConnectWish, "roots" | "id"> & { readonly hasServers: boolean },
): Promise<Connected> {
  const program = pastaPath();
  const lack = whyNoPasta();
  if (program === null || lack !== null) {
    throw new WishError([`--network pasta: ${lack ?? howToInstallPasta}`]);
  }
  const wishes = publishedPorts(options, exposed);
  const sctp = wishes.find(({ protocol }) => protocol === "sctp");
  if (sctp !== undefined) {
    throw new WishError([
      `-p: pasta carries TCP and UDP, and no SCTP: leave ${sctp.containerFirst}/sctp out`,
    ]);
  }
  checkPrivileged(wishes);
  const leases: Lease[] = [];
  const took = (lease: Lease) => leases.push(lease);
  try {
    const nameOf = (owner: string) => runningName(roots, owner);
    const ports = await takePorts(wishes, { roots, id, nameOf, took });
    const forwarded = valuesOf(words, "--dns-forward");
    const mustForward = !hasServers && (options.dns ?? []).length === 0;
    const isRoot = process.geteuid?.() === 0;
    return {
      sysctls: {}, // pasta is the container's only neighbour
      setting: {
        netavark: null,
        pasta: {
          program,
          argv: pastaArguments({ words, ports, mustForward, isRoot }),
          environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
          ports: JSON.stringify(ports),
        },
        connections: [],
        leases: leases.map(({ path }) => path),
        ports: [],
      },
      addresses: [],
      nameServers: forwarded.length > 0 ? forwarded : mustForward ? [forwarder] : [],
      warnings: [],
      release: () => releaseLeases(leases, id),
    };
  } catch (error) {
    releaseLeases(leases, id);
    throw error;
  }
}
