/** `pivot ps`: containers, as docker lists them. */

import { pickContainer } from "../engine/find.ts";
import { readHealth } from "../engine/health-log.ts";
import { portsText } from "../engine/network-settings.ts";
import {
  type Container,
  isAlive,
  listContainers,
  type Status,
  shownStatus,
} from "../engine/status.ts";
import { networkNames, uses } from "../network/members.ts";
import {
  type Flag,
  FlagError,
  isOn,
  lastValue,
  type ParsedArguments,
  UsageError,
} from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilters } from "./filter.ts";
import { ago, ellipsis, humanDuration, humanSize, shortId } from "./human.ts";
import { filterFlag, formatFlag, noTruncFlag, quietFlag, readListing } from "./listing-flags.ts";
import { type Column, printRows } from "./output.ts";
import { treeSize } from "./tree-size.ts";

const filterKeys = [
  "ancestor",
  "before",
  "exited",
  "health",
  "id",
  "label",
  "name",
  "network",
  "since",
  "status",
  "volume",
] as const;

export const psFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "those too that have ended, or were never started" },
  filterFlag(filterKeys),
  formatFlag,
  { name: "last", short: "n", value: "N", help: "the N that were made last" },
  { name: "latest", short: "l", help: "the one that was made last" },
  noTruncFlag,
  quietFlag,
  { name: "size", short: "s", help: "how much they have written" },
];

const healthText = ({ record, directory }: Container): string =>
  record.engine === null || record.engine.health === null ? "none" : readHealth(directory).Status;

const healthNote = (container: Container): string => {
  const health = healthText(container);
  if (health === "none") return "";
  return health === "starting" ? " (health: starting)" : ` (${health})`;
};

/** "Up 3 minutes", "Exited (0) 2 hours ago". */
export function statusText(container: Container, now: number = Date.now()): string {
  const { status, end, started } = container;
  const up = `Up ${humanDuration(Math.max(0, now - (started ?? now)))}`;
  const since = end?.at === undefined || end.at === null ? "" : ` ${ago(end.at, now)}`;
  switch (status) {
    case "running":
      return `${up}${healthNote(container)}`;
    case "paused":
      return `${up} (Paused)`;
    case "restarting":
      return `Restarting (${end?.code ?? 0})${since}`;
    case "exited":
      return `Exited (${end?.code ?? 0})${since}`;
    case "created":
      return "Created";
    case "dead":
      return "Dead";
  }
}

/** As docker's daemon joins the words (a space calls for quotes), and its client shows them. */
export function commandText([program = "", ...words]: readonly string[], noTrunc: boolean): string {
  const quoted = words.map((word) => (word.includes(" ") ? `'${word}'` : word));
  const text = [program, ...quoted].join(" ");
  // With \n for line ends, which would break the table.
  return JSON.stringify(noTrunc ? text : ellipsis(text, 20));
}

const mountNames = ({ record }: Container): string[] =>
  record.mounts.map(({ volume, source, destination }) => volume ?? (source || destination));

/** docker lists `host` and its like beside networks. */
function networksOf(row: Container): readonly string[] {
  const names = networkNames(row);
  return names.length > 0 ? names : [row.record.networkMode];
}

const networksText = (row: Container): string => networksOf(row).join(",");

const pad = (n: number): string => String(n).padStart(2, "0");

