/** The files that the engine shows inside: /etc/hosts, /etc/hostname and /etc/resolv.conf. */

import { readFileSync, statSync } from "node:fs";
import type { Connected } from "../network/connect.ts";
import { guardAddress } from "../planner/egress.ts";
import { nameServerFile } from "../planner/network.ts";
import type { ResolverSetting } from "../planner/resolver.ts";
import type { StateFile } from "../planner/setting.ts";
import { onHost } from "../planner/step.ts";
import { hostsFile, publicServers, resolverFile, withoutLoopback } from "./network-files.ts";
import type { DescribedContainer } from "./prepare.ts";
import { findContainer } from "./state.ts";

/** What a container may have made of a file that it was shown. */
const longestFile = 1 << 20;

const readIfThere = (path: string): string => {
  try {
    return statSync(path).size > longestFile ? "" : readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

type FilesView = {
  readonly runRoot: string;
  readonly connected: Connected | null;
};

const hostFile = "/etc/resolv.conf";
/** What systemd-resolved asks: the machine's own file then names nothing but its stub. */
const upstreamOfStub = "/run/systemd/resolve/resolv.conf";

/** The machine's file as a container with a network of its own can use it. */
const reachableText = (): string =>
  withoutLoopback(readIfThere(hostFile), readIfThere(upstreamOfStub), []);

/** Whether the machine asks a server that is not at its own loopback. */
export const hasReachableServers = (): boolean => /^\s*nameserver\s/m.test(reachableText());

type Extras = Pick<DescribedContainer, "extras">;

/** Servers that are asked in place of the machine's; none: those are. */
const serversOf = ({ extras }: Extras, connected: Connected | null): readonly string[] => {
  const names = connected?.nameServers ?? [];
  return names.length > 0 ? names : extras.dns.servers;
};

/** What its name servers are, and those of the machine: as the container sees them without a list. */
export function upstreamText(described: Extras, connected: Connected | null): string {
  const { search, options } = described.extras.dns;
  const hostText = readIfThere(hostFile);
  return resolverFile({
    hostText:
      connected === null ? hostText : withoutLoopback(hostText, readIfThere(upstreamOfStub)),
    dns: serversOf(described, connected),
    search,
    options,
  });
}

/**
 * With a list its names are asked of the guard. The machine's search domains are left out, which would
 * make a refused name of each that is looked up.
 */
function resolverOf(described: Extras, connected: Connected | null): string {
  const { dns, egress } = described.extras;
  if (egress === null || connected === null) return upstreamText(described, connected);
  const { search, options } = dns;
  const hostText = readIfThere(hostFile);
  return resolverFile({
    hostText,
    dns: [guardAddress],
    search: search.length > 0 ? search : ["."],
    options,
  });
}

/** How its name servers follow the machine's; null: they are its own, or another container's. */
export function resolverSetting(
  { extras, source, spec }: Pick<DescribedContainer, "extras" | "source" | "spec">,
  connected: Connected | null,
): ResolverSetting | null {
  const { dns, egress, network } = extras;
  const isShared = typeof network === "object" && "container" in network;
  // Who reaches nobody has nobody to ask.
  const isAlone = connected === null && network !== "host" && typeof network !== "object";
  const netavark = connected?.setting.netavark ?? null;
  const isNamed = netavark !== null && connected?.nameServers.length !== 0;
  if (source.kind === "bundle" || isShared || isAlone || dns.servers.length > 0) return null;
  if (!isNamed && serversOf({ extras }, connected).length > 0) return null;
  const isGuarded = egress !== null && connected !== null;
  const isMounted = spec.mounts?.some(({ destination }) => destination === "/etc/resolv.conf");
  if (isMounted === true && !isGuarded) return null;
  const line = (keyword: string, words: readonly string[]): string =>
    words.length === 0 ? "" : `${keyword} ${words.join(" ")}`;
  const searched = dns.search.filter((domain) => domain !== ".");
  return {
    name: isNamed ? null : isGuarded ? "upstream.conf" : "resolv.conf",
    server: isNamed ? onHost(nameServerFile(netavark.shared)) : null,
    from: hostFile,
    upstream: upstreamOfStub,
    local: connected === null,
    public: publicServers,
    search: line("search", searched),
    options: line("options", dns.options),
    no_search: dns.search.length > 0 && searched.length === 0,
  };
}

/** Who shares a network sees the files of whose it is, as with docker. */
function textsOf(
  described: Pick<DescribedContainer, "extras">,
  { runRoot, connected }: FilesView,
): { readonly hosts: string; readonly resolver: string } {
  const { hostname, hosts, network } = described.extras;
  if (typeof network === "object" && "container" in network) {
    const { directory } = findContainer(runRoot, network.container);
    const shared = readIfThere(`${directory}/hosts`);
    if (shared !== "") return { hosts: shared, resolver: readIfThere(`${directory}/resolv.conf`) };
  }
  const isHostNetwork = network === "host";
  const hostText = isHostNetwork ? readIfThere("/etc/hosts") : "";
  const addresses = connected?.addresses ?? [];
  return {
    hosts: hostsFile({ hostname, isHostNetwork, hostText, addresses, extra: hosts }),
    resolver: resolverOf(described, connected),
  };
}

/** All but those that are mounted from elsewhere; of a bundle none. */
export function stateFiles(
  described: Pick<DescribedContainer, "extras" | "source" | "spec">,
  view: FilesView,
): StateFile[] {
  if (described.source.kind === "bundle") return [];
  const { spec, extras } = described;
  const { hosts, resolver } = textsOf(described, view);
  const files: StateFile[] = [
    {
      name: "hostname",
      destination: "/etc/hostname",
      text: `${extras.hostname}\n`,
      why: "default: the file says what the kernel says",
    },
    {
      name: "hosts",
      destination: "/etc/hosts",
      text: hosts,
      why: "default: names that the container knows without asking",
    },
    {
      name: "resolv.conf",
      destination: "/etc/resolv.conf",
      text: resolver,
      why: "default: the host's name servers, or those asked for",
    },
  ];
  const taken = new Set(spec.mounts?.map(({ destination }) => destination));
  return files.filter(({ destination }) => !taken.has(destination));
}
