/**
 * A container's mount table beside the one that the simulator predicts of its plan: where they differ,
 * in words. Numbers of mounts, devices and peer groups are nobody's business: what is compared is which
 * of them are the same, and which are the host's.
 */

import type { MountinfoRow } from "../simulator/mountinfo.ts";
import { type Finding, finding } from "./finding.ts";

/** Devices of the prediction begin with this where the plan makes the file system. */
export const madeByPlan = "plan:";

/** Tables as three processes have them: the host's is what the prediction began with. */
export type Tables = {
  readonly predicted: readonly MountinfoRow[];
  readonly live: readonly MountinfoRow[];
  readonly host: readonly MountinfoRow[];
};

type Pair = { readonly wanted: MountinfoRow; readonly is: MountinfoRow };

/** A mount by all that it is mounted on: `>/>/proc>/proc` is the upper of two. */
function placesOf(rows: readonly MountinfoRow[]): ReadonlyMap<MountinfoRow, string> {
  const known = new Map(rows.map((row) => [row.id, row]));
  const places = new Map<MountinfoRow, string>();
  const placeOf = (row: MountinfoRow, depth: number): string => {
    const found = places.get(row);
    if (found !== undefined) return found;
    const parent = row.parent === row.id || depth > 1000 ? undefined : known.get(row.parent);
    const above = parent === undefined ? "" : placeOf(parent, depth + 1);
    const place = `${above}>${row.mountpoint}`;
    places.set(row, place);
    return place;
  };
  for (const row of rows) placeOf(row, 0);
  return places;
}

/** Those that a key has in both lists are pairs, the older with the older. */
function pairUp(
  wanted: readonly MountinfoRow[],
  live: readonly MountinfoRow[],
  wantedKey: (row: MountinfoRow) => string,
  liveKey: (row: MountinfoRow) => string,
): { pairs: Pair[]; gone: MountinfoRow[]; more: MountinfoRow[] } {
  const waiting = new Map<string, MountinfoRow[]>();
  for (const row of live) {
    const key = liveKey(row);
    waiting.set(key, [...(waiting.get(key) ?? []), row]);
  }
  const pairs: Pair[] = [];
  const gone: MountinfoRow[] = [];
  for (const row of wanted) {
    const is = waiting.get(wantedKey(row))?.shift();
    if (is === undefined) gone.push(row);
    else pairs.push({ wanted: row, is });
  }
  return { pairs, gone, more: [...waiting.values()].flat() };
}

/** What a mount shows: `tmpfs`, `ext4 /srv/data`. Of cgroups each reader is told another root: cgroup_namespaces(7). */
const contentOf = ({ type, root }: MountinfoRow): string =>
  root === "/" || type.startsWith("cgroup") ? type : `${type} ${root}`;

const accessOf = ({ superOptions }: MountinfoRow): string => superOptions.split(",")[0] ?? "";

/** Each network and each IPC namespace has one of its own, of which the simulator knows nothing. */
const perNamespace: ReadonlySet<string> = new Set(["sysfs", "mqueue"]);

/** What of the two tables is the host's; all else is numbered by the kernel as it likes. */
class Host {
  readonly #groups: ReadonlySet<number>;
  /** Devices of what the plan makes, by those of the prediction. */
  readonly #own = new Map<string, string>();

  constructor(rows: readonly MountinfoRow[]) {
    this.#groups = new Set(rows.flatMap(({ shared, master }) => [shared ?? 0, master ?? 0]));
  }

  /** Whether both show one file system. The first pair decides which is which. */
  isSame({ wanted, is }: Pair): boolean {
    if (perNamespace.has(wanted.type)) return true;
    if (!wanted.device.startsWith(madeByPlan)) return wanted.device === is.device;
    const own = this.#own.get(wanted.device);
    if (own !== undefined) return own === is.device;
    this.#own.set(wanted.device, is.device);
    return true;
  }

  #group(group: number | null): string {
    if (group === null) return "";
    return this.#groups.has(group) ? "the host" : "others";
  }

  /** `private`, `shared with the host`, `a slave of others`. */
  propagationOf({ shared, master, unbindable }: MountinfoRow): string {
    const words = [
      ...(shared === null ? [] : [`shared with ${this.#group(shared)}`]),
      ...(master === null ? [] : [`a slave of ${this.#group(master)}`]),
      ...(unbindable ? ["unbindable"] : []),
    ];
    return words.length === 0 ? "private" : words.join(", ");
  }
}

