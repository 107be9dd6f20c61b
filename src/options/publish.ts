// Ports: `-p`, `--expose`, and what an image says of them.

import { isIpAddress } from "./ip-address.ts";
import { accept, type Result, refuse } from "./problem.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** Ports of the host that lead to ports of the container. */
export interface PublishedPorts {
  /** An address of the host, without brackets; empty: all. */
  readonly hostIp: string;
  /** 0: any that is free, for each port of the container. */
  readonly hostFirst: number;
  /** With one port of the container: any from the first to this one; else as many as `count`. */
  readonly hostLast: number;
  readonly containerFirst: number;
  readonly count: number;
  readonly protocol: Protocol;
}

/** Ports of the container. */
export interface ExposedPorts {
  readonly first: number;
  readonly count: number;
  readonly protocol: Protocol;
}

const protocols: readonly Protocol[] = ["tcp", "udp", "sctp"];

/** `80`, `80-90`; null when it is neither. */
function readRange(text: string): readonly [first: number, last: number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first < 1 || last > 65535 || last < first ? null : [first, last];
}

/** What stands before `/`, and the protocol behind it. */
function splitProtocol(text: string): readonly [ports: string, protocol: Protocol] | null {
  const [ports = "", word = "tcp", ...more] = text.split("/");
  const protocol = protocols.find((each) => each === word.toLowerCase());
  return protocol === undefined || more.length > 0 ? null : [ports, protocol];
}

const publishForm =
  "it looks like [IP:][HOST:]CONTAINER[/tcp|udp|sctp], with ports from 1 to 65535 or ranges of them";

/** The last `:` parts a port from what is before it; an address of IPv6 stands in brackets. */
function splitAddress(text: string): readonly [ip: string, host: string, container: string] | null {
  const bracketed = /^\[([^\]]*)\]:([^:]*):([^:]*)$/.exec(text);
  if (bracketed !== null) return [bracketed[1] ?? "", bracketed[2] ?? "", bracketed[3] ?? ""];
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return ["", "", first];
  if (parts.length === 2) return ["", first, second];
  return parts.length === 3 ? [first, second, third] : null;
}

/** Parses `-p, --publish`: `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTO]`. */
export function parsePublish(given: string): Result<PublishedPorts> {
  const option = "-p, --publish";
  const split = splitProtocol(given);
  const parts = split === null ? null : splitAddress(split[0]);
  const container = parts === null ? null : readRange(parts[2]);
  if (split === null || parts === null || container === null) {
    return refuse(option, given, publishForm);
  }
  const [ip, hostText] = parts;
  if (ip !== "" && !isIpAddress(ip)) return refuse(option, given, `invalid IP address ${ip}`);
  const host = hostText === "" || hostText === "0" ? ([0, 0] as const) : readRange(hostText);
  if (host === null) return refuse(option, given, publishForm);
  const count = container[1] - container[0] + 1;
  const hostCount = host[1] - host[0] + 1;
  if (host[0] !== 0 && count > 1 && hostCount !== count) {
    return refuse(
      option,
      given,
      `as many ports of the host as of the container: there are ${hostCount} and ${count}`,
    );
  }
  return accept({
    hostIp: ip,
    hostFirst: host[0],
    hostLast: host[1],
    containerFirst: container[0],
    count,
    protocol: split[1],
  });
}

/** Parses `--expose`, and a key of an image's `ExposedPorts`: `80`, `80/udp`, `80-90`. */
export function parseExpose(given: string): Result<ExposedPorts> {
  const split = splitProtocol(given);
  const range = split === null ? null : readRange(split[0]);
  if (split === null || range === null) {
    return refuse("--expose", given, "it looks like PORT[-PORT][/tcp|udp|sctp]");
  }
  return accept({ first: range[0], count: range[1] - range[0] + 1, protocol: split[1] });
}
