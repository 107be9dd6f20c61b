/**
 * The users of a container: which ids outside those inside are, by `--userns` and its kin. Loaded
 * only for a container that has a user namespace of its own.
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readSubordinate, userOfName, userOfUid } from "../host/subordinate.ts";
import type { IdMappings } from "../options/facts.ts";
import { hasMaps } from "../options/namespaces.ts";
import type { RunOptions } from "../options/options.ts";
import { formatOptionProblem } from "../options/problem.ts";
import { type AutoUserns, type KeepId, mapsProblem, usualSize } from "../options/userns.ts";
import type { LinuxIDMapping } from "../spec/mod.ts";
import { defaultPool, mapAround, poolOwner, restOf } from "../users/allocate.ts";
import { mapOver, rangesOf, type SubordinateFile } from "../users/subordinate.ts";
import type { Roots } from "./roots.ts";
import { giveBack, takenByMaps, takeRange } from "./user-ranges.ts";
import { WishError } from "./wish-error.ts";

export type Users = {
  /** Null: each id inside is itself outside. */
  readonly maps: IdMappings | null;
  readonly lease: string | null;
  readonly warnings: readonly string[];
  /** Gives back what was taken, of a start that does not come about. */
  readonly release: () => void;
  /** `UID:GID` to be unless somebody else is asked for; null: as the image says. */
  readonly user: string | null;
};

export type UsersWish = {
  readonly options: RunOptions;
  readonly roots: Roots;
  readonly id: string;
  /** What the container was given when it was made: it stays. */
  readonly recorded: IdMappings | null;
  /** The ids of the user namespace that we are root of; null: the machine's own. */
  readonly own: IdMappings | null;
};

export const refuse = (option: string, given: string | null, reason: string): WishError =>
  new WishError([formatOptionProblem({ option, received: given, reason })]);

/** Both options are there, or one of them stands for the other. */
export function explicitMaps({ uidMap, gidMap }: RunOptions) {
  const uid = uidMap ?? gidMap;
  const gid = gidMap ?? uidMap;
  if (uid === undefined || gid === undefined) return null;
  for (const [option, maps] of [["--uidmap", uid] as const, ["--gidmap", gid] as const]) {
    const problem = mapsProblem(maps);
    if (problem !== null) throw refuse(option, null, problem);
  }
  return { uid, gid };
}

function rangesOfOwner(name: string, option: string, file: SubordinateFile, path: string) {
  const owner = /^\d+$/.test(name) ? userOfUid(Number(name)) : userOfName(name);
  const ranges = rangesOf(file, owner);
  if (ranges.length === 0) {
    const { line, reason } = file.bad[0] ?? {};
    const bad = line === undefined ? "" : ` (line ${line} there is not understood: ${reason})`;
    throw refuse(
      option,
      name,
      `${path} has no range for ${name}${bad}: usermod --add-subuids adds one`,
    );
  }
  return ranges;
}

/** What the files give to the names of `--subuidname` and `--subgidname`. */
export function namedRanges({ subuidName, subgidName }: RunOptions) {
  const uid = subuidName ?? subgidName;
  const gid = subgidName ?? subuidName;
  if (uid === undefined || gid === undefined) return null;
  const files = readSubordinate();
  return {
    uid: rangesOfOwner(uid, "--subuidname", files.uid, "/etc/subuid"),
    gid: rangesOfOwner(gid, "--subgidname", files.gid, "/etc/subgid"),
  };
}

function namedMaps(options: RunOptions): IdMappings | null {
  const ranges = namedRanges(options);
  return ranges === null ? null : { uid: mapOver(ranges.uid), gid: mapOver(ranges.gid) };
}

/** Two ways to say the same. */
function checkConflicts(options: RunOptions): void {
  const { userns, uidMap, gidMap, subuidName, subgidName } = options;
  const isNamed = subuidName !== undefined || subgidName !== undefined;
  if (isNamed && (uidMap !== undefined || gidMap !== undefined)) {
    throw refuse("--subuidname", null, "conflicting options: --uidmap and --gidmap say it too");
  }
  if (hasMaps(options) && userns !== undefined && userns !== "private") {
    const which = isNamed ? "--subuidname" : "--uidmap";
    throw refuse(
      "--userns",
      null,
      `conflicting options: ${which} is for a user namespace of its own, --userns private`,
    );
  }
}

