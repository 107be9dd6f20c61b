/** docker's `NetworkSettings`, and the other words of `inspect` about a container's networks. */

import { createHash } from "node:crypto";
import { type LiveConnection, liveConnections, portPairs } from "../network/live.ts";
import { recordedWishes } from "../network/members.ts";
import type { RunOptions } from "../options/options.ts";
import type { ExposedPorts } from "../options/publish.ts";
import { parseExpose } from "../options/publish.ts";
import { type Container, isAlive } from "./status.ts";

const portKey = (port: number, protocol: string): string => `${port}/${protocol}`;

const eachPort = ({ first, count, protocol }: ExposedPorts): string[] =>
  Array.from({ length: count }, (_, i) => portKey(first + i, protocol));

/** Ports that the image, `--expose` or `-p` name: `80/tcp`. */
export function exposedPorts({ record }: Container): string[] {
  const { options, source } = record;
  const image = source.kind === "stored" ? (source.config.ExposedPorts ?? []) : [];
  const published = (options.publish ?? []).map(({ containerFirst, count, protocol }) => ({
    first: containerFirst,
    count,
    protocol,
  }));
  const named = image.flatMap((text) => {
    const parsed = parseExpose(text);
    return parsed.ok ? [parsed.value] : [];
  });
  return [...new Set([...named, ...(options.expose ?? []), ...published].flatMap(eachPort))];
}

/** docker's map of published ports: each of the container's, with where it is on the host. */
function portsOf(container: Container, live: readonly LiveConnection[]) {
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  if (live.length === 0) return ports;
  for (const key of exposedPorts(container)) ports[key] = null;
  for (const { hostIps, hostPort, containerPort, protocol } of portPairs(live)) {
    const key = portKey(containerPort, protocol);
    const there = hostIps.map((ip) => ({ HostIp: ip, HostPort: String(hostPort) }));
    ports[key] = [...(ports[key] ?? []), ...there];
  }
  return ports;
}

const prefixOf = (subnet: string | undefined): number =>
  subnet === undefined ? 0 : Number(subnet.slice(subnet.indexOf("/") + 1));

const noEndpoint = {
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  MacAddress: "",
};

function endpointOf({ addresses, subnets, mac, internal }: LiveConnection) {
  const of = (isSix: boolean) => {
    const ip = addresses.find((each) => each.includes(":") === isSix) ?? "";
    const subnet = subnets.find((each) => each.subnet.includes(":") === isSix);
    const gateway = internal ? "" : (subnet?.gateway ?? "");
    return ip === "" ? null : { ip, gateway, length: prefixOf(subnet?.subnet) };
  };
  const four = of(false);
  const six = of(true);
  return {
    Gateway: four?.gateway ?? "",
    IPAddress: four?.ip ?? "",
    IPPrefixLen: four?.length ?? 0,
    IPv6Gateway: six?.gateway ?? "",
    GlobalIPv6Address: six?.ip ?? "",
    GlobalIPv6PrefixLen: six?.length ?? 0,
    MacAddress: mac,
  };
}

/** docker's id of a connection. */
const endpointId = (container: string, network: string): string =>
  createHash("sha256").update(`${container}${network}`).digest("hex");

function networkOf({ id, name }: Container, live: LiveConnection) {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: live.aliases.length === 0 ? null : live.aliases,
    DriverOpts: null,
    NetworkID: live.networkId,
    EndpointID: endpointId(id, live.networkId),
    ...endpointOf(live),
    DNSNames: live.aliases.length === 0 ? null : [name, ...live.aliases],
  };
}

/** Of one that does not run: where it will be connected. */
const networkToCome = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  DriverOpts: null,
  NetworkID: "",
  EndpointID: "",
  ...noEndpoint,
  DNSNames: null,
};

export function networkSettings(container: Container) {
  const live = isAlive(container) ? liveConnections(container.directory) : [];
  const standard = live.find(({ network }) => network === "bridge");
  const isRunning = container.process !== null;
  return {
    Bridge: "",
    SandboxID: isRunning ? endpointId(container.id, "") : "",
    SandboxKey: isRunning ? `/proc/${container.process?.pid}/ns/net` : "",
    Ports: portsOf(container, live),
    // docker fills these of the default network alone.
    ...(standard === undefined ? noEndpoint : endpointOf(standard)),
    EndpointID: standard === undefined ? "" : endpointId(container.id, standard.networkId),
    Networks:
      live.length > 0
        ? Object.fromEntries(live.map((each) => [each.network, networkOf(container, each)]))
        : Object.fromEntries(
            recordedWishes(container.record).map(({ network }) => [network, networkToCome]),
          ),
  };
}

/** docker's `HostConfig.PortBindings`: as it was asked for. */
export function portBindings({ publish = [] }: RunOptions) {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { hostIp, hostFirst, hostLast, containerFirst, count, protocol } of publish) {
    for (let i = 0; i < count; i++) {
      const key = portKey(containerFirst + i, protocol);
      const isRange = count === 1 && hostLast > hostFirst;
      const port = hostFirst === 0 ? "" : isRange ? `${hostFirst}-${hostLast}` : `${hostFirst + i}`;
      bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort: port }];
    }
  }
  return bindings;
}

type Group = { text: string; host: number; inside: number; count: number; protocol: string };

const hostText = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);

const rangeText = (first: number, count: number): string =>
  count === 1 ? `${first}` : `${first}-${first + count - 1}`;

/** As `ps` shows them: `0.0.0.0:8080->80/tcp, 53/udp`; neighbours are one range. */
export function portsText(container: Container): string {
  const live = isAlive(container) ? liveConnections(container.directory) : [];
  if (live.length === 0) return "";
  const groups: Group[] = [];
  const pairs = portPairs(live);
  for (const { hostIps, hostPort, containerPort, protocol } of pairs) {
    for (const ip of hostIps) {
      const before = groups.find(
        (each) =>
          each.text === ip &&
          each.protocol === protocol &&
          each.host + each.count === hostPort &&
          each.inside + each.count === containerPort,
      );
      if (before === undefined) {
        groups.push({ text: ip, host: hostPort, inside: containerPort, count: 1, protocol });
      } else before.count++;
    }
  }
  const shown = groups.map(
    ({ text, host, inside, count, protocol }) =>
      `${hostText(text)}:${rangeText(host, count)}->${rangeText(inside, count)}/${protocol}`,
  );
  const published = new Set(pairs.map((each) => portKey(each.containerPort, each.protocol)));
  const rest = exposedPorts(container).filter((key) => !published.has(key));
  return [...shown, ...rest].join(", ");
}
