// --egress: what a container may reach outside. Everything else is refused.

import { isIPv4, isIPv6 } from "./ip-address.ts";
import { accept, type Result, refuse } from "./problem.ts";

const option = "--egress";

/** What one entry allows. */
export type EgressEntry =
  | {
      readonly kind: "name";
      /** Lower case, without the last dot; behind a wildcard's `*.`, which covers names below it. */
      readonly name: string;
      readonly isWild: boolean;
      /** Null: any, and protocols that have none. */
      readonly port: number | null;
    }
  | {
      readonly kind: "range";
      readonly family: 4 | 6;
      /** An address, or `10.0.0.0/8`. */
      readonly range: string;
      readonly port: number | null;
    };

const looksLike =
  "it looks like HOST[:PORT], *.DOMAIN[:PORT], ADDRESS[/BITS][:PORT] or [IPV6[/BITS]][:PORT]";

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function isName(text: string): boolean {
  const labels = text.split(".");
  // The last one is never a number: what looks like an address would be one.
  return (
    text.length <= 253 &&
    labels.every((each) => label.test(each)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

function rangeOf(text: string, port: number | null): EgressEntry | null {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : null;
  if (family === null || more.length > 0) return null;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
    return null;
  return { kind: "range", family, range: text.toLowerCase(), port };
}

/** Parses one entry of `allow=`, as the list keeps it. */
export function parseEgressEntry(given: string): Result<EgressEntry> {
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(given.trim());
  const [, host = "", digits] = split ?? [];
  if (split === null) {
    return isIPv6(given.split("/")[0] ?? "")
      ? refuse(option, given, `an IPv6 address stands in brackets: [${given}]`)
      : refuse(option, given, looksLike);
  }
  const port = digits === undefined ? null : Number(digits);
  if (port !== null && (port < 1 || port > 65535)) {
    return refuse(option, given, "a port is a number from 1 to 65535");
  }
  if (host === "*" || host === "*.") {
    return refuse(
      option,
      given,
      "* would allow every name: leave --egress out, or name a domain: *.example.org",
    );
  }
  const isBracketed = host.startsWith("[");
  const range = rangeOf(isBracketed ? host.slice(1, -1) : host, port);
  if (range !== null && (range.kind === "range" && range.family === 6) === isBracketed) {
    return accept(range);
  }
  const isWild = host.startsWith("*.");
  const name = (isWild ? host.slice(2) : host).toLowerCase().replace(/\.$/, "");
  return isName(name)
    ? accept({ kind: "name", name, isWild, port })
    : refuse(option, given, looksLike);
}

/** The same entry as text: what `parseEgressEntry` reads. */
export function egressText(entry: EgressEntry): string {
  const behind = entry.port === null ? "" : `:${entry.port}`;
  if (entry.kind === "name") return `${entry.isWild ? "*." : ""}${entry.name}${behind}`;
  return `${entry.family === 6 ? `[${entry.range}]` : entry.range}${behind}`;
}

/** Parses `--egress`: `deny`, or `allow=` and entries with commas between them. */
export function parseEgress(given: string): Result<readonly string[]> {
  if (given === "deny") return accept([]);
  const list = /^allow=(.*)$/s.exec(given)?.[1];
  if (list === undefined) {
    return refuse(option, given, "it is deny, or allow=HOST[:PORT],CIDR[:PORT],…");
  }
  const entries: string[] = [];
  for (const text of list.split(",")) {
    const parsed = parseEgressEntry(text);
    if (!parsed.ok) return refuse(option, text, parsed.problem.reason);
    entries.push(egressText(parsed.value));
  }
  return accept(entries);
}

/** As many entries for one name as the guard keeps: PV_PORTS of native/egress.h. */
const mostForOneName = 16;

type NameEntry = Extract<EgressEntry, { kind: "name" }>;

/** Whether what the second one means falls under the first one, too. */
const covers = (entry: NameEntry, { name, isWild }: NameEntry): boolean =>
  entry.isWild
    ? name.endsWith(`.${entry.name}`) || (isWild && name === entry.name)
    : !isWild && name === entry.name;

/** A name of the list to which more of its entries apply than are kept; null: there is none. */
export function crowdedName(entries: readonly EgressEntry[]): string | null {
  const names = entries.filter((entry) => entry.kind === "name");
  const found = names.find(
    (each) => names.filter((entry) => covers(entry, each)).length > mostForOneName,
  );
  return found === undefined ? null : egressText({ ...found, port: null });
}

/**
 * Capabilities with which a container could go past its list: change the rules, write packets beside
 * them, or take what the machine has.
 */
export const beyondEgress = [
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_SYS_ADMIN",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_BPF",
] as const;

/**
 * What cannot be held to a list, with the option that asks for it; null: it can.
 *
 * @param added as `--cap-add` says them
 */
export function egressConflict(privileged: boolean, added: readonly string[]): string | null {
  if (privileged) return "--privileged";
  const named = added
    .map((each) => each.toUpperCase())
    .map((each) => each.replace(/^(?:CAP_)?/, "CAP_"));
  const found = named.find(
    (each) => each === "CAP_ALL" || beyondEgress.some((name) => name === each),
  );
  return found === undefined ? null : `--cap-add ${found.slice(4)}`;
}
