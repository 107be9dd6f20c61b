/** Of pivot's own containers: whether what was planned is what there is. */

import type { Spec } from "../spec/mod.ts";
import { compareTables, type Tables } from "./compare-tables.ts";
import { type Finding, few, finding } from "./finding.ts";
import type { Seen } from "./seen.ts";

/** What a container was to be: its configuration, planned once more. */
export type Promised = {
  readonly spec: Spec;
  /** It was to have a filter. */
  readonly isFiltered: boolean;
  /** Paths at which pivot itself puts files. */
  readonly files: readonly string[];
  /** Its mounts as the simulator predicts them, and the host's; null: it cannot. */
  readonly tables: Omit<Tables, "live"> | null;
};

const broken = (level: "open" | "weak" | "note", says: string): Finding =>
  finding(level, "promise", says, "something has changed it since: start the container anew");

function compareNamespaces({ spec }: Promised, { namespaces }: Seen): Finding[] {
  const wanted = new Set((spec.linux?.namespaces ?? []).map(({ type }) => type));
  const lost = namespaces.filter(({ type, shared }) => shared && wanted.has(type));
  // One that is joined by its path may be the host's.
  const paths = new Set(
    (spec.linux?.namespaces ?? []).flatMap(({ type, path }) => (path === undefined ? [] : [type])),
  );
  const really = lost.filter(({ type }) => !paths.has(type)).map(({ type }) => type);
  return really.length === 0
    ? []
    : [broken("open", `was to have its own, and has the host's: ${really.join(", ")}`)];
}

/** Where the kernel shows a file system by another name than it is asked for. */
const isType = (wanted: string, live: string): boolean =>
  wanted === live ||
  wanted === "bind" ||
  wanted === "none" ||
  (wanted === "cgroup" && /^(cgroup2?|tmpfs)$/.test(live));

/** What was asked for, whatever became of all the rest. */
function compareMounts({ spec, files, tables }: Promised, { mounts }: Seen): Finding[] {
  const wanted = spec.mounts ?? [];
  const found: Finding[] = [];
  const missing: string[] = [];
  for (const { destination, type = "bind", options = [] } of wanted) {
    const path = destination.replace(/(.)\/+$/, "$1");
    const live = mounts.at(path);
    if (live === undefined || live.point !== path) {
      missing.push(path);
    } else if (!isType(type, live.type)) {
      found.push(broken("weak", `${path} was to be ${type}, and is ${live.type}`));
    } else if ((options.includes("ro") || options.includes("rro")) && !live.readonly) {
      found.push(broken("open", `${path} was to be read-only, and can be written`));
    }
  }
  if (spec.root?.readonly === true && mounts.at("/")?.readonly !== true) {
    found.push(broken("open", "the root was to be read-only, and can be written"));
  }
  // The tables say more exactly what is gone, and what has come.
  if (tables !== null) return found;
  if (missing.length > 0) {
    found.push(
      finding(
        "note",
        "promise",
        `not mounted where it was asked for: ${few(missing)}: a link of the image may have led elsewhere`,
      ),
    );
  }
  const known = new Set([
    ...wanted.map(({ destination }) => destination),
    ...files,
    "/",
    "/dev/console",
  ]);
  const masks = new Set([...(spec.linux?.maskedPaths ?? []), ...(spec.linux?.readonlyPaths ?? [])]);
  const more = mounts.visible().filter(({ point }) => {
    if (known.has(point) || masks.has(point)) return false;
    return !wanted.some(({ destination }) => point.startsWith(`${destination}/`));
  });
  if (more.length > 0) {
    found.push(
      finding(
        "note",
        "promise",
        `mounted since, by somebody: ${few(more.map(({ point }) => point))}`,
      ),
    );
  }
  return found;
}

function compareCovers(
  { spec }: Promised,
  { mounts }: Seen,
  isThere: (path: string) => boolean,
): Finding[] {
  const bare = (spec.linux?.maskedPaths ?? []).filter((path) => {
    const top = mounts.at(path);
    // What is not there needs no mask; what is below another mask is masked.
    return isThere(path) && (top?.type === "proc" || top?.type === "sysfs");
  });
  const writable = (spec.linux?.readonlyPaths ?? []).filter(
    (path) => isThere(path) && mounts.at(path)?.readonly === false,
  );
  return [
    ...(bare.length === 0 ? [] : [broken("open", `was to be masked, and is not: ${few(bare)}`)]),
    ...(writable.length === 0
      ? []
      : [broken("open", `was to be read-only, and is not: ${few(writable)}`)]),
  ];
}

function compareRights({ spec, isFiltered }: Promised, seen: Seen): Finding[] {
  const found: Finding[] = [];
  const bounding = spec.process?.capabilities?.bounding ?? [];
  const more = seen.capabilities.bounding.filter((name) => !bounding.includes(name));
  if (more.length > 0)
    found.push(broken("open", `has capabilities that it was not to have: ${few(more)}`));
  if (isFiltered && seen.seccomp !== 2)
    found.push(broken("open", "was to have a seccomp filter, and has none"));
  if (spec.process?.noNewPrivileges === true && !seen.noNewPrivs) {
    found.push(broken("open", "was to have no_new_privs, and has not"));
  }
  return found;
}

/**
 * @param isThere whether the kernel of this machine has a path of /proc or /sys
 */
export function checkPromise(
  promised: Promised,
  seen: Seen,
  isThere: (path: string) => boolean,
): Finding[] {
  const tables =
    promised.tables === null || seen.table === null
      ? []
      : compareTables({ ...promised.tables, live: seen.table });
  const found = [
    ...compareNamespaces(promised, seen),
    ...compareMounts(promised, seen),
    ...compareCovers(promised, seen, isThere),
    ...compareRights(promised, seen),
  ];
  return found.some(({ level }) => level !== "note")
    ? [...found, ...tables]
    : [
        ...found,
        ...tables,
        finding(
          "ok",
          "promise",
          "namespaces, mounts, masks, capabilities and filter are as planned",
        ),
      ];
}
