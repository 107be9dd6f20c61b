/** The files that the engine shows inside: /etc/hosts, /etc/hostname and /etc/resolv.conf. */

import { readFileSync, statSync } from "node:fs";
import type { Connected } from "../network/connect.ts";
import type { StateFile } from "../planner/setting.ts";
import { hostsFile, resolverFile, withoutLoopback } from "./network-files.ts";
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

/** What its name servers are, and those of the machine. */
function resolverOf(
  { extras }: Pick<DescribedContainer, "extras">,
  connected: Connected | null,
): string {
  const { dns } = extras;
  const hostText = readIfThere("/etc/resolv.conf");
  const upstream = "/run/systemd/resolve/resolv.conf";
  const names = connected?.nameServers ?? [];
  return resolverFile({
    hostText: connected === null ? hostText : withoutLoopback(hostText, readIfThere(upstream)),
    dns: names.length > 0 ? names : dns.servers,
    search: dns.search,
    options: dns.options,
  });
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
