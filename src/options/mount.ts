// The long way to write a mount: --mount type=bind,source=/a,target=/b.

import { parseBytes } from "./bytes.ts";
import { readFields } from "./csv.ts";
import {
  BIND_RECURSIONS,
  type BindRecursion,
  isBindRecursion,
  isPropagation,
  type MountOption,
  PROPAGATIONS,
  type Propagation,
  volumeNameProblem,
} from "./mount-option.ts";
import { chownProblem, type MountOwners, readOwnersWord } from "./mount-owners.ts";
import { absoluteFrom, cleanPath, isAbsolute, targetProblem } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "--mount";

/** The fields as they come in, before it is known which kind of mount they belong to. */
interface Draft {
  type: string;
  source?: string;
  target: string;
  readonly?: boolean;
  owners: MountOwners;
  recursive?: BindRecursion;
  propagation?: Propagation;
  size?: bigint;
  mode?: number;
  noCopy?: boolean;
  subpath?: string;
  driver?: string;
  labels: Record<string, string>;
  driverOptions: Record<string, string>;
  /** The keys that only one type knows, each as it was given. */
  readonly particular: string[];
}

/** What a key may be left without: the value that it has then. */
const ALONE: Readonly<Record<string, string>> = {
  u: "true",
  chown: "true",
  idmap: "true",
  readonly: "true",
  ro: "true",
  "volume-nocopy": "true",
  "bind-nonrecursive": "true",
};

const ALIASES: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  u: "chown",
};

/**
 * Parses `--mount`: comma-separated `key=value` fields, in quotes if they have a comma themselves.
 *
 * `type` is `bind`, `tmpfs` or `volume` (the default); then `source` and `target` (or `src`, `dst`),
 * `readonly`, `chown` (or `U`), `idmap`, `bind-propagation`, `bind-recursive`, `tmpfs-size`, `tmpfs-mode`, `volume-nocopy`,
 * `volume-subpath`, `volume-label`, `volume-driver` and `volume-opt`.
 *
 * @param cwd the caller's working directory, from which a source that begins with `.` is taken
 */
export function parseMount(given: string, cwd: string): Result<MountOption> {
  const read = readFields(given);
  if (!read.ok) return refuse(OPTION, given, read.reason);
  const draft: Draft = {
    type: "volume",
    target: "",
    owners: {},
    labels: Object.create(null),
    driverOptions: Object.create(null),
    particular: [],
  };
  for (const field of read.fields) {
    const problem = takeField(draft, field, cwd);
    if (problem !== null) return refuse(OPTION, given, problem);
  }
  const problem = draftProblem(draft);
  return problem === null ? accept(finished(draft)) : refuse(OPTION, given, problem);
}

/** Takes a field up; what is wrong with it, or null. */
function takeField(draft: Draft, field: string, cwd: string): string | null {
  const end = field.indexOf("=");
  const name = (end < 0 ? field : field.slice(0, end)).toLowerCase();
  const value = end < 0 ? ALONE[name] : field.slice(end + 1);
  if (value === undefined) return `invalid field '${field}' must be a key=value pair`;
  const key = ALIASES[name] ?? name;
  if (/^(?:bind|tmpfs|volume)-/.test(key)) draft.particular.push(key);
  switch (key) {
    case "type":
      draft.type = value.toLowerCase();
      return null;
    case "source":
      draft.source = /^\.(?:\.?\/|\.?$)/.test(value) ? absoluteFrom(value, cwd) : value;
      return null;
    case "target":
      draft.target = isAbsolute(value) ? cleanPath(value) : value;
      return null;
    case "readonly":
      return takeSwitch(name, value, (on) => {
        draft.readonly = on;
      });
    case "consistency":
      return null;
    case "chown":
      return takeSwitch(name, value, (on) => {
        draft.owners = { ...draft.owners, chown: on };
      });
    case "idmap": {
      const owners = readOwnersWord(value === "true" ? "idmap" : `idmap=${value}`);
      if (typeof owners === "string") return owners;
      draft.owners = { ...draft.owners, ...owners };
      return null;
    }
    default:
      return takeParticular(draft, key, value);
  }
}

/** As takeField, for the keys that only one type of mount knows. */
function takeParticular(draft: Draft, key: string, value: string): string | null {
  switch (key) {
    case "bind-propagation": {
      const word = value.toLowerCase();
      if (!isPropagation(word))
        return `invalid value for ${key}: ${value} (must be ${oneOf(PROPAGATIONS)})`;
      draft.propagation = word;
      return null;
    }
    case "bind-recursive":
      if (!isBindRecursion(value)) {
        return `invalid value for ${key}: ${value} (must be ${oneOf(BIND_RECURSIONS)})`;
      }
      draft.recursive = value;
      return null;
    case "bind-nonrecursive":
      return takeSwitch(key, value, (on) => {
        if (on) draft.recursive = "disabled";
      });
    case "tmpfs-size": {
      const size = parseBytes(value, OPTION);
      if (!size.ok) return `invalid value for ${key}: ${value} (a size looks like 64m)`;
      draft.size = size.value;
      return null;
    }
    case "tmpfs-mode":
      if (!/^0*[0-7]{1,4}$/.test(value))
        return `invalid value for ${key}: ${value} (a mode looks like 1777)`;
      draft.mode = Number.parseInt(value, 8);
      return null;
    default:
      return takeVolumeField(draft, key, value);
  }
}

