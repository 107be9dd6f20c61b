/**
 * A container's connections to networks: what netavark is told lies in the state directory before
 * anything is made, and what was made is taken away at every end.
 */

import type { OpOf, Step } from "../plan/op.ts";
import { stateDirectory } from "./root.ts";
import { byParent, create, mkdir, onHost, write } from "./step.ts";

/** netavark, and where it and we keep what all containers share. */
export type Netavark = {
  /** The program. */
  readonly program: string;
  /** The name server of networks that people make, or null: it is not there. */
  readonly nameServer: string | null;
  readonly environment: readonly string[];
  /** A directory for both; gone after a reboot. */
  readonly shared: string;
};

/** One interface of the container. */
export type Connection = {
  /** Its name inside. */
  readonly interface: string;
  /** What netavark reads. */
  readonly config: string;
  /** The host's bridge. */
  readonly bridge: string;
  /** The kernel has IPv6. */
  readonly ipv6: boolean;
};

export type ReservedPort = Pick<OpOf<"reserve_port">, "protocol" | "address" | "port" | "count">;

/** pasta(1), which carries what a container sends to sockets of this machine. */
export type Pasta = {
  readonly program: string;
  /** Its own name first; the path of the namespace comes behind them. */
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  /** The published ports, for who asks later. */
  readonly ports: string;
};

export type NetworkSetting = {
  /** Null: by pasta. */
  readonly netavark: Netavark | null;
  readonly pasta: Pasta | null;
  readonly connections: readonly Connection[];
  /** Marks that an address or a port is taken, which go with the container. */
  readonly leases: readonly string[];
  readonly ports: readonly ReservedPort[];
};

/** Hundreds of starts at once wait for one another. */
const timeout = 300_000;

const argvOf = ({ shared, nameServer }: Netavark, command: string): string[] => [
  "netavark",
  "--config",
  shared,
  ...(nameServer === null ? [] : ["--aardvark-binary", nameServer]),
  command,
];

const commonOf = (netavark: Netavark) =>
  ({
    program: netavark.program,
    env: netavark.environment,
    timeout,
    lock: onHost(`${netavark.shared}/lock`),
  }) as const;

/** What `ip link` shows beside the bridge's port, with the interface behind it. */
const aliasOf = (id: string): string => `pivot ${id}`;

/** Where aardvark-dns, which netavark starts, writes its pid. */
export const nameServerFile = (shared: string): string => `${shared}/aardvark-dns/aardvark.pid`;

/** Where what netavark read lies. */
export const connectionDirectory = (state: string): string => `${state}/network`;

/** What could not be taken away is kept there, for `system prune`. */
export const leftDirectory = (shared: string, id: string): string => `${shared}/left/${id}`;

/**
 * Takes connections away.
 *
 * @param configs the directory with what netavark read
 * @param only one interface; empty: all
 * @param processFile of a container that runs, or null
 * @param left see `leftDirectory`; null: they stay where they are
 */
export const teardown = (
  netavark: Netavark,
  configs: string,
  {
    id,
    only,
    processFile,
    left,
  }: {
    /** The container's. */
    readonly id: string;
    readonly only: string;
    readonly processFile: string | null;
    readonly left: string | null;
  },
): OpOf<"network_teardown"> => ({
  op: "network_teardown",
  alias: aliasOf(id),
  ...commonOf(netavark),
  argv: argvOf(netavark, "teardown"),
  of: processFile === null ? null : onHost(processFile),
  configs: onHost(configs),
  only,
  left: left === null ? null : onHost(left),
});

/** @param processFile of a container that runs; null: the plan's own */
export function planConnection(
  netavark: Netavark,
  { id, directory: state }: { readonly id: string; readonly directory: string },
  connection: Connection,
  processFile: string | null,
): Step[] {
  const config = onHost(`${connectionDirectory(state)}/${connection.interface}`);
  return [
    byParent(
      create(config, connection.config, 0o600),
      "what is about to be made, for whoever has to take it away",
    ),
    byParent(
      {
        op: "network_setup",
        ...commonOf(netavark),
        argv: argvOf(netavark, "setup"),
        undo: argvOf(netavark, "teardown"),
        of: processFile === null ? null : onHost(processFile),
        alias: aliasOf(id),
        bridge: connection.bridge,
        config,
      },
      `--network: the interface ${connection.interface}`,
    ),
    ...(connection.ipv6
      ? [
          byParent(
            write(onHost(`/proc/sys/net/ipv6/conf/${connection.bridge}/accept_ra`), "0"),
            "--network: no container says to this machine where its routes lead",
          ),
        ]
      : []),
  ];
}

/** Addresses and ports were chosen when the plan was made. */
export const planLeases = (leases: readonly string[]): Step[] =>
  leases.map((path) =>
    byParent({ op: "due" }, "its address, or its port, is another's at the end", {
      op: "remove",
      at: onHost(path),
    }),
  );

type NetworkView = {
  readonly id: string;
  readonly runRoot: string;
  readonly network?: NetworkSetting | null;
};

export const planLeasesOf = ({ network }: NetworkView): Step[] =>
  network === undefined || network === null ? [] : planLeases(network.leases);

/** Where the ports that pasta publishes are written down. */
export const pastaFile = (state: string): string => `${state}/pasta`;

function planPasta({ program, argv, environment, ports }: Pasta, state: string): Step[] {
  const at = onHost(`${state}/netns`);
  return [
    byParent(create(onHost(pastaFile(state)), ports, 0o600), "what `port` and `ps` show"),
    byParent(create(at, "", 0o600), "pasta finds the network namespace there"),
    byParent(
      { op: "pasta", program, argv, env: environment, timeout: 30_000, at },
      "--network pasta: an interface, and who carries what is sent there",
    ),
  ];
}

/** By the parent, once there is a network namespace. */
export function planNetwork(setting: NetworkView): Step[] {
  const { network, id } = setting;
  if (network === undefined || network === null) return [];
  const { netavark, connections, ports, pasta } = network;
  const state = stateDirectory(setting);
  if (pasta !== null) return planPasta(pasta, state);
  if (netavark === null) return [];
  const undo = teardown(netavark, connectionDirectory(state), {
    id,
    only: "",
    processFile: null,
    left: leftDirectory(netavark.shared, id),
  });
  return [
    ...ports.map((port) => byParent({ op: "reserve_port", ...port }, "-p: it is this container's")),
    byParent(mkdir(onHost(connectionDirectory(state)), 0o700), "--network: what netavark is told"),
    byParent({ op: "due" }, "--network: what is connected is disconnected", undo),
    ...connections.flatMap((each) =>
      planConnection(netavark, { id, directory: state }, each, null),
    ),
  ];
}
