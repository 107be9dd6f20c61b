/** A network: what is written down of it when it is made. */

import type { Roots } from "../container/roots.ts";

export type NetworkSubnet = {
  /** `10.90.0.0/16`, its base. */
  readonly subnet: string;
  /** The host's own address there: where the container's default route leads, and names are asked. */
  readonly gateway: string;
  /** A part of it from which addresses are given; null: all of it. */
  readonly range: string | null;
};

export type Network = {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly driver: "bridge";
  /** The bridge on the host. */
  readonly interface: string;
  /** At most one of each family. */
  readonly subnets: readonly NetworkSubnet[];
  /** Nothing outside can be reached from it. */
  readonly internal: boolean;
  readonly ipv6: boolean;
  readonly attachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** As given by `-o`. */
  readonly options: Readonly<Record<string, string>>;
};

/** docker's name for the network of whoever says nothing; it is made when it is first needed. */
export const defaultNetwork = "bridge";

/** Names of members resolve in every network but the default one, as with docker. */
export const hasNames = ({ name }: Network): boolean => name !== defaultNetwork;

export const mtuOf = ({ options }: Network): string | null =>
  options["com.docker.network.driver.mtu"] ?? options["mtu"] ?? null;

/** What containers that run share of networks; gone after a reboot, as they are. */
export const sharedDirectory = ({ runRoot }: Pick<Roots, "runRoot">): string =>
  `${runRoot}/network`;
