/**
 * The users of a container of somebody who is no more than root of a user namespace: an ordinary user,
 * or root of a container. What podman gives such users: ids outside are those of that namespace, in
 * which 0 is the caller, and all others are the caller's subordinate ones.
 */

import { rootlessUser } from "../host/rootless.ts";
import type { IdMappings } from "../options/facts.ts";
import { type AutoUserns, type IdMap, type KeepId, mapsProblem } from "../options/userns.ts";
import type { LinuxIDMapping } from "../spec/mod.ts";
import { mapAround, type Pool, restOf } from "../users/allocate.ts";
import { type IdRange, mapOver, sizeOf } from "../users/subordinate.ts";
import {
  keptMap,
  missingIn,
  type OwnIds,
  sameIds,
  subordinates,
  withinOwn,
} from "../users/within.ts";
import { giveBack, takenByMaps, takeRange } from "./user-ranges.ts";
import { explicitMaps, namedRanges, plain, refuse, type Users, type UsersWish } from "./users.ts";
import { WishError } from "./wish-error.ts";

/** Ids of a container of `auto`, as podman has it at least: many containers share one user's ids. */
const usualSize = 1024;

/** An id that images use, far from all others: of `auto` it gets one too. */
const nobody = 65534;

const kinds = ["uid", "gid"] as const;

type Kind = (typeof kinds)[number];

/** Of both, by what is done for each. */
const both = <T>(make: (kind: Kind) => T): Record<Kind, T> => ({
  uid: make("uid"),
  gid: make("gid"),
});

const notYours =
  "these ids of the host are not all yours: see `pivot unshare cat /proc/self/uid_map /proc/self/gid_map`; --uidmap and --gidmap stand for each other where one is missing";

/** `@` says that an id is the host's: ours where we have it. */
function ownMaps(maps: readonly IdMap[], own: OwnIds, option: string): LinuxIDMapping[] {
  return maps.flatMap(({ containerID, hostID, size, ofHost }) => {
    const found =
      ofHost === true ? withinOwn(own, { start: hostID, size }) : [{ start: hostID, size }];
    const text = `${containerID}:${ofHost === true ? "@" : ""}${hostID}:${size}`;
    if (found === null) throw refuse(option, text, notYours);
    const lines = mapOver(found, containerID, size);
    const missing = lines.map((line) => missingIn(own, line)).find((each) => each !== null);
    if (missing === undefined) return lines;
    throw refuse(
      option,
      text,
      `${missing.start} is no id outside: there ${idsThere(own)}, and usermod --add-subuids and --add-subgids add more`,
    );
  });
}

function idsThere(own: OwnIds): string {
  const last = Math.max(...own.map(({ containerID, size }) => containerID + size - 1));
  return last === 0 ? "is 0 alone, which is you" : `are 0, which is you, to ${last}`;
}

type AskedMaps = Record<Kind, readonly IdMap[]>;

function checked(maps: AskedMaps, own: IdMappings): IdMappings {
  const made = both((kind) => ownMaps(maps[kind], own[kind], `--${kind}map`));
  for (const kind of kinds) {
    const problem = mapsProblem(made[kind]);
    if (problem !== null) throw refuse(`--${kind}map`, null, problem);
  }
  return made;
}

/** The ranges of a name in /etc/subuid and /etc/subgid, which have to be the caller's. */
function namedMaps(wish: UsersWish, own: IdMappings): IdMappings | null {
  const ranges = namedRanges(wish.options);
  if (ranges === null) return null;
  const { subuidName, subgidName } = wish.options;
  return both((kind) => {
    const found = ranges[kind].map((range) => withinOwn(own[kind], range));
    const all = found.flatMap((each) => each ?? []);
    if (!found.includes(null)) return mapOver(all);
    const given = (kind === "uid" ? subuidName : subgidName) ?? subuidName ?? subgidName ?? null;
    throw refuse(
      `--sub${kind}name`,
      given,
      "its ids are somebody else's: an ordinary user has the ranges of their own name",
    );
  });
}

/** One line about what needs more ids than there are. */
function needOthers(mode: string, own: IdMappings): Record<Kind, readonly IdRange[]> {
  const others = both((kind) => subordinates(own[kind]));
  if (sizeOf(others.uid) > 0 && sizeOf(others.gid) > 0) return others;
  const user = rootlessUser(process.env);
  const cure =
    user === null
      ? "give this container more ids"
      : "have your administrator add some (sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)";
  throw new WishError([
    `--userns ${mode}: it takes subordinate ids, of which there are none here: ${cure}, or use --userns host or keep-id`,
  ]);
}

const poolOf = (ranges: readonly IdRange[]): Pool => ({
  ranges,
  isDefault: false,
  isCallers: true,
});

const hasInside = (maps: readonly LinuxIDMapping[], id: number): boolean =>
  maps.some(({ containerID, size }) => id >= containerID && id < containerID + size);

async function auto(wish: UsersWish, given: AutoUserns, own: IdMappings): Promise<Users> {
  const others = needOthers("auto", own);
  const kept = checked({ uid: given.uidMappings ?? [], gid: given.gidMappings ?? [] }, own);
  const most = Math.min(sizeOf(others.uid), sizeOf(others.gid));
  const size = given.size ?? Math.min(usualSize, most);
  const last = both((kind) =>
    given.size === undefined && size < most && !hasInside(kept[kind], nobody) ? 1 : 0,
  );
  const need = both((kind) => restOf(size, kept[kind]) + last[kind]);
  const pools = both((kind) => poolOf(others[kind]));
  const taken = await takeRange(wish.roots, wish.id, need, takenByMaps(kept), pools);
  const maps = both((kind) => {
    const { start } = taken[kind];
    const hostID = start + need[kind] - 1;
    const more = last[kind] === 1 ? [{ containerID: nobody, hostID, size: 1 }] : [];
    return [...mapAround(size, kept[kind], taken[kind]), ...more];
  });
  const { lease } = taken;
  return { ...plain(maps), lease, release: () => giveBack(lease) };
}

/** Who a container of keep-id is, unless it says otherwise: the caller. */
export function keptIds({ uid, gid }: KeepId): Record<Kind, number> {
  const user = rootlessUser(process.env);
  return { uid: uid ?? user?.uid ?? 0, gid: gid ?? user?.gid ?? 0 };
}

function keepId(keep: KeepId, own: IdMappings): Users {
  const kept = keptIds(keep);
  const maps = both((kind) => keptMap(own[kind], kept[kind], keep.size));
  return { ...plain(maps), user: `${kept.uid}:${kept.gid}` };
}

/** The caller is nobody inside. */
function nomap(own: IdMappings): Users {
  const others = needOthers("nomap", own);
  return plain(both((kind) => mapOver(others[kind])));
}

/**
 * Settles the ids of a container's user namespace below our own.
 *
 * @throws WishError
 */
export async function settleWithin(wish: UsersWish, own: IdMappings): Promise<Users> {
  const { options } = wish;
  const { userns } = options;
  const given = explicitMaps(options);
  if (given !== null) return plain(checked(given, own));
  const named = namedMaps(wish, own);
  if (named !== null) return plain(named);
  if (userns === "nomap") return nomap(own);
  if (userns === "private") return plain(both((kind) => sameIds(own[kind])));
  if (typeof userns !== "object") return plain(null);
  if ("auto" in userns) return auto(wish, userns.auto, own);
  return "keepId" in userns ? keepId(userns.keepId, own) : plain(null);
}
