/**
 * What `RUN --mount=type=bind` shows of the context: docker finds it with the context as its root.
 * buildah before 1.38.1 goes through links as the host has them (CVE-2024-1753, CVE-2024-11218), so a
 * link that leads out of the context is refused before it reads the Dockerfile. Links of an image
 * cannot be seen from here: of those there is a warning.
 */

import { lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { posix } from "node:path";
import { WishError } from "../container/wish-error.ts";
import { instructionsOf, unquote } from "./dockerfile.ts";

type Bind = {
  readonly source: string;
  /** An image, a stage or a context of a name; null: the build's own context. */
  readonly from: string | null;
};

/** The binds of RUN lines. */
function bindsOf(text: string): readonly Bind[] {
  return instructionsOf(text)
    .filter((instruction) => /^(ONBUILD\s+)?RUN\b/i.test(instruction))
    .flatMap((instruction) =>
      [...instruction.matchAll(/(?:^|\s)--mount=(\S+)/g)].map(([, words = ""]) => unquote(words)),
    )
    .map(
      (words) =>
        new Map(
          words
            .split(",")
            .map((word) => /^([^=]*)=?(.*)$/s.exec(word)?.slice(1) as [string, string]),
        ),
    )
    .filter((words) => (words.get("type") ?? "bind") === "bind")
    .map((words) => ({
      source: words.get("source") ?? words.get("src") ?? ".",
      from: words.get("from") ?? null,
    }));
}

/** Sources of binds that are of the context, as they stand there; `.` when nothing is said. */
export const bindSources = (text: string): readonly string[] =>
  bindsOf(text).flatMap(({ source, from }) => (from === null ? [source] : []));

/** Whether something of an image or of a stage is bound. */
export const bindsOfImages = (text: string): boolean =>
  bindsOf(text).some(({ from }) => from !== null);

/** Where the repair went into older lines: minor to patch. */
const repaired = new Map([
  [33, 12],
  [35, 5],
  [37, 6],
  [38, 1],
]);

/** Whether a buildah goes through an image's links as the host has them. @param said by `--version` */
export function followsLinksOut(said: string): boolean {
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(said)?.map(Number) ?? [];
  if (major !== 1 || minor === undefined || patch === undefined) return false;
  return minor <= 38 && patch < (repaired.get(minor) ?? Number.POSITIVE_INFINITY);
}

/** The first link on the way that leads out of a directory; null: there is none. */
function linkOut(directory: string, source: string): string | null {
  const root = realpathSync(directory);
  let at = root;
  for (const part of posix.normalize(`/${source}`).split("/").filter(Boolean)) {
    at = `${at}/${part}`;
    const isLink = lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink();
    if (isLink === undefined) return null;
    if (!isLink) continue;
    try {
      const real = realpathSync(at);
      if (real !== root && !real.startsWith(`${root}/`)) return at.slice(root.length + 1);
      at = real;
    } catch {
      return at.slice(root.length + 1);
    }
  }
  return null;
}

/** All links of a directory, as sources. */
const linksBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(directory.length + 1));

/**
 * @param context a directory
 * @throws WishError for a source that the builder would find outside of it
 */
export function checkBindSources(text: string, context: string): void {
  const sources = bindSources(text);
  // What a variable stands for is the builder's to know: then no link of the context may lead out.
  const isOpen = sources.some((source) => source.includes("$"));
  for (const source of isOpen ? [...sources, ...linksBelow(context)] : sources) {
    const link = linkOut(context, source);
    if (link === null) continue;
    throw new WishError([
      `RUN --mount: ${link} of the context is a link to ${readlinkSync(`${context}/${link}`)}, which leads out of it or nowhere: copy what it leads to into the context`,
    ]);
  }
}
