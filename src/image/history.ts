/** How an image came about, step by step, with the size of each layer. */
import type { HistoryEntry, ImageConfig } from "./config.ts";

export interface HistoryStep {
  /** The image's ID for the newest step; undefined below, where no image is known. */
  readonly id: string | undefined;
  /** RFC 3339, as the config has it. */
  readonly created: string | undefined;
  readonly createdBy: string;
  readonly comment: string;
  /** Bytes of the layer's files; 0 for a step that made no layer. */
  readonly size: number;
}

const unknown: HistoryEntry = {
  created: undefined,
  created_by: undefined,
  author: undefined,
  comment: undefined,
  empty_layer: false,
};

/**
 * The steps, newest first. Layers that the config's history does not tell of come lowest.
 *
 * @param sizes of the layers, lowest first
 */
export function historyOf(
  id: string,
  config: Pick<ImageConfig, "history" | "created">,
  sizes: readonly number[],
): readonly HistoryStep[] {
  const told = config.history.filter((entry) => !entry.empty_layer).length;
  const untold = Array.from({ length: Math.max(0, sizes.length - told) }, () => unknown);
  let layer = 0;
  const steps = [...untold, ...config.history].map((entry): HistoryStep => {
    const size = entry.empty_layer ? 0 : (sizes[layer++] ?? 0);
    return {
      id: undefined,
      created: entry.created,
      createdBy: entry.created_by ?? "",
      comment: entry.comment ?? "",
      size,
    };
  });
  const newest = steps.at(-1) ?? {
    id: undefined,
    created: config.created,
    createdBy: "",
    comment: "",
    size: 0,
  };
  return [...steps.slice(0, -1), { ...newest, id }].toReversed();
}