/** Once a boot: which ids are used, since nobody has said. */
function tellOfPool({ runRoot }: Roots): readonly string[] {
  const mark = `${runRoot}/userns.told`;
  if (existsSync(mark)) return [];
  mkdirSync(runRoot, { recursive: true, mode: 0o700 });
  writeFileSync(mark, "", { mode: 0o600 });
  const last = defaultPool.start + defaultPool.size - 1;
  return [
    `--userns: no ranges for ${poolOwner} in /etc/subuid and /etc/subgid, so ids from ${defaultPool.start} to ${last} are used`,
  ];
}

async function around(
  { roots, id }: UsersWish,
  size: number,
  given: IdMappings,
): Promise<Omit<Users, "user">> {
  const need = { uid: restOf(size, given.uid), gid: restOf(size, given.gid) };
  const taken = await takeRange(roots, id, need, takenByMaps(given));
  const maps = {
    uid: mapAround(size, given.uid, taken.uid),
    gid: mapAround(size, given.gid, taken.gid),
  };
  const { lease } = taken;
  const release = () => giveBack(lease);
  return { maps, lease, release, warnings: taken.isDefault ? tellOfPool(roots) : [] };
}

const auto = async (wish: UsersWish, { size, uidMappings, gidMappings }: AutoUserns) => ({
  ...(await around(wish, size ?? usualSize, {
    uid: uidMappings ?? [],
    gid: gidMappings ?? [],
  })),
  user: null,
});

/** podman keeps ids for ordinary users alone; of root's there is one, and the same is done with it. */
async function keepId(wish: UsersWish, { uid = 0, gid = 0, size }: KeepId): Promise<Users> {
  if (uid === 0 && gid === 0 && size === undefined) {
    const warning =
      "--userns keep-id: the caller is root, so each id inside is itself outside; --userns auto makes root inside somebody harmless";
    return { ...plain(null), warnings: [warning] };
  }
  const own = (id: number): LinuxIDMapping[] => [{ containerID: id, hostID: 0, size: 1 }];
  const settled = await around(wish, size ?? usualSize, { uid: own(uid), gid: own(gid) });
  const warning = `--userns keep-id: the caller is root, so ${uid}:${gid} inside is root outside`;
  return { ...settled, warnings: [...settled.warnings, warning], user: `${uid}:${gid}` };
}

async function nomap(wish: UsersWish): Promise<Users> {
  const settled = await around(wish, usualSize, { uid: [], gid: [] });
  const warning =
    "--userns nomap: the caller is root, who is nobody inside: the same as --userns auto";
  return { ...settled, warnings: [...settled.warnings, warning], user: null };
}

export const plain = (maps: IdMappings | null): Users => ({
  maps,
  lease: null,
  warnings: [],
  release: () => {},
  user: null,
});

/** Each id outside is the machine's, whether that is said or not. */
const ofMachine = ({ containerID, hostID, size }: LinuxIDMapping): LinuxIDMapping => ({
  containerID,
  hostID,
  size,
});

/**
 * Settles the ids of a container's own user namespace.
 *
 * @throws WishError
 */
export async function settleUsers(wish: UsersWish): Promise<Users> {
  const { options, recorded, own } = wish;
  const { userns } = options;
  checkConflicts(options);
  const within = own === null ? null : await import("./users-within.ts");
  if (recorded !== null) {
    const keep = typeof userns === "object" && "keepId" in userns ? userns.keepId : null;
    const { uid, gid } = (keep && within?.keptIds(keep)) ?? { uid: 0, gid: 0, ...keep };
    return { ...plain(recorded), user: uid === 0 && gid === 0 ? null : `${uid}:${gid}` };
  }
  if (within !== null && own !== null) return within.settleWithin(wish, own);
  const given = explicitMaps(options) ?? namedMaps(options);
  if (given !== null)
    return plain({ uid: given.uid.map(ofMachine), gid: given.gid.map(ofMachine) });
  if (userns === "nomap") return nomap(wish);
  if (typeof userns === "object" && "auto" in userns) return auto(wish, userns.auto);
  if (typeof userns === "object" && "keepId" in userns) return keepId(wish, userns.keepId);
  return plain(null);
}
