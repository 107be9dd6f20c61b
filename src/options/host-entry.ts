// Names and addresses that the container is to know: --add-host, --dns and its kin.

import { isIpAddress } from "./ip-address.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** A line of the container's /etc/hosts. */
export interface HostEntry {
  readonly name: string;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
}

/** What is wrong with an entry; null if nothing. */
export function hostEntryProblem({ name, address }: HostEntry): string | null {
  if (!/^[^\s:#\0]+$/.test(name)) return "a host name has no white space, : or #";
  if (address === "host-gateway") {
    return "host-gateway is not there yet: give the host's address as the container sees it";
  }
  return isIpAddress(address) ? null : `invalid IP address ${address}`;
}

/** Parses `--add-host`: `NAME:IP` or `NAME=IP`; an IPv6 address may stand in brackets. */
export function parseAddHost(given: string): Result<HostEntry> {
  const option = "--add-host";
  const end = given.includes("=") ? given.indexOf("=") : given.indexOf(":");
  if (end < 1) return refuse(option, given, "it looks like NAME:IP or NAME=IP");
  const address = given.slice(end + 1).replace(/^\[(.+)\]$/, "$1");
  const entry = { name: given.slice(0, end), address };
  const problem = hostEntryProblem(entry);
  return problem === null ? accept(entry) : refuse(option, given, problem);
}

/** What is wrong with the address of a name server; null if nothing. */
export function dnsServerProblem(address: string): string | null {
  return isIpAddress(address) ? null : "IP address is not correctly formatted";
}

/** Parses `--dns`: the address of a name server. */
export function parseDnsServer(given: string): Result<string> {
  const address = given.trim();
  const problem = dnsServerProblem(address);
  return problem === null ? accept(address) : refuse("--dns", given, problem);
}

/** What is wrong with a domain for look-ups; null if nothing. `.` is none at all. */
export function dnsSearchProblem(domain: string): string | null {
  if (domain === ".") return null;
  const parts = domain.replace(/\.$/, "").split(".");
  // Underscores are no part of a host name, but domains with them are in use.
  const fits = parts.every((part) =>
    /^[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(part),
  );
  return fits && /[a-zA-Z]/.test(domain) && domain.length < 255 ? null : "it is not a valid domain";
}

/** Parses `--dns-search`: a domain in which short names are looked up. */
export function parseDnsSearch(given: string): Result<string> {
  const domain = given.trim();
  const problem = dnsSearchProblem(domain);
  return problem === null ? accept(domain) : refuse("--dns-search", given, problem);
}

/** What is wrong with an option of resolv.conf(5); null if nothing. */
export function dnsOptionProblem(option: string): string | null {
  // Anything else could begin a line of its own in the file.
  return /^[\w.:-]+$/.test(option) ? null : "it is an option of resolv.conf(5) such as ndots:2";
}

/** Parses `--dns-option`. */
export function parseDnsOption(given: string): Result<string> {
  const problem = dnsOptionProblem(given);
  return problem === null ? accept(given) : refuse("--dns-option", given, problem);
}
