/** `pivot history`. */

import { type HistoryStep, historyOf } from "../image/history.ts";
import { configOf, createdTime, findImageByText, layerSizes } from "../image/images.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { ago, counted, ellipsis, humanSize, shortId } from "./human.ts";
import { formatFlag, noTruncFlag, quietFlag, readListing } from "./listing-flags.ts";
import { type Column, printRows } from "./output.ts";
import { storeContext } from "./store.ts";

export const historyFlags: readonly Flag[] = [
  { name: "human", short: "H", help: "print sizes and times for people (default true)" },
  formatFlag,
  noTruncFlag,
  quietFlag,
];

const createdByLength = 45;

function columnsFor(human: boolean): readonly Column<HistoryStep>[] {
  const iso = (row: HistoryStep): string => row.created ?? "N/A";
  const since = (row: HistoryStep): string => {
    const time = createdTime(row);
    return time === undefined ? "N/A" : ago(time);
  };
  return [
    {
      name: "ID",
      header: "IMAGE",
      value: ({ id }, { noTrunc }) => (id === undefined ? "<missing>" : noTrunc ? id : shortId(id)),
      quiet: true,
    },
    { name: "CreatedSince", header: "CREATED", value: human ? since : iso },
    { name: "CreatedAt", header: "CREATED AT", value: iso, hidden: true },
    {
      name: "CreatedBy",
      header: "CREATED BY",
      value: ({ createdBy }, { noTrunc }) => {
        const line = createdBy.replace(/\t/g, " ");
        return noTrunc ? line : ellipsis(line, createdByLength);
      },
    },
    {
      name: "Size",
      header: "SIZE",
      value: ({ size }) => (human ? humanSize(size, 3) : String(size)),
    },
    { name: "Comment", header: "COMMENT", value: ({ comment }) => comment },
  ];
}

export async function historyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [text, ...more] = given.words;
  if (text === undefined || more.length > 0) {
    throw new UsageError(
      `history takes one IMAGE, received ${counted(given.words.length, "word")}`,
    );
  }
  const { store } = storeContext(globals);
  const { image } = await findImageByText(store, text);
  const { config } = await configOf(store, image.id);
  const steps = historyOf(image.id, config, await layerSizes(store, image));
  printRows(steps, columnsFor(lastValue(given, "human") !== "false"), readListing(given));
  return 0;
}