/** Those of a list that are not below others of it, with how many are. */
function topsOf(rows: readonly MountinfoRow[]): { row: MountinfoRow; below: number }[] {
  const ids = new Map(rows.map((row) => [row.id, row]));
  const topOf = (row: MountinfoRow): MountinfoRow => {
    const parent = row.parent === row.id ? undefined : ids.get(row.parent);
    return parent === undefined ? row : topOf(parent);
  };
  const counts = new Map<MountinfoRow, number>();
  for (const row of rows) counts.set(topOf(row), (counts.get(topOf(row)) ?? -1) + 1);
  return [...counts].map(([row, below]) => ({ row, below }));
}

const withBelow = (row: MountinfoRow, below: number): string =>
  `${row.mountpoint} (${contentOf(row)}${below === 0 ? "" : `, and ${below} below it`})`;

/** Flags by whose loss something can be done that could not. */
const protecting = new Set(["ro", "nosuid", "nodev", "noexec"]);

const cure = "something has changed it since: start the container anew";

function differencesOf(pair: Pair, host: Host): Finding[] {
  const { wanted, is } = pair;
  const note = (says: string): Finding =>
    finding("note", "mount table", `${is.mountpoint} ${says}`);
  const weak = (says: string): Finding =>
    finding("weak", "mount table", `${is.mountpoint} ${says}`, cure);
  if (contentOf(wanted) !== contentOf(is)) {
    return [weak(`is ${contentOf(is)}, in place of ${contentOf(wanted)}`)];
  }
  const found: Finding[] = [];
  if (!host.isSame(pair)) found.push(weak(`shows another ${is.type} than was planned`));
  if (wanted.flags !== is.flags) {
    const flags = new Set(is.flags.split(","));
    const lost = wanted.flags.split(",").filter((flag) => protecting.has(flag) && !flags.has(flag));
    const says = `has the flags ${is.flags}, in place of ${wanted.flags}`;
    found.push(lost.length > 0 ? weak(says) : note(says));
  }
  if (accessOf(wanted) !== accessOf(is)) {
    const words = { ro: "read-only", rw: "writable" } as Readonly<Record<string, string>>;
    found.push(note(`is on a file system that is ${words[accessOf(is)] ?? accessOf(is)} now`));
  }
  const before = host.propagationOf(wanted);
  const now = host.propagationOf(is);
  if (before !== now)
    found.push((now === "private" ? note : weak)(`is ${now}, in place of ${before}`));
  return found;
}

/** More lines than these are for `cat /proc/PID/mountinfo`. */
const most = 20;

/** @returns a finding for each difference; one that is well when there is none. */
export function compareTables({ predicted, live, host }: Tables): Finding[] {
  const places = new Map([...placesOf(predicted), ...placesOf(live)]);
  const place = (row: MountinfoRow): string => places.get(row) ?? "";
  const { pairs, gone, more } = pairUp(predicted, live, place, place);
  // A link of the image leads elsewhere than the simulator knows.
  const what = (row: MountinfoRow): string => `${contentOf(row)} ${row.flags}`;
  const moved = pairUp(gone, more, what, what);
  const known = new Host(host);
  const found = [
    ...pairs.flatMap((pair) => differencesOf(pair, known)),
    ...moved.pairs.map(({ wanted, is }) =>
      finding(
        "note",
        "mount table",
        `${contentOf(is)} is at ${is.mountpoint}, and was planned for ${wanted.mountpoint}: a link of the image, or somebody's move`,
      ),
    ),
    ...topsOf(moved.gone).map(({ row, below }) =>
      finding(
        "weak",
        "mount table",
        `${withBelow(row, below)} was planned, and is not mounted`,
        cure,
      ),
    ),
    ...topsOf(moved.more).map(({ row, below }) =>
      finding("note", "mount table", `mounted since, by somebody: ${withBelow(row, below)}`),
    ),
  ];
  if (found.length === 0) {
    return [
      finding(
        "ok",
        "mount table",
        `${live.length} mounts, each as the simulator predicts of the plan`,
      ),
    ];
  }
  if (found.length <= most) return found;
  const rest = finding("note", "mount table", `and ${found.length - most} differences more`);
  return [...found.slice(0, most), rest];
}
