// Whom the files of a mount belong to inside: `U` and `idmap`, as podman has them.

import type { LinuxIDMapping } from "../spec/mod.ts";
import type { IdMappings } from "./facts.ts";

/** What a bind mount or a volume is asked for besides. */
export interface MountOwners {
  /** Change the owner of all that is in it, on the disk, to the container's user. */
  readonly chown?: boolean | undefined;
  /**
   * Show other owners than there are on the disk: those of the container's user namespace, or by maps
   * of ids on the disk (`containerID`) to ids of the host (`hostID`).
   */
  readonly idmap?: "container" | IdMappings | undefined;
}

const triplet = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/;

/** `0-1000-1#1-5000-10`: ids on the disk, ids of the host, how many. */
function readTriplets(text: string): readonly LinuxIDMapping[] | null {
  const maps = text.split("#").map((part) => {
    const [, disk, host, size] = triplet.exec(part) ?? [];
    return { containerID: Number(disk), hostID: Number(host), size: Number(size) };
  });
  const isWrong = ({ containerID, hostID, size }: LinuxIDMapping) =>
    !(size >= 1 && Math.max(containerID, hostID) + size <= 4294967295);
  return maps.some(isWrong) ? null : maps;
}

/** The words `U`, `idmap` and `idmap=uids=…;gids=…`; null: it is another word. */
export function readOwnersWord(word: string): MountOwners | string | null {
  if (word === "U") return { chown: true };
  if (word === "idmap") return { idmap: "container" };
  if (!word.startsWith("idmap=")) return null;
  const what =
    "idmap looks like idmap=uids=0-1000-1;gids=0-1000-1: ids on the disk, ids of the host, how many";
  const parts = new Map<string, readonly LinuxIDMapping[]>();
  for (const part of word.slice("idmap=".length).split(";")) {
    const [name = "", text = ""] = part.split("=");
    const maps = readTriplets(text);
    if (!/^[ug]ids$/.test(name) || maps === null || parts.has(name)) return what;
    parts.set(name, maps);
  }
  const uid = parts.get("uids") ?? parts.get("gids");
  const gid = parts.get("gids") ?? uid;
  return uid === undefined || gid === undefined ? what : { idmap: { uid, gid } };
}

/** What belongs to the system, and to nobody's container; podman's list (pkg/chown). */
const systems = new Set(
  "/ /bin /boot /dev /etc /etc/passwd /etc/pki /etc/shadow /home /lib /lib64 /media /opt /proc /root /run /sbin /srv /sys /tmp /usr /var /var/lib /var/log".split(
    " ",
  ),
);

/** Why the owners of a directory of the host are not changed; null: they may be. */
export const chownProblem = (source: string): string | null =>
  systems.has(source) || systems.has(source.replace(/^\/usr(?=\/)/, ""))
    ? `U would give ${source} of the host away: name a directory of your own in it`
    : null;

/** As `spec.mounts` have it: the word, and the maps where they are not the container's. */
export const idmapOption = ({ idmap }: MountOwners): readonly string[] =>
  idmap === undefined ? [] : ["idmap"];

export const idmapMaps = ({
  idmap,
}: MountOwners): {
  readonly uidMappings?: readonly LinuxIDMapping[];
  readonly gidMappings?: readonly LinuxIDMapping[];
} =>
  idmap === undefined || idmap === "container"
    ? {}
    : { uidMappings: idmap.uid, gidMappings: idmap.gid };
