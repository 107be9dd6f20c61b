/** The text of /etc/hosts, /etc/hostname and /etc/resolv.conf for a container. */

export type HostsWish = {
  readonly hostname: string;
  /** The container shares the host's network and so its names. */
  readonly isHostNetwork: boolean;
  /** The host's own /etc/hosts. */
  readonly hostText: string;
  /** Those of its networks; without one its own name is of loopback. */
  readonly addresses: readonly string[];
  readonly extra: readonly { readonly name: string; readonly address: string }[];
};

const loopback = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

export function hostsFile(wish: HostsWish): string {
  const { hostname, isHostNetwork, hostText, addresses, extra } = wish;
  const base = isHostNetwork ? [hostText.trimEnd()] : loopback;
  const added = extra.map(({ name, address }) => `${address}\t${name}`);
  const known = addresses.length > 0 ? addresses : ["127.0.1.1"];
  const own = isHostNetwork ? [] : known.map((address) => `${address}\t${hostname}`);
  return `${[...base, ...added, ...own].join("\n")}\n`;
}

export type ResolverWish = {
  /** The host's own /etc/resolv.conf. */
  readonly hostText: string;
  readonly dns: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
};

/** docker's, of a machine that itself asks only a server of its own. */
export const publicServers = ["8.8.8.8", "8.8.4.4"];

const serverOf = (line: string): string | undefined => /^nameserver\s+(\S+)/.exec(line.trim())?.[1];

/**
 * The host's resolv.conf for a container with a network of its own: servers of the host's loopback
 * are out of its reach.
 *
 * @param upstream what systemd-resolved itself asks; empty: it is not there
 * @param others servers for when none is left
 */
export function withoutLoopback(
  hostText: string,
  upstream: string,
  others: readonly string[] = publicServers,
): string {
  const isLocal = (line: string): boolean => /^(?:127\.|::1$)/.test(serverOf(line) ?? "");
  const isServer = (line: string): boolean => serverOf(line) !== undefined;
  const lines = hostText.split("\n");
  const isStub = lines.filter(isServer).every((line) => serverOf(line) === "127.0.0.53");
  const source = isStub && lines.some(isServer) && upstream !== "" ? upstream.split("\n") : lines;
  const kept = source.filter((line) => !isLocal(line));
  const added = kept.some(isServer) ? [] : others.map((each) => `nameserver ${each}`);
  return [...kept, ...added].join("\n");
}

/** resolv.conf(5): what is asked for replaces the host's lines of that kind; `.` is no search. */
export function resolverFile({ hostText, dns, search, options }: ResolverWish): string {
  const lines = hostText.split("\n").map((line) => line.trim());
  const keep = (keyword: RegExp): string[] => lines.filter((line) => keyword.test(line));
  const searched = search.filter((domain) => domain !== ".");
  return [
    ...(search.length > 0
      ? searched.length > 0
        ? [`search ${searched.join(" ")}`]
        : []
      : keep(/^(search|domain)\s/)),
    ...(dns.length > 0 ? dns.map((address) => `nameserver ${address}`) : keep(/^nameserver\s/)),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : keep(/^options\s/)),
    "",
  ].join("\n");
}
