/** Looking up paths as fs/namei.c does: mounts are crossed, `..` stops at the root. */

import type { Draft } from "./draft.ts";
import type { Where } from "./operation.ts";
import { refuse } from "./outcome.ts";
import type { DentryId, Path, Process } from "./state.ts";
import { climb, dentryPath, isDirectory, samePath } from "./tree.ts";

export type LookupOptions = {
  /** The last name must be a directory. */
  readonly directory?: boolean;
  /** A symbolic link at the end is followed; so unless told. */
  readonly follow?: boolean;
  /** What is mounted on the end is gone up to, also behind `.` and `/` (LOOKUP_MOUNTPOINT). */
  readonly mountpoint?: boolean;
};

/** Where a look-up stops before its last name: for calls that make or remove one. */
export type Parent = { readonly at: Path; readonly name: string; readonly slash: boolean };

/** maxSymlinks of fs/namei.c. */
const mostLinks = 40;

type Walk = { readonly draft: Draft; readonly root: Path; links: number };

export const showWhere = (where: Where): string =>
  typeof where === "string" ? where : `${where.path === "" ? "" : `${where.path} in `}${where.at}`;

function startOf(
  draft: Draft,
  process: Process,
  where: Where,
): { readonly walk: Walk; readonly at: Path; readonly path: string } {
  if (typeof where === "string") {
    if (where === "") {
      refuse("ENOENT", "An empty path leads nowhere.", "Name a file or a directory.");
    }
    const walk = { draft, root: process.root, links: 0 };
    return { walk, at: where.startsWith("/") ? process.root : process.cwd, path: where };
  }
  const descriptor = process.descriptors[where.at];
  if (descriptor === undefined) {
    refuse("EBADF", `There is no open file ${where.at}.`, "Open it first.");
  }
  const at = { mount: descriptor.mount, dentry: descriptor.dentry };
  return { walk: { draft, root: at, links: 0 }, at, path: where.path };
}

/** The dentry of a name that is known of, or undefined. */
export function knownChild(draft: Draft, parent: DentryId, name: string): DentryId | undefined {
  const superblock = draft.superblockOf(parent);
  for (const [id, dentry] of Object.entries(superblock.dentries)) {
    if (dentry.parent === parent && dentry.name === name && dentry.removed === undefined) {
      return Number(id);
    }
  }
  return undefined;
}

/** The same; in a file system that is known in part, what nobody told of is a directory. */
export function childOf(draft: Draft, parent: DentryId, name: string): DentryId | undefined {
  const known = knownChild(draft, parent, name);
  const superblock = draft.superblockOf(parent);
  if (known !== undefined || superblock.open === undefined) return known;
  return draft.addDentry(superblock.id, { parent, name, kind: "directory" });
}

/** `..`: follow_dotdot and choose_mountpoint. */
function up(walk: Walk, from: Path): Path {
  const { draft, root } = walk;
  let at = from;
  while (!samePath(at, root)) {
    const mount = draft.mount(at.mount);
    if (at.dentry !== mount.root) {
      const { parent } = draft.dentry(at.dentry);
      return climb(draft, { mount: at.mount, dentry: parent ?? at.dentry });
    }
    // At the root of all mounts there is nothing above.
    if (mount.parent === null || mount.mountpoint === null) break;
    at = { mount: mount.parent, dentry: mount.mountpoint };
  }
  // Nothing above: it stays where it came from, but goes up what is mounted there.
  return climb(draft, from);
}

function step(walk: Walk, from: Path, name: string, last: boolean, options: LookupOptions): Path {
  const { draft } = walk;
  if (!isDirectory(draft, from.dentry)) {
    const path = dentryPath(draft, from.dentry);
    refuse("ENOTDIR", `${path} is a file, and nothing lies below a file.`, "Name a directory.");
  }
  if (name === ".") return from;
  if (name === "..") return up(walk, from);
  const child = childOf(draft, from.dentry, name);
  if (child === undefined) {
    refuse(
      "ENOENT",
      `There is no ${name} here.`,
      `Make it first: mkdir ${name}, or touch ${name}.`,
    );
  }
  const at = climb(draft, { mount: from.mount, dentry: child });
  const dentry = draft.dentry(at.dentry);
  if (dentry.kind !== "link" || (last && options.follow === false)) return at;
  if (draft.mount(at.mount).flags.nosymfollow) {
    refuse(
      "ELOOP",
      "The link lies on a mount with nosymfollow: no link there is followed.",
      "Name what the link says, or take nosymfollow away.",
    );
  }
  if (++walk.links > mostLinks) {
    refuse("ELOOP", "The symbolic links go in a circle.", "Mend the links.");
  }
  const target = dentry.target ?? "";
  return follow(walk, target.startsWith("/") ? walk.root : from, target, {
    ...options,
    follow: true,
  });
}

function follow(walk: Walk, from: Path, path: string, options: LookupOptions): Path {
  const names = path.split("/").filter((name) => name !== "");
  return names.reduce((at, name, i) => step(walk, at, name, i === names.length - 1, options), from);
}

/**
 * @throws Refused with ENOENT, ENOTDIR, ELOOP or EBADF.
 */
export function lookup(
  draft: Draft,
  process: Process,
  where: Where,
  options: LookupOptions = {},
): Path {
  const { walk, at, path } = startOf(draft, process, where);
  const slash = path.endsWith("/");
  let end = follow(walk, at, path, slash ? { ...options, follow: true } : options);
  if (options.mountpoint === true) end = climb(draft, end);
  if ((options.directory === true || slash) && !isDirectory(draft, end.dentry)) {
    refuse(
      "ENOTDIR",
      `${showWhere(where)} is no directory.`,
      "Name a directory, since the call asks for one.",
    );
  }
  return end;
}

/** All but the last name; null when the last name is `.`, `..` or `/`. filename_parentat. */
export function lookupParent(
  draft: Draft,
  process: Process,
  where: Where,
): { readonly parent: Parent } | { readonly special: "." | ".." | "/" } {
  const { walk, at, path } = startOf(draft, process, where);
  const names = path.split("/").filter((name) => name !== "");
  const name = names.at(-1);
  if (path === "") refuse("ENOENT", "An empty path has no last name.", "Name what is meant.");
  if (name === undefined) return { special: "/" };
  const before = names.slice(0, -1).reduce((from, part) => step(walk, from, part, false, {}), at);
  if (!isDirectory(draft, before.dentry)) {
    refuse("ENOTDIR", "What comes before the last name is a file.", "Name a directory.");
  }
  if (name === "." || name === "..") return { special: name };
  return { parent: { at: before, name, slash: path.endsWith("/") } };
}

/** Places below descriptors are opened before the call that works on them is made: openat2(2). */
export function openPlaces(draft: Draft, process: Process, ...places: readonly Where[]): void {
  for (const place of places) if (typeof place !== "string") lookup(draft, process, place);
}