function takeVolumeField(draft: Draft, key: string, value: string): string | null {
  switch (key) {
    case "volume-nocopy":
      return takeSwitch(key, value, (on) => {
        draft.noCopy = on;
      });
    case "volume-subpath":
      draft.subpath = value;
      return null;
    case "volume-driver":
      draft.driver = value;
      return null;
    case "volume-label":
    case "volume-opt": {
      const end = value.indexOf("=");
      const name = end < 0 ? value : value.slice(0, end);
      if (name === "") return `invalid value for ${key}: it looks like NAME=value`;
      const map = key === "volume-label" ? draft.labels : draft.driverOptions;
      map[name] = end < 0 ? "" : value.slice(end + 1);
      return null;
    }
    default:
      return `unexpected key '${key}'`;
  }
}

function takeSwitch(key: string, value: string, take: (on: boolean) => void): string | null {
  if (!/^(?:true|false|1|0)$/.test(value)) {
    return `invalid value for ${key}: ${value} (must be true, 1, false or 0)`;
  }
  take(value === "true" || value === "1");
  return null;
}

/** What is wrong with the fields together; null if nothing. */
function draftProblem(draft: Draft): string | null {
  const { type, source = "", particular, recursive, propagation } = draft;
  if (type === "") return "type is required";
  if (type === "image") return "images are not mounted yet: type is bind, tmpfs or volume";
  if (!/^(?:bind|tmpfs|volume)$/.test(type))
    return `mount type '${type}' unknown: it is bind, tmpfs or volume`;
  const foreign = particular.find((key) => !key.startsWith(`${type}-`));
  if (foreign !== undefined) return `cannot mix '${foreign}' with mount type '${type}'`;
  const wrongTarget = targetProblem(draft.target);
  if (wrongTarget !== null) return wrongTarget;
  if (type === "tmpfs" && Object.keys(draft.owners).length > 0) {
    return "chown and idmap are for binds and volumes: a tmpfs takes uid= and gid=";
  }
  if (type === "tmpfs") return source === "" ? null : "a tmpfs has no source";
  if (type === "volume") return volumeProblem(draft);
  if (!isAbsolute(source)) {
    return source === ""
      ? "source is required"
      : `the source ${source} is not a path such as /data or ./data`;
  }
  const dangerous = draft.owners.chown === true ? chownProblem(cleanPath(source)) : null;
  if (dangerous !== null) return dangerous;
  if (recursive !== "writable" && recursive !== "readonly") return null;
  if (draft.readonly !== true) return `bind-recursive=${recursive} goes with readonly only`;
  if (recursive === "readonly" && propagation !== undefined && propagation !== "rprivate") {
    return "bind-recursive=readonly goes with bind-propagation=rprivate only: what arrives later would be writable";
  }
  return null;
}

function volumeProblem({ source = "", subpath }: Draft): string | null {
  if (subpath !== undefined) {
    if (source === "") return "volume-subpath needs a volume with a name";
    const inside = subpath !== "" && !isAbsolute(subpath) && !subpath.split("/").includes("..");
    if (!inside) return "volume-subpath is a relative path without '..'";
  }
  return source === "" ? null : volumeNameProblem(source);
}

function finished(draft: Draft): MountOption {
  const { type, source = "", target } = draft;
  const readonly = draft.readonly === true ? { readonly: true } : {};
  if (type === "bind") {
    const { recursive, propagation } = draft;
    return {
      type,
      source: cleanPath(source),
      target,
      ...draft.owners,
      ...readonly,
      ...(recursive === undefined ? {} : { recursive }),
      ...(propagation === undefined ? {} : { propagation }),
    };
  }
  if (type === "tmpfs") {
    const { size, mode } = draft;
    return {
      type,
      target,
      ...readonly,
      ...(size === undefined ? {} : { size }),
      ...(mode === undefined ? {} : { mode }),
    };
  }
  const { noCopy, subpath, driver, labels, driverOptions } = draft;
  return {
    type: "volume",
    target,
    ...draft.owners,
    ...readonly,
    ...(source === "" ? {} : { source }),
    ...(noCopy === undefined ? {} : { noCopy }),
    ...(subpath === undefined ? {} : { subpath }),
    ...(driver === undefined ? {} : { driver }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(driverOptions).length === 0 ? {} : { driverOptions }),
  };
}

function oneOf(words: readonly string[]): string {
  return `one of ${words.join(", ")}`;
}
