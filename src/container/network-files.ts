/** The text of /etc/hosts, /etc/hostname and /etc/resolv.conf for a container. */

export type HostsWish = {
  readonly hostname: string;
  /** The container shares the host's network and so its names. */
  readonly isHostNetwork: boolean;
  /** The host's own /etc/hosts. */
  readonly hostText: string;
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

export function hostsFile({ hostname, isHostNetwork, hostText, extra }: HostsWish): string {
  const base = isHostNetwork ? [hostText.trimEnd()] : loopback;
  const added = extra.map(({ name, address }) => `${address}\t${name}`);
  const own = isHostNetwork ? [] : [`127.0.1.1\t${hostname}`];
  return `${[...base, ...added, ...own].join("\n")}\n`;
}

export type ResolverWish = {
  /** The host's own /etc/resolv.conf. */
  readonly hostText: string;
  readonly dns: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
};

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
