// All figures of docs/benchmarks.md in one table, read from the tables below it: so it cannot say
// anything else than they do. `publish` renews it with every result that is written.

import { markdownTable } from "./report.ts";

export const summaryScript = "bench/summary.ts";

type Peer = "floor" | "runc" | "crun" | "bubblewrap" | "podman" | "docker";
const peers: readonly Peer[] = ["floor", "runc", "crun", "bubblewrap", "podman", "docker"];

interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a row has to have in some columns. */
type Match = Readonly<Record<string, string>>;

interface Line {
  readonly what: string;
  /** Whose result, and a column by which its table is told from others there. */
  readonly script: string;
  readonly figure: string;
  /** In what the figure is. */
  readonly unit: string;
  readonly pivot: Match;
  readonly others: Partial<Readonly<Record<Peer, Match>>>;
  /** The most that pivot may take of a peer. */
  readonly goal?: { readonly of: Peer; readonly atMost: number }[];
}

const start = "bench/start.ts";
const oci = "bench/oci.ts";
const networks = "bench/networks.ts";

const byCase = (name: string): Match => ({ case: name });
const byCall =
  (call: string, configuration = "full") =>
  (runtime: string): Match => ({ call, configuration, runtime });

/** A call of an OCI runtime by all three. */
function ociCall(what: string, name: string, goal: Line["goal"] = []): Line {
  const of = byCall(name);
  const others = { runc: of("runc"), crun: of("crun") };
  return { what, script: oci, figure: "median", unit: "ms", pivot: of("pivot-oci"), others, goal };
}

/** The start of an engine's container by its network. */
function engineStart(what: string, network: string): Line {
  const of = (engine: string): Match => ({ engine, network });
  return {
    what,
    script: networks,
    figure: "median",
    unit: "ms",
    pivot: of("pivot"),
    others: { podman: of("podman"), docker: of("docker") },
  };
}

/** More is better. */
function throughput(what: string, connection: string): Line {
  const of = (engine: string): Match => ({ connection, data: "in", engine, network: "bridge" });
  return {
    what,
    script: networks,
    figure: "median",
    unit: "Gbit/s: more is better",
    pivot: of("pivot"),
    others: { podman: of("podman"), docker: of("docker") },
  };
}

const user = (what: string, network: Match, peer: Match, hasBubblewrap: boolean): Line => ({
  what,
  script: "bench/rootless.ts",
  figure: "median",
  unit: "ms",
  pivot: { case: "pivot", ...network },
  others: {
    podman: { case: "podman-crun", ...peer },
    ...(hasBubblewrap ? { bubblewrap: byCase("bwrap") } : {}),
  },
});

const detached = (what: string, figure: string, containers: string): Line => ({
  what,
  script: "bench/detached.ts",
  figure,
  unit: "KiB",
  pivot: { engine: "pivot", containers },
  others: { podman: { engine: "podman", containers } },
  goal: figure === "RSS" ? [{ of: "podman", atMost: 0.2 }] : [],
});

