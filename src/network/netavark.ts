/** netavark(1): where it is, and what it reads. The shapes are those of its src/network/types.rs. */

import type { Roots } from "../container/roots.ts";
import type { Netavark } from "../planner/network.ts";
import { findProgram, netavarkPath } from "./installed.ts";
import { hasNames, mtuOf, type Network, sharedDirectory } from "./network.ts";
import type { PortMapping } from "./ports.ts";

/** Null when it is not installed. */
export function findNetavark(
  roots: Pick<Roots, "runRoot">,
  env: NodeJS.ProcessEnv = process.env,
): Netavark | null {
  const program = netavarkPath(env);
  if (program === null) return null;
  const driver = env["NETAVARK_FW"];
  return {
    program,
    nameServer: findProgram("aardvark-dns", env["PIVOT_AARDVARK"]),
    // Its tools, iptables or nft, are root's, whatever the caller's own path says.
    environment: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ...(driver === undefined ? [] : [`NETAVARK_FW=${driver}`]),
    ],
    shared: sharedDirectory(roots),
  };
}

/** What netavark reads of one connection. */
export type NetavarkConfig = {
  readonly container_id: string;
  readonly container_name: string;
  readonly networks: Readonly<
    Record<
      string,
      {
        readonly interface_name: string;
        readonly static_ips: readonly string[];
        readonly static_mac: string;
        readonly aliases: readonly string[];
      }
    >
  >;
  readonly network_info: Readonly<
    Record<
      string,
      {
        readonly name: string;
        readonly id: string;
        readonly driver: "bridge";
        readonly network_interface: string;
        readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[];
        readonly ipv6_enabled: boolean;
        readonly internal: boolean;
        readonly dns_enabled: boolean;
        readonly ipam_options: Readonly<Record<string, string>>;
        readonly options: Readonly<Record<string, string>>;
      }
    >
  >;
  /** Absent when there is none: of an empty list netavark makes a chain, and looks for all its rules. */
  readonly port_mappings?: readonly PortMapping[];
  /** Whom the network's name server asks for this container; absent: the host's. */
  readonly dns_servers?: readonly string[];
};

export type ConnectionWish = {
  readonly id: string;
  readonly name: string;
  readonly network: Network;
  readonly interface: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  readonly aliases: readonly string[];
  readonly ports: readonly PortMapping[];
  readonly dns: readonly string[];
};

export function netavarkConfig(wish: ConnectionWish, hasNameServer: boolean): NetavarkConfig {
  const { network } = wish;
  const mtu = mtuOf(network);
  const names = hasNames(network) && hasNameServer;
  return {
    container_id: wish.id,
    container_name: wish.name,
    networks: {
      [network.name]: {
        interface_name: wish.interface,
        static_ips: wish.addresses,
        static_mac: wish.mac,
        aliases: wish.aliases,
      },
    },
    network_info: {
      [network.name]: {
        name: network.name,
        id: network.id,
        driver: "bridge",
        network_interface: network.interface,
        subnets: network.subnets.map(({ subnet, gateway }) => ({ subnet, gateway })),
        ipv6_enabled: network.subnets.some(({ subnet }) => subnet.includes(":")),
        internal: network.internal,
        dns_enabled: names,
        ipam_options: { driver: "host-local" },
        // Networks do not reach one another by rules of ours (native/apart.c), not by its `isolate`.
        options: mtu === null ? {} : { mtu },
      },
    },
    ...(wish.ports.length > 0 ? { port_mappings: wish.ports } : {}),
    ...(wish.dns.length > 0 ? { dns_servers: wish.dns } : {}),
  };
}
