/** `pivot rmi`. */

import { isUsing, type LayerUse } from "../engine/layers-in-use.ts";
import { writeAll } from "../host/write.ts";
import { ImageError } from "../image/error.ts";
import { familiarName, repoDigests, splitName } from "../image/familiar.ts";
import { type FoundImage, findImageByText, type StoredImage } from "../image/images.ts";
import { parseReference } from "../image/reference.ts";
import { type RemovedImage, removeImage } from "../image/remove-image.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { shortId } from "./human.ts";
import { report } from "./report-error.ts";
import { type StoreContext, storeContext } from "./store.ts";

export const rmiFlags: readonly Flag[] = [
  {
    name: "force",
    short: "f",
    help: "remove all its names, and it from under stopped containers; one that is not there is no failure",
  },
  { name: "no-prune", help: "accepted for docker's sake: images here have no untagged parents" },
];

const usersOf = (image: StoredImage, uses: readonly LayerUse[]): readonly LayerUse[] => {
  const { id } = image;
  return uses.filter((use) => image.entries.some(({ chainIds }) => isUsing(use, { id, chainIds })));
};

const isTag = (name: string): boolean => splitName(name).digest === undefined;

/** Which names are to go: the one that was typed, all of a repository's for a digest, all for an ID. */
function chooseNames({ image, reference }: FoundImage, force: boolean): readonly string[] {
  if (reference === undefined) {
    if (image.references.filter(isTag).length > 1 && !force) {
      throw new ImageError(
        "busy",
        `unable to delete ${shortId(image.id)}: it has more than one name (${image.references.map(familiarName).join(", ")}): remove these, or give -f to remove them all`,
      );
    }
    return image.references;
  }
  const typed = parseReference(reference);
  if (typed.transport !== "registry" || typed.digest === undefined) return [reference];
  const { repository } = splitName(reference);
  return image.references.filter(
    (name) => splitName(name).repository === repository && image.digests.get(name) === typed.digest,
  );
}

/** Refuses to take an image away that containers need. */
function checkUsers(
  found: FoundImage,
  users: readonly LayerUse[],
  force: boolean,
): { readonly keepsRecord: boolean } {
  const running = users.find(({ isRunning }) => isRunning);
  const user = running ?? users[0];
  if (user === undefined) return { keepsRecord: false };
  const id = shortId(found.image.id);
  const who = user.name ?? shortId(user.id);
  if (found.reference === undefined && running !== undefined) {
    throw new ImageError(
      "busy",
      `unable to delete ${id}, not even with -f: the running container ${who} uses it: stop it first`,
    );
  }
  if (!force) {
    throw new ImageError(
      "busy",
      `unable to remove ${found.reference === undefined ? id : familiarName(found.reference)}: container ${who} uses its image ${id}: remove the container, or give -f`,
    );
  }
  return { keepsRecord: running !== undefined };
}

async function removeOne(
  text: string,
  { store, uses, removing }: StoreContext,
  force: boolean,
): Promise<void> {
  const found = await findImageByText(store, text);
  const { image } = found;
  const names = chooseNames(found, force);
  const isLast = image.references.every((name) => names.includes(name));
  const { keepsRecord } = isLast
    ? checkUsers(found, usersOf(image, await uses()), force)
    : { keepsRecord: false };
  const removed = await removeImage(store, image, names, { ...removing(), keepsRecord });
  tell(image, removed, isLast);
}

function tell(image: StoredImage, removed: RemovedImage, isLast: boolean): void {
  const lines = removed.untagged.map((name) => `Untagged: ${familiarName(name)}`);
  if (isLast) {
    const digests = repoDigests(image.digests).map((name) => `Untagged: ${name}`);
    lines.push(...digests.filter((line) => !lines.includes(line)));
  }
  if (removed.isDeleted) {
    lines.push(
      `Deleted: ${image.id}`,
      ...removed.layers.map((chainId) => `Deleted: sha256:${chainId}`),
    );
  }
  writeAll(1, lines.map((line) => `${line}\n`).join(""));
}

export async function rmiCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length === 0) throw new UsageError("rmi needs at least one IMAGE");
  const context = storeContext(globals);
  const force = isOn(given, "force");
  let code = 0;
  for (const word of given.words) {
    try {
      await removeOne(word, context, force);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      report("error", error.message, globals.logFormat);
      if (!(force && error.code === "not-found")) code = 1;
    }
  }
  return code;
}
