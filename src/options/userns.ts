// Whose user namespace a container gets, and how the ids inside are those outside.

import type { LinuxIDMapping } from "../spec/mod.ts";
import { type NamespaceMode, parseNamespaceMode } from "./namespace-mode.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** A line of a map as it is asked for. */
export interface IdMap extends LinuxIDMapping {
  /** The ids outside are the machine's, and not those of the user namespace that the caller is in. */
  readonly ofHost?: true | undefined;
}

/** A range that no other container of the store has; with ids that are mapped otherwise. */
export interface AutoUserns {
  /** How many ids; absent: 65536. */
  readonly size?: number | undefined;
  readonly uidMappings?: readonly IdMap[] | undefined;
  readonly gidMappings?: readonly IdMap[] | undefined;
}

/** The caller's own ids are kept, as `uid` and `gid` inside; absent: as they are outside. */
export interface KeepId {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** How many ids there are inside; absent: 65536, or as many as the caller has. */
  readonly size?: number | undefined;
}

/**
 * `nomap`: one of its own in which the caller is nobody.
 * `private`: one of its own, with the maps of `uidMap` and `gidMap`; without them each id is itself.
 */
export type UsernsMode =
  | NamespaceMode
  | "nomap"
  | { readonly auto: AutoUserns }
  | { readonly keepId: KeepId };

/** How many ids a range has unless told: as many as 16 bits, which is what most images go by. */
export const usualSize = 65536;

/** The first id that is none: 2^32 - 1 stands for "as it is" in the kernel's calls. */
const idLimit = 4294967295;

const option = "--userns";

const idOf = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < idLimit ? Number(text) : null;

/** Which of the namespaces is meant, without how its ids are mapped. */
export const plainMode = (mode: UsernsMode): NamespaceMode =>
  mode === "nomap" || (typeof mode === "object" && ("auto" in mode || "keepId" in mode))
    ? "private"
    : mode;

/** As `--userns` takes it, for people. */
export function usernsText(mode: UsernsMode): string {
  if (typeof mode === "string") return mode;
  if ("auto" in mode) return "auto";
  if ("keepId" in mode) return "keep-id";
  return "container" in mode ? `container:${mode.container}` : mode.path;
}

/**
 * Parses `--uidmap` and `--gidmap`: `INSIDE:OUTSIDE[:SIZE]`; an `@` before OUTSIDE says that it is an
 * id of the host, which for root it always is, and not one of an ordinary user's namespace.
 */
export function parseIdMap(given: string, name: string): Result<IdMap> {
  const problem = "it looks like INSIDE:OUTSIDE:SIZE, such as 0:100000:65536";
  const [inside, outside, amount = "1", ...rest] = given.split(":");
  const containerID = idOf(inside);
  const hostID = idOf(outside?.replace(/^@/, ""));
  if (containerID === null || hostID === null || rest.length > 0) {
    return refuse(name, given, problem);
  }
  const size = /^\d{1,10}$/.test(amount) ? Number(amount) : 0;
  if (size === 0) return refuse(name, given, `${problem}: SIZE is at least 1`);
  if (Math.max(containerID, hostID) + size > idLimit) {
    return refuse(name, given, `ids end at ${idLimit - 1}`);
  }
  const ofHost = outside?.startsWith("@") === true;
  return accept({ containerID, hostID, size, ...(ofHost ? { ofHost } : {}) });
}

/** What makes maps impossible as a whole; null if nothing: the kernel's rules, user_namespaces(7). */
export function mapsProblem(maps: readonly LinuxIDMapping[]): string | null {
  if (maps.length > 340)
    return `the kernel takes 340 lines of a map at most, these are ${maps.length}`;
  for (const [i, one] of maps.entries()) {
    for (const other of maps.slice(0, i)) {
      const meet = (a: number, b: number) => a < b + other.size && b < a + one.size;
      const line = `${one.containerID}:${one.hostID}:${one.size}`;
      const before = `${other.containerID}:${other.hostID}:${other.size}`;
      if (meet(one.containerID, other.containerID)) {
        return `${line} and ${before} map an id inside twice`;
      }
      if (meet(one.hostID, other.hostID)) return `${line} and ${before} map an id outside twice`;
    }
  }
  return null;
}

