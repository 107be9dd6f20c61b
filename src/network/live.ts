/** What a running container is connected to: read from what netavark was told. */

import { readdirSync } from "node:fs";
import { readIfThere } from "../host/first-process.ts";
import { connectionDirectory, pastaFile } from "../planner/network.ts";
import type { NetavarkConfig } from "./netavark.ts";
import type { PortMapping } from "./ports.ts";

export type LiveConnection = {
  /** Inside. */
  readonly interface: string;
  readonly network: string;
  readonly networkId: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  readonly aliases: readonly string[];
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[];
  readonly internal: boolean;
  readonly ports: readonly PortMapping[];
};

function liveOf(text: string): LiveConnection[] {
  const config = JSON.parse(text) as NetavarkConfig;
  return Object.entries(config.networks).flatMap(([name, { static_ips, static_mac, ...rest }]) => {
    const info = config.network_info[name];
    if (info === undefined) return [];
    return [
      {
        interface: rest.interface_name,
        network: name,
        networkId: info.id,
        addresses: static_ips,
        mac: static_mac,
        aliases: rest.aliases,
        subnets: info.subnets,
        internal: info.internal,
        ports: config.port_mappings ?? [],
      },
    ];
  });
}

/** By pasta the container has the machine's addresses, and no network of its own. */
function byPasta(state: string): LiveConnection[] {
  const text = readIfThere(pastaFile(state));
  if (text === null) return [];
  return [
    {
      interface: "",
      network: "pasta",
      networkId: "",
      addresses: [],
      mac: "",
      aliases: [],
      subnets: [],
      internal: false,
      ports: JSON.parse(text) as PortMapping[],
    },
  ];
}

/** @param state the container's state directory; none when it does not run, or has no networks */
export function liveConnections(state: string): LiveConnection[] {
  const directory = connectionDirectory(state);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return byPasta(state);
  }
  return names.sort().flatMap((name) => {
    try {
      return liveOf(readIfThere(`${directory}/${name}`) ?? "");
    } catch {
      return []; // cut short by the end of its writer, or going away
    }
  });
}

/** Each port of the host with the container's, one by one. */
export function portPairs(connections: readonly LiveConnection[]) {
  return connections.flatMap(({ ports, addresses }) =>
    ports.flatMap(({ host_ip, host_port, container_port, range, protocol }) =>
      Array.from({ length: range }, (_, i) => ({
        hostIps:
          host_ip !== ""
            ? [host_ip]
            : addresses.some((ip) => ip.includes(":"))
              ? ["0.0.0.0", "::"]
              : ["0.0.0.0"],
        hostPort: host_port + i,
        containerPort: container_port + i,
        protocol,
      })),
    ),
  );
}