const lines: readonly Line[] = [
  {
    what: "`run` of `true`, isolated as by docker",
    script: start,
    figure: "median",
    unit: "ms",
    pivot: byCase("pivot"),
    others: {
      floor: byCase("floor"),
      runc: byCase("runc"),
      crun: byCase("crun"),
      podman: byCase("podman-crun"),
    },
    goal: [
      { of: "crun", atMost: 1 },
      { of: "runc", atMost: 0.4 },
    ],
  },
  {
    what: "the same without a filter; bubblewrap has no cgroup either",
    script: start,
    figure: "median",
    unit: "ms",
    pivot: byCase("pivot-no-seccomp"),
    others: {
      floor: byCase("floor-no-seccomp"),
      runc: byCase("runc-no-seccomp"),
      crun: byCase("crun-no-seccomp"),
      bubblewrap: byCase("bwrap"),
    },
  },
  {
    what: "`run` of the library in a process that runs already; the floor makes the same system calls",
    script: start,
    figure: "median",
    unit: "ms",
    pivot: byCase("warm-pivot"),
    others: { floor: byCase("floor-engine") },
    goal: [{ of: "floor", atMost: 1.5 }],
  },
  {
    what: "peak memory of `run`",
    script: start,
    figure: "peak RSS",
    unit: "MiB",
    pivot: byCase("pivot"),
    others: {
      runc: byCase("runc"),
      crun: byCase("crun"),
      bubblewrap: byCase("bwrap"),
      podman: byCase("podman-crun"),
    },
  },
  ociCall("OCI runtime: create, start and delete", "create + start + delete", [
    { of: "crun", atMost: 1 },
  ]),
  ociCall("OCI runtime: `exec true`", "exec true"),
  ociCall("OCI runtime: `state`", "state"),
  ociCall("OCI runtime: `kill`", "kill 0"),
  ociCall("OCI runtime: 50 started at once", "50 × run --detach at once"),
  {
    what: "pull and unpack an image",
    script: "bench/pull.ts",
    figure: "median",
    unit: "ms",
    pivot: { pull: "pivot" },
    others: { podman: { pull: "podman" }, docker: { pull: "docker" } },
    goal: [
      { of: "podman", atMost: 1 },
      { of: "docker", atMost: 1 },
    ],
  },
  engineStart("`run` of `true` by an engine, without a network", "none"),
  engineStart("the same with a bridge", "bridge"),
  user(
    "`run` of `true` by an ordinary user, without a network",
    { network: "none" },
    { network: "none" },
    true,
  ),
  user(
    "the same with a network: pasta, slirp4netns",
    { network: "pasta" },
    { network: "slirp4netns" },
    false,
  ),
  throughput("from the host into a container on a bridge", "host to container"),
  throughput("from outside to a published port", "outside to published port"),
  detached("memory beside a detached container, alone (RSS)", "RSS", "1"),
  detached("the same of ten, each (PSS)", "PSS", "10"),
];

/** The tables of a script's result. */
function tablesOf(document: string, script: string): Table[] {
  const begin = document.indexOf(`<!-- result of ${script}: begin -->`);
  const end = document.indexOf(`<!-- result of ${script}: end -->`);
  if (begin < 0 || end < begin) return [];
  const blocks = document.slice(begin, end).split(/\n\n+/);
  return blocks
    .map((block) => block.split("\n").filter((line) => line.startsWith("| ")))
    .filter((table) => table.length > 2)
    .map((table) => {
      const [head = [], , ...rows] = table.map((line) => line.split("|").slice(1, -1));
      const trimmed = (row: readonly string[]) => row.map((cell) => cell.trim());
      return { head: trimmed(head), rows: rows.map(trimmed) };
    });
}

/** The figure in the first row that matches; null: nobody has measured it. */
function figureOf(tables: readonly Table[], match: Match, figure: string): number | null {
  for (const { head, rows } of tables) {
    const at = head.indexOf(figure);
    if (at < 0) continue;
    const found = rows.find((row) =>
      Object.entries(match).every(([column, cell]) => row[head.indexOf(column)] === cell),
    );
    const value = Number(found?.[at]);
    if (found !== undefined && Number.isFinite(value)) return value;
  }
  return null;
}

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function verdict(goals: Line["goal"], ratios: ReadonlyMap<Peer, number>): string {
  const told = (goals ?? []).flatMap(({ of, atMost }) => {
    const ratio = ratios.get(of);
    if (ratio === undefined) return [];
    return [`${of} ≤ ${atMost}: ${ratio <= atMost ? "yes" : "no"}`];
  });
  return told.length === 0 ? "–" : told.join("; ");
}

/** The table, of what the document's results say; what nobody has measured is left out. */
export function summaryOf(document: string): string {
  const rows = lines.flatMap(({ what, script, figure, unit, pivot, others, goal }) => {
    const tables = tablesOf(document, script);
    const own = figureOf(tables, pivot, figure);
    if (own === null) return [];
    const ratios = new Map<Peer, number>();
    const cells = peers.map((peer) => {
      const match = others[peer];
      const value = match === undefined ? null : figureOf(tables, match, figure);
      if (value === null) return "–";
      ratios.set(peer, Math.round((own / value) * 100) / 100);
      return `${short(value)} (${(own / value).toFixed(2)})`;
    });
    return [[`${what}, ${unit}`, short(own), ...cells, verdict(goal, ratios)]];
  });
  return markdownTable(["what", "pivot", ...peers, "goal"], rows);
}