/** Go's `2006-01-02 15:04:05 -0700 MST`. */
function longTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const offset = -date.getTimezoneOffset();
  const hours = `${pad(Math.trunc(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`;
  const zone = Intl.DateTimeFormat("en", { timeZoneName: "short" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value;
  return `${day} ${clock} ${offset < 0 ? "-" : "+"}${hours} ${zone ?? ""}`.trimEnd();
}

const columns = (withSize: boolean): readonly Column<Container>[] => [
  {
    name: "ID",
    header: "CONTAINER ID",
    quiet: true,
    value: ({ id }, { noTrunc }) => (noTrunc ? id : shortId(id)),
  },
  { name: "Image", header: "IMAGE", value: ({ record }) => shownImage(record.image) },
  {
    name: "Command",
    header: "COMMAND",
    value: ({ record }, { noTrunc }) => commandText(record.args, noTrunc),
  },
  { name: "RunningFor", header: "CREATED", value: ({ record }) => ago(record.created) },
  { name: "Status", header: "STATUS", value: (row) => statusText(row) },
  { name: "Ports", header: "PORTS", value: (row) => portsText(row) },
  { name: "Names", header: "NAMES", value: ({ name }) => name },
  {
    name: "Size",
    header: "SIZE",
    hidden: !withSize,
    value: ({ id, record }) => humanSize(treeSize(`${record.dataRoot}/containers/${id}/upper`), 3),
  },
  {
    name: "CreatedAt",
    header: "CREATED AT",
    hidden: true,
    value: ({ record }) => longTime(record.created),
  },
  { name: "State", header: "STATE", hidden: true, value: ({ status }) => status },
  {
    name: "Labels",
    header: "LABELS",
    hidden: true,
    value: ({ record }) =>
      Object.entries(record.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
  },
  {
    name: "Label",
    header: "",
    hidden: true,
    value:
      ({ record }) =>
      (name: unknown) =>
        record.labels[String(name)] ?? "",
  },
  { name: "Mounts", header: "MOUNTS", hidden: true, value: (row) => mountNames(row).join(",") },
  { name: "LocalVolumes", header: "LOCAL VOLUMES", hidden: true, value: countVolumes },
  { name: "Networks", header: "NETWORKS", hidden: true, value: (row) => networksText(row) },
];

const countVolumes = ({ record }: Container): string =>
  String(record.mounts.filter(({ volume }) => volume !== undefined).length);

/** As people wrote it: what is docker's default goes without saying. */
export const shownImage = (reference: string): string =>
  reference.replace(/^docker\.io\/(library\/)?/, "").replace(/:latest$/, "");

const states: readonly Status[] = ["created", "running", "paused", "restarting", "exited", "dead"];

function matchesStatus({ status }: Container, value: string): boolean {
  if (!states.some((state) => state === value)) {
    throw new UsageError(
      `--filter status takes one of ${states.join(", ")}, received ${JSON.stringify(value)}`,
    );
  }
  return status === value;
}

/** As docker: a name is looked for as a regular expression. */
function matchesName({ name }: Container, value: string): boolean {
  try {
    return new RegExp(value).test(name) || new RegExp(value).test(`/${name}`);
  } catch {
    throw new UsageError(`--filter name takes a regular expression, received ${value}`);
  }
}

function matchesAncestor({ record }: Container, value: string): boolean {
  const { source, image } = record;
  const isId =
    source.kind === "stored" &&
    source.id.replace(/^sha256:/, "").startsWith(value.replace(/^sha256:/, ""));
  return (isId && value.length >= 4) || image === value || shownImage(image) === shownImage(value);
}

function matchesExit({ status, end }: Container, value: string): boolean {
  if (!/^\d+$/.test(value)) {
    throw new UsageError(`--filter exited takes an exit code, received ${JSON.stringify(value)}`);
  }
  return status === "exited" && end?.code === Number(value);
}

/** The moment at which the container that a filter names was made. */
const momentOf = (all: readonly Container[], value: string): number =>
  pickContainer(all, value).record.created;

/** Of all containers, those that were asked for; the newest first. */
function choose(given: ParsedArguments, all: readonly Container[]): Container[] {
  const wanted = given.flags.get("filter") ?? [];
  const passes = readFilters<Container>(wanted, {
    ancestor: matchesAncestor,
    before: ({ record }, value) => record.created < momentOf(all, value),
    exited: matchesExit,
    health: (row, value) => healthText(row) === value,
    id: ({ id }, value) => id.startsWith(value),
    label: ({ record }, value) => hasLabel(record.labels, value),
    name: matchesName,
    network: (row, value) =>
      networksOf(row).includes(value) || uses(row, { id: value, name: value }),
    since: ({ record }, value) => record.created > momentOf(all, value),
    status: matchesStatus,
    volume: (row, value) =>
      row.record.mounts.some(({ destination }) => destination === value) ||
      mountNames(row).includes(value),
  });
  const last = isOn(given, "latest") ? 1 : readCount(lastValue(given, "last"));
  const showsAll =
    isOn(given, "all") || last !== null || wanted.some((each) => /^(status|exited)=/.test(each));
  const found = all.filter((each) => (showsAll || isAlive(each)) && passes(each)).toReversed();
  return last === null ? found : found.slice(0, last);
}

function readCount(given: string | null): number | null {
  if (given === null || given === "-1") return null;
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new FlagError(`--last takes a number, received ${JSON.stringify(given)}`);
}

export async function psCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`ps takes no arguments, received ${given.words.join(" ")}`);
  }
  const all = (await listContainers(engineRoots(globals))).map((each) => ({
    ...each,
    status: shownStatus(each),
  }));
  printRows(choose(given, all), columns(isOn(given, "size")), readListing(given));
  return 0;
}