type Fields = ReadonlyMap<string, readonly string[]>;

/** `name=value` by commas; null when one of them is not like that, or not known. */
function fieldsOf(text: string, known: readonly string[]): Fields | null {
  const fields = new Map<string, string[]>();
  for (const word of text.split(",")) {
    const [name = "", value] = word.split(/=(.*)/s);
    if (!known.includes(name) || value === undefined || value === "") return null;
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}

/** `size=1024,uidmapping=0:1000:1`, as podman takes them. */
function parseAuto(given: string, text: string): Result<UsernsMode> {
  if (text === "") return accept({ auto: {} });
  const fields = fieldsOf(text, ["size", "uidmapping", "gidmapping"]);
  if (fields === null) {
    return refuse(
      option,
      given,
      "auto takes size=N, uidmapping=… and gidmapping=INSIDE:OUTSIDE:SIZE",
    );
  }
  const size = sizeOf(fields);
  if (size === null) return refuse(option, given, `a size is a number from 1 to ${idLimit - 1}`);
  const maps: Record<string, IdMap[]> = {};
  for (const name of ["uidmapping", "gidmapping"]) {
    for (const value of fields.get(name) ?? []) {
      const parsed = parseIdMap(value, option);
      if (!parsed.ok) return refuse(option, given, `${name}: ${parsed.problem.reason}`);
      maps[name] = [...(maps[name] ?? []), parsed.value];
    }
    const problem = mapsProblem(maps[name] ?? []);
    if (problem !== null) return refuse(option, given, problem);
  }
  const { uidmapping, gidmapping } = maps;
  return accept({
    auto: {
      ...(size === undefined ? {} : { size }),
      ...(uidmapping === undefined ? {} : { uidMappings: uidmapping }),
      ...(gidmapping === undefined ? {} : { gidMappings: gidmapping }),
    },
  });
}

/** The last one counts; null: it is no number. */
function sizeOf(fields: Fields): number | undefined | null {
  const value = fields.get("size")?.at(-1);
  if (value === undefined) return undefined;
  const size = idOf(value);
  return size === 0 ? null : size;
}

/** `uid=1000,gid=1000`, as podman takes them. */
function parseKeepId(given: string, text: string): Result<UsernsMode> {
  if (text === "") return accept({ keepId: {} });
  const fields = fieldsOf(text, ["uid", "gid", "size"]);
  if (fields === null) return refuse(option, given, "keep-id takes uid=N, gid=N and size=N");
  const size = sizeOf(fields);
  if (size === null) return refuse(option, given, `a size is a number from 1 to ${idLimit - 1}`);
  const kept: Record<string, number> = {};
  for (const name of ["uid", "gid"]) {
    const value = fields.get(name)?.at(-1);
    if (value === undefined) continue;
    const id = idOf(value);
    if (id === null) return refuse(option, given, `${name}: ids go from 0 to ${idLimit - 1}`);
    kept[name] = id;
  }
  return accept({ keepId: { ...kept, ...(size === undefined ? {} : { size }) } });
}

/**
 * Parses `--userns`: `auto[:size=N,uidmapping=…,gidmapping=…]`, `keep-id[:uid=N,gid=N,size=N]`, `nomap`,
 * `host`, `private`, `container:NAME`, or `ns:` and the path of a namespace.
 */
export function parseUserns(given: string): Result<UsernsMode> {
  const [, word, rest = ""] = /^(auto|keep-id|nomap)(?::(.*))?$/s.exec(given) ?? [];
  if (word === "auto") return parseAuto(given, rest);
  if (word === "keep-id") return parseKeepId(given, rest);
  if (word === "nomap") {
    return rest === "" ? accept("nomap") : refuse(option, given, "nomap takes no options");
  }
  return parseNamespaceMode(given, option);
}
