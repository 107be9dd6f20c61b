/**
 * What `cp` makes of its two paths, as docker does.
 *
 * @see https://docs.docker.com/reference/cli/docker/container/cp/
 */

import { posix } from "node:path";
import type { Place } from "./worker.ts";

/** One side of a copy. */
export type Side =
  | { readonly kind: "container"; readonly word: string; readonly path: string }
  | { readonly kind: "local"; readonly path: string }
  /** `-`: an archive on a standard stream. */
  | { readonly kind: "stream" };

/** `CONTAINER:PATH`, a path of this machine, which begins with `/` or `.` if it holds a colon; or `-`. */
export function parseSide(text: string): Side {
  if (text === "-") return { kind: "stream" };
  const colon = text.indexOf(":");
  if (text.startsWith("/") || text.startsWith(".") || colon < 0) {
    return { kind: "local", path: text };
  }
  return { kind: "container", word: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** Whether a path says of itself that it is a directory, by its end. */
export const saysDirectory = (path: string): boolean => /(?:^|\/)\.?$/.test(path);

/**
 * A path of a container, without `..` and double slashes: as docker does, by its letters alone. What
 * its end says is kept: `/` or `/.`.
 */
export function cleanPath(path: string): string {
  const clean = posix.resolve("/", path);
  if (clean === "/") return /(?:^|\/)\.$/.test(path) ? "/." : "/";
  if (/(?:^|\/)\.$/.test(path)) return `${clean}/.`;
  return path.endsWith("/") ? `${clean}/` : clean;
}

/** What is copied is called in an archive; empty: `.`, the content of a directory. */
export function archiveName(path: string): string {
  if (path.endsWith("/.")) return "";
  return posix.basename(path);
}

/** How the names of what is copied change. */
export type Naming =
  | { readonly kind: "same" }
  /** The first part of each is another: what is copied gets this name. */
  | { readonly kind: "renamed"; readonly to: string }
  | { readonly kind: "refused"; readonly why: string };

/**
 * The table of docker's documentation.
 *
 * | the source is | the destination is | what happens |
 * |---|---|---|
 * | a file | missing | a file of that name is made |
 * | a file | missing, with a slash at its end | an error: the directory must be there |
 * | a file | a file | it is replaced |
 * | a file | a directory | it is made there, by its own name |
 * | a directory | missing | a directory of that name is made with its content |
 * | a directory | a file | an error |
 * | a directory | a directory | it is made there; with `/.` at the source's end only its content |
 *
 * @param path the destination as it was given
 */
export function nameCopies(isDirectory: boolean, place: Place, path: string): Naming {
  if (place.kind === "dir") return { kind: "same" };
  if (place.kind === "file" && isDirectory) {
    return { kind: "refused", why: "a directory cannot be copied to a file" };
  }
  if (place.kind === "none" && !isDirectory && saysDirectory(path)) {
    return { kind: "refused", why: "there is no such directory" };
  }
  return { kind: "renamed", to: place.name };
}
