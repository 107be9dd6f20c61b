/**
 * Which layers containers have: what nobody may take from under them. Asked by whatever
 * removes images; what keeps containers elsewhere than in the run root is to be added here.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { entryOf, type ImageEntry } from "../image/names.ts";
import { findTyped, openStore } from "../image/store.ts";
import { startTimeOf } from "../image/temporary.ts";
import type { Roots } from "./roots.ts";
import { type FoundState, listStates, readState } from "./state.ts";

/** A container and the layers that its root lies on. */
export type LayerUse = {
  readonly id: string;
  readonly name: string | null;
  /** False: it has ended and was kept, or it was not begun. */
  readonly isRunning: boolean;
  /** Chain IDs, lowest first. */
  readonly layers: readonly string[];
  /** The ID of its image; null when its name stands for another by now. */
  readonly image: string | null;
};

/** What a container's image stands for now. */
function entryOfName(name: string, dataRoot: string): ImageEntry | undefined {
  try {
    return entryOf(findTyped(openStore(dataRoot), name).descriptor);
  } catch {
    return undefined; // a directory, or an image that is gone
  }
}

/** `pid` holds the first process and when it began: another may have its number by now. */
function isAlive(directory: string): boolean {
  let words: readonly string[];
  try {
    words = readFileSync(`${directory}/pid`, "utf8").trim().split(/\s+/);
  } catch {
    return false;
  }
  const now = startTimeOf(Number(words[0]));
  return now !== undefined && (words[1] === undefined || words[1] === now);
}

function useOf({ id, directory, state, exitCode }: FoundState): LayerUse[] {
  if (state === null) return [];
  const entry = entryOfName(state.image, state.dataRoot);
  const layers = state.layers ?? entry?.chainIds ?? [];
  const isSame = entry !== undefined && entry.chainIds.join() === layers.join();
  // Without a pid it is being made: its record comes first.
  const isBeingMade = !existsSync(`${directory}/pid`);
  const isRunning = exitCode === null && (isBeingMade || isAlive(directory));
  return [{ id, name: state.name, isRunning, layers, image: isSame ? entry.config : null }];
}

function listIfThere(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or a process that is gone
  }
}

/** The layers of running containers of which only the writable layer is known, from their mounts. */
function mountedLayers(ids: readonly string[], dataRoot: string): LayerUse[] {
  const found = new Map<string, readonly string[]>();
  for (const pid of listIfThere("/proc").filter((name) => /^\d+$/.test(name))) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/mountinfo`, "latin1");
    } catch {
      continue; // it is gone
    }
    for (const line of text.split("\n").filter((each) => each.includes(" overlay "))) {
      const id = ids.find((each) => line.includes(`${dataRoot}/containers/${each}/upper`));
      if (id === undefined) continue;
      const layers = [...line.matchAll(/\/layers\/([0-9a-f]{64})/g)].map((match) => match[1] ?? "");
      found.set(id, layers);
    }
  }
  return [...found].map(([id, layers]) => ({ id, name: null, isRunning: true, layers, image: null }));
}

/** A running container's mount lists its layers highest first, and the base layer not at all. */
const sameLayers = (a: readonly string[], b: readonly string[]): boolean =>
  a.toSorted().join() === b.toSorted().join();

/** Whether a container was made from an image. */
export function isUsing(use: LayerUse, image: { id: string; chainIds: readonly string[] }): boolean {
  if (use.image !== null) return use.image === image.id;
  return use.layers.length > 0 && sameLayers(use.layers, image.chainIds);
}

/**
 * Every container of these roots, with its layers. Another run root may have containers on
 * the same data: those are seen as long as they run.
 */
export async function layersInUse(roots: Roots): Promise<readonly LayerUse[]> {
  const states = listStates(roots.runRoot).map((id) => readState(roots.runRoot, id));
  const known = new Set(states.map(({ id }) => id));
  const others = listIfThere(`${roots.dataRoot}/containers`).filter((id) => !known.has(id));
  return [
    ...states.flatMap(useOf),
    ...(others.length > 0 ? mountedLayers(others, roots.dataRoot) : []),
  ];
}
