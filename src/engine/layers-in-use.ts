/**
 * Which layers containers have: what nobody may take from under them. Asked by whatever removes
 * images.
 */

import { readdirSync, readFileSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { type Container, listContainers } from "./status.ts";

/** A container and the layers that its root lies on. */
export type LayerUse = {
  readonly id: string;
  readonly name: string | null;
  /** False: it has ended and was kept, or was not started yet. */
  readonly isRunning: boolean;
  /** The ID of its image; null: not known. */
  readonly image: string | null;
  /** Chain IDs. */
  readonly layers: readonly string[];
};

const running = new Set(["running", "paused", "restarting"]);

function useOf({ id, name, record, status }: Container): LayerUse[] {
  const { source } = record;
  if (source.kind !== "stored") return [];
  const isRunning = running.has(status);
  return [{ id, name, isRunning, image: source.id, layers: source.chainIds }];
}

function listIfThere(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or a process that is gone
  }
}

function mountsOf(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/mountinfo`, "latin1");
    return text.split("\n").filter((line) => line.includes(" overlay "));
  } catch {
    return []; // it is gone
  }
}

/** The layers of running containers of which only the writable layer is known, from their mounts. */
function mountedLayers(ids: readonly string[], dataRoot: string): LayerUse[] {
  const found = new Map<string, readonly string[]>();
  for (const pid of listIfThere("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const line of mountsOf(pid)) {
      const id = ids.find((each) => line.includes(`${dataRoot}/containers/${each}/upper`));
      if (id === undefined) continue;
      const layers = [...line.matchAll(/\/layers\/([0-9a-f]{64})/g)].map((match) => match[1] ?? "");
      found.set(id, layers);
    }
  }
  return [...found].map(([id, layers]) => ({
    id,
    name: null,
    isRunning: true,
    image: null,
    layers,
  }));
}

/**
 * Every container of these roots, with its layers. Another run root may have containers on the
 * same data: those are seen as long as they run.
 */
export async function layersInUse(roots: Roots): Promise<readonly LayerUse[]> {
  const containers = await listContainers(roots);
  const known = new Set(containers.map(({ id }) => id));
  const others = listIfThere(`${roots.dataRoot}/containers`).filter((id) => !known.has(id));
  return [
    ...containers.flatMap(useOf),
    ...(others.length > 0 ? mountedLayers(others, roots.dataRoot) : []),
  ];
}

/** Whether a container was made from an image. A mount lists layers in an order of its own. */
export function isUsing(
  use: LayerUse,
  image: { readonly id: string; readonly chainIds: readonly string[] },
): boolean {
  if (use.image !== null) return use.image === image.id;
  return use.layers.length > 0 && use.layers.toSorted().join() === image.chainIds.toSorted().join();
}
