/**
 * An egress list as steps: rules of nftables in the container's own network namespace, which refuse
 * everything that is not listed, and the guard that answers names and admits their addresses.
 *
 * The rules are there before the namespace has an interface, and nobody in the container can change
 * them: it has no CAP_NET_ADMIN. What the guard adds goes by itself, so without it nothing is admitted.
 */

import { type EgressEntry, egressText } from "../options/egress.ts";
import type { Step } from "../plan/op.ts";
import { stateDirectory } from "./root.ts";
import { byParent, create, onHost } from "./step.ts";

export type EgressSetting = {
  readonly entries: readonly EgressEntry[];
  /** nft(8). */
  readonly nft: string;
  /** A text like resolv.conf(5) with the servers that the guard asks. */
  readonly upstream: string;
};

/** Where the container's names are asked: docker's own address for that. */
export const guardAddress = "127.0.0.11";

const table = "pivot_egress";
/** `pivo`, as a number: no program without CAP_NET_ADMIN or CAP_NET_RAW can mark what it sends. */
const mark = 0x7069766f;
const group = 1;

const ports = "meta l4proto { tcp, udp, sctp }";

function ruleOf(entry: EgressEntry): string[] {
  if (entry.kind === "name") return [];
  const { family, range, port } = entry;
  const to = `${family === 6 ? "ip6" : "ip"} daddr ${range}`;
  return [port === null ? `${to} accept` : `${to} ${ports} th dport ${port} accept`];
}

const set = (name: string, type: string): string =>
  `  set ${name} { type ${type}; flags timeout; size 65536; }`;

/** What nft(8) reads. The lists of names are the guard's; the sets are where it admits addresses. */
export function egressRules(entries: readonly EgressEntry[]): string {
  const output = [
    "type filter hook output priority filter; policy drop;",
    // What the guard has begun is the guard's alone. Nobody in the container answers it in a server's name,
    // which IPv6 lets everybody send in, nor goes on from its port once its socket is closed; and nobody
    // there is its name server by an address that is the container's own.
    `meta mark ${mark} ct mark set ${mark}`,
    `ct mark ${mark} meta mark != ${mark} drop`,
    `oifname "lo" meta mark ${mark} drop`,
    'oifname "lo" accept',
    "ct state established accept",
    "ct state related meta l4proto { icmp, icmpv6 } accept",
    // Without neighbours there is no IPv6; programs cannot send these without CAP_NET_RAW.
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report, mld-listener-done } accept",
    `meta mark ${mark} meta l4proto { tcp, udp } th dport 53 accept`,
    ...entries.flatMap(ruleOf),
    "ip daddr @named4 accept",
    "ip6 daddr @named6 accept",
    `${ports} ip daddr . th dport @named4_ports accept`,
    `${ports} ip6 daddr . th dport @named6_ports accept`,
    `log group ${group} snaplen 128 queue-threshold 1`,
    // A program hears at once that it is refused.
    "reject with icmpx admin-prohibited",
  ];
  return [
    `table inet ${table} {`,
    set("named4", "ipv4_addr"),
    set("named6", "ipv6_addr"),
    set("named4_ports", "ipv4_addr . inet_service"),
    set("named6_ports", "ipv6_addr . inet_service"),
    "  chain output {",
    ...output.map((line) => `    ${line}`),
    "  }",
    "  chain forward { type filter hook forward priority filter; policy drop; }",
    "}",
    "",
  ].join("\n");
}

/** By the parent, when there is a network namespace and before it has an interface. */
export const planEgressRules = (egress: EgressSetting | null): Step[] =>
  egress === null
    ? []
    : [
        byParent(
          {
            op: "egress_rules",
            program: egress.nft,
            argv: ["nft", "-f", "-"],
            env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            timeout: 30_000,
            rules: egressRules(egress.entries),
          },
          "--egress: nothing leaves but what is on the list",
        ),
      ];

/** The file of the guard's servers in the state directory. */
export const upstreamFile = (state: string): string => `${state}/upstream.conf`;

type EgressView = {
  readonly id: string;
  readonly runRoot: string;
  readonly egress?: EgressSetting | null;
};

/** By the parent, when the namespace has its interfaces and before anything of the container runs. */
export function planEgressGuard(setting: EgressView): Step[] {
  const { egress } = setting;
  if (egress === undefined || egress === null) return [];
  const upstream = onHost(upstreamFile(stateDirectory(setting)));
  return [
    byParent(create(upstream, egress.upstream, 0o600), "whom the guard asks for names"),
    byParent(
      {
        op: "egress_guard",
        names: egress.entries.filter(({ kind }) => kind === "name").map(egressText),
        address: Uint8Array.from(guardAddress.split("."), Number),
        upstream,
        mark,
        group,
        table,
      },
      "--egress: names on the list are answered, their addresses admitted, refusals told",
    ),
  ];
}
