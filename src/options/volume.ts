// The short way to write a mount: -v SOURCE:TARGET:MODE.

import {
  type BindMount,
  isPropagation,
  type Propagation,
  type VolumeMount,
  volumeNameProblem,
} from "./mount-option.ts";
import { chownProblem, type MountOwners, readOwnersWord } from "./mount-owners.ts";
import { absoluteFrom, cleanPath, isAbsolute, targetProblem } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "-v, --volume";

/** The words of a mode by what they say: of each kind there may be one. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  "ro, rro and rw": ["ro", "rro", "rw"],
  "z and Z": ["z", "Z"],
  "copy and nocopy": ["copy", "nocopy"],
  // What docker's virtual machine on other systems made of it means nothing on Linux.
  "consistent, cached and delegated": ["consistent", "cached", "delegated"],
};

interface Mode {
  readonly owners: MountOwners;
  readonly readonly: boolean;
  readonly forced: boolean;
  readonly relabel: "shared" | "private" | undefined;
  readonly noCopy: boolean;
  readonly propagation: Propagation | undefined;
}

/**
 * Parses `-v, --volume`: `SOURCE:TARGET[:MODE]`, or `TARGET` alone for an anonymous volume.
 *
 * A source that begins with `/` or `.` is a path of the host, any other the name of a volume. MODE is
 * a list of `ro`, `rro` (read-only with all mounts below, or no container) or `rw`; `z` or `Z`; `nocopy`;
 * a propagation such as `rslave`; `U` for the container's user to own all that is there; and `idmap` or
 * `idmap=uids=…;gids=…` to show other owners.
 *
 * @param cwd the caller's working directory, from which a relative source is taken
 */
export function parseVolume(given: string, cwd: string): Result<BindMount | VolumeMount> {
  const parts = given.split(":");
  if (given === "" || parts.length > 3)
    return refuse(OPTION, given, "it looks like SOURCE:TARGET:MODE");
  if (parts.includes("")) return refuse(OPTION, given, "empty section between colons");
  const [first = "", second, words = ""] = parts;
  if (second === undefined) {
    return checked(given, { type: "volume", target: cleanTarget(first) });
  }
  if (parts.length === 2 && typeof readMode(second) !== "string") {
    return refuse(OPTION, given, `a mode needs a source and a target: SOURCE:TARGET:${second}`);
  }
  const mode = readMode(words);
  if (typeof mode === "string") return refuse(OPTION, given, mode);
  return /^[./]/.test(first)
    ? bindMount(given, absoluteFrom(first, cwd), second, mode)
    : volumeMount(given, first, second, mode);
}

function bindMount(given: string, source: string, target: string, mode: Mode): Result<BindMount> {
  const { propagation, relabel } = mode;
  if (mode.noCopy)
    return refuse(OPTION, given, "nocopy is for named volumes: a path is never copied to");
  if (mode.forced && propagation !== undefined && propagation !== "rprivate") {
    return refuse(
      OPTION,
      given,
      "rro goes with rprivate only: what arrives later would be writable",
    );
  }
  const problem = mode.owners.chown === true ? chownProblem(cleanPath(source)) : null;
  if (problem !== null) return refuse(OPTION, given, problem);
  return checked(given, {
    ...mode.owners,
    type: "bind",
    source,
    target: cleanTarget(target),
    ...(mode.readonly ? { readonly: true } : {}),
    ...(mode.forced ? { recursive: "readonly" } : {}),
    ...(propagation === undefined ? {} : { propagation }),
    ...(relabel === undefined ? {} : { relabel }),
    createSource: true,
  });
}

function volumeMount(given: string, name: string, target: string, mode: Mode): Result<VolumeMount> {
  if (name.startsWith("~")) {
    return refuse(
      OPTION,
      given,
      "~ is for the shell to replace: write it without quotes, or $HOME",
    );
  }
  const problem = volumeNameProblem(name);
  if (problem !== null) return refuse(OPTION, given, problem);
  if (mode.propagation !== undefined) {
    return refuse(
      OPTION,
      given,
      `${mode.propagation} is for directories of the host, not for volumes`,
    );
  }
  return checked(given, {
    ...mode.owners,
    type: "volume",
    source: name,
    target: cleanTarget(target),
    ...(mode.readonly ? { readonly: true } : {}),
    ...(mode.noCopy ? { noCopy: true } : {}),
  });
}

/** The mode, or what is wrong with it. */
function readMode(text: string): Mode | string {
  const words = text === "" ? [] : text.split(",");
  let owners: MountOwners = {};
  for (const word of words) {
    const own = readOwnersWord(word);
    if (typeof own === "string") return own;
    if (own !== null) {
      owners = { ...owners, ...own };
      continue;
    }
    const known = isPropagation(word) || Object.values(KINDS).some((kind) => kind.includes(word));
    if (!known) return `invalid mode: ${word}`;
  }
  for (const [names, kind] of Object.entries(KINDS)) {
    if (words.filter((word) => kind.includes(word)).length > 1) return `of ${names} one at most`;
  }
  const propagations = words.filter(isPropagation);
  if (propagations.length > 1)
    return `one propagation at most, and not ${propagations.join(" and ")}`;
  const relabel = words.includes("z") ? "shared" : words.includes("Z") ? "private" : undefined;
  return {
    readonly: words.includes("ro") || words.includes("rro"),
    forced: words.includes("rro"),
    relabel,
    noCopy: words.includes("nocopy"),
    propagation: propagations[0],
    owners,
  };
}

function cleanTarget(target: string): string {
  return isAbsolute(target) ? cleanPath(target) : target;
}

function checked<Kind extends BindMount | VolumeMount>(given: string, mount: Kind): Result<Kind> {
  const problem = targetProblem(mount.target);
  return problem === null ? accept(mount) : refuse(OPTION, given, problem);
}
