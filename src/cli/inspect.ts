/** `pivot inspect`: containers, images, networks and volumes by whatever they are called, in docker's shape. */

import type { Roots } from "../container/roots.ts";
import { findContainer, NoSuchContainerError } from "../engine/find.ts";
import { inspectContainer } from "../engine/inspect.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { inspectFormatFlag } from "./listing-flags.ts";
import { printDocuments } from "./output.ts";
import { report } from "./report-error.ts";
import { treeSize } from "./tree-size.ts";

const sizeFlag: Flag = { name: "size", short: "s", help: "also how much a container has written" };

export const containerInspectFlags: readonly Flag[] = [inspectFormatFlag, sizeFlag];

const kinds = ["container", "image", "network", "volume"] as const;
type Kind = (typeof kinds)[number];

export const inspectFlags: readonly Flag[] = [
  ...containerInspectFlags,
  { name: "type", value: "TYPE", help: `only things of this kind: ${kinds.join("|")}` },
];

/** What there is of a kind by that name; undefined: nothing. */
type Look = (word: string) => Promise<object | undefined>;

function lookAtContainers(roots: Roots, withSize: boolean): Look {
  return async (word) => {
    try {
      const container = await findContainer(roots, word);
      const { id } = container;
      const size = withSize ? { SizeRw: treeSize(`${roots.dataRoot}/containers/${id}/upper`) } : {};
      return { ...inspectContainer(container, roots), ...size };
    } catch (error) {
      if (error instanceof NoSuchContainerError) return undefined;
      throw error;
    }
  };
}

const lookAtImages =
  ({ dataRoot }: Roots): Look =>
  async (word) => {
    const { ImageError } = await import("../image/error.ts");
    const { findImageByText } = await import("../image/images.ts");
    const { inspectImage } = await import("../image/inspect-image.ts");
    const { openStore } = await import("../image/store.ts");
    const store = openStore(dataRoot);
    try {
      return await inspectImage(store, (await findImageByText(store, word)).image);
    } catch (error) {
      if (error instanceof ImageError && /^(not-found|invalid-reference)$/.test(error.code)) {
        return undefined;
      }
      throw error;
    }
  };

const lookAtNetworks =
  (roots: Roots): Look =>
  async (word) =>
    (await import("./network-show.ts")).lookAtNetwork(roots, word);

const lookAtVolumes =
  (roots: Roots): Look =>
  async (word) => {
    const { readVolume } = await import("../volume/store.ts");
    const { documentOf } = await import("./volume-show.ts");
    const found = readVolume(roots, word);
    return found === null ? undefined : documentOf(found);
  };

async function inspectAll(
  given: ParsedArguments,
  globals: Globals,
  looks: readonly Look[],
  what: string,
): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError(
      `inspect needs the name or id of ${/^[aeiou]/.test(what) ? "an" : "a"} ${what}`,
    );
  }
  const documents: object[] = [];
  const missing: string[] = [];
  for (const word of given.words) {
    let found: object | undefined;
    for (const look of looks) found ??= await look(word);
    if (found === undefined) missing.push(word);
    else documents.push(found);
  }
  printDocuments(documents, lastValue(given, "format"));
  for (const word of missing) report("error", `no such ${what}: ${word}`, globals.logFormat);
  return missing.length > 0 ? 1 : 0;
}

export async function containerInspectCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  const look = lookAtContainers(engineRoots(globals), isOn(given, "size"));
  return inspectAll(given, globals, [look], "container");
}

export async function inspectCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const kind = lastValue(given, "type");
  if (kind !== null && !kinds.some((each) => each === kind)) {
    throw new UsageError(`--type takes ${kinds.join(", ")}, received ${JSON.stringify(kind)}`);
  }
  const roots = engineRoots(globals);
  const looks: Record<Kind, Look> = {
    container: lookAtContainers(roots, isOn(given, "size")),
    image: lookAtImages(roots),
    network: lookAtNetworks(roots),
    volume: lookAtVolumes(roots),
  };
  const chosen = kinds.filter((each) => kind === null || each === kind);
  return inspectAll(
    given,
    globals,
    chosen.map((each) => looks[each]),
    kind ?? "object",
  );
}
