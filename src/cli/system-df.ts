/** `pivot system df`. */

import { isatty } from "node:tty";
import {
  type ContainerUsage,
  type ImageUsage,
  readUsage,
  type Usage,
  type UsageSum,
  type VolumeUsage,
} from "../engine/usage.ts";
import { writeAll } from "../host/write.ts";
import { splitName } from "../image/familiar.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { ago, ellipsis, humanSize, shortId } from "./human.ts";
import { formatFlag } from "./listing-flags.ts";
import { type Column, formatRows, type Listing, printDocument, printRows } from "./output.ts";
import { shownImage, statusText } from "./ps.ts";

export const systemDfFlags: readonly Flag[] = [
  formatFlag,
  { name: "verbose", short: "v", help: "each image, container and volume" },
];

type SumRow = UsageSum & { readonly type: string; readonly hasShare: boolean };

/** `1.2MB (100%)`, as docker: of the build cache without the share. */
function reclaimable({ bytes, reclaimable: back, hasShare }: SumRow): string {
  const share = hasShare && bytes > 0 ? ` (${Math.trunc((back * 100) / bytes)}%)` : "";
  return `${humanSize(back)}${share}`;
}

const sumColumns: readonly Column<SumRow>[] = [
  { name: "Type", header: "TYPE", value: ({ type }) => type },
  { name: "TotalCount", header: "TOTAL", value: ({ total }) => String(total) },
  { name: "Active", header: "ACTIVE", value: ({ active }) => String(active) },
  { name: "Size", header: "SIZE", value: ({ bytes }) => humanSize(bytes) },
  { name: "Reclaimable", header: "RECLAIMABLE", value: reclaimable },
];

const sumRows = ({ images, containers, volumes, buildCache }: Usage): readonly SumRow[] => [
  { ...images, type: "Images", hasShare: true },
  { ...containers, type: "Containers", hasShare: true },
  { ...volumes, type: "Local Volumes", hasShare: true },
  { ...buildCache, type: "Build Cache", hasShare: false },
];

const nameOf = ({ image }: ImageUsage) => {
  const [first] = image.references;
  return first === undefined ? null : splitName(first);
};

const imageColumns: readonly Column<ImageUsage>[] = [
  {
    name: "Repository",
    header: "REPOSITORY",
    value: (row) => nameOf(row)?.repository ?? "<none>",
  },
  { name: "Tag", header: "TAG", value: (row) => nameOf(row)?.tag ?? "<none>" },
  {
    name: "ID",
    header: "IMAGE ID",
    value: ({ image }, { noTrunc }) => (noTrunc ? image.id : shortId(image.id)),
  },
  {
    name: "CreatedSince",
    header: "CREATED",
    value: ({ created }) => (created === undefined ? "N/A" : ago(created)),
  },
  { name: "Size", header: "SIZE", value: ({ bytes }) => humanSize(bytes) },
  { name: "SharedSize", header: "SHARED SIZE", value: ({ shared }) => humanSize(shared) },
  {
    name: "UniqueSize",
    header: "UNIQUE SIZE",
    value: ({ bytes, shared }) => humanSize(bytes - shared),
  },
  { name: "Containers", header: "CONTAINERS", value: ({ containers }) => String(containers) },
];

const containerColumns: readonly Column<ContainerUsage>[] = [
  {
    name: "ID",
    header: "CONTAINER ID",
    value: ({ container }, { noTrunc }) => (noTrunc ? container.id : shortId(container.id)),
  },
  { name: "Image", header: "IMAGE", value: ({ container }) => shownImage(container.record.image) },
  {
    name: "Command",
    header: "COMMAND",
    value: ({ container }, { noTrunc }) => {
      const text = container.record.args.join(" ");
      return `"${noTrunc ? text : ellipsis(text, 20)}"`;
    },
  },
  {
    name: "LocalVolumes",
    header: "LOCAL VOLUMES",
    value: ({ container }) =>
      String(container.record.mounts.filter(({ volume }) => volume !== undefined).length),
  },
  { name: "Size", header: "SIZE", value: ({ bytes }) => humanSize(bytes) },
  {
    name: "RunningFor",
    header: "CREATED",
    value: ({ container }) => ago(container.record.created),
  },
  { name: "Status", header: "STATUS", value: ({ container }) => statusText(container) },
  { name: "Names", header: "NAMES", value: ({ container }) => container.name },
];

const volumeColumns: readonly Column<VolumeUsage>[] = [
  { name: "Name", header: "VOLUME NAME", value: ({ name }) => name },
  { name: "Links", header: "LINKS", value: ({ links }) => String(links) },
  { name: "Size", header: "SIZE", value: ({ bytes }) => humanSize(bytes) },
];

const table: Listing = { format: null, quiet: false, noTrunc: false };

function verboseText({ images, containers, volumes, buildCache }: Usage): string {
  return [
    "Images space usage:\n",
    formatRows(images.items, imageColumns, table),
    "Containers space usage:\n",
    formatRows(containers.items, containerColumns, table),
    "Local Volumes space usage:\n",
    formatRows(volumes.items, volumeColumns, table),
    `Build cache usage: ${humanSize(buildCache.bytes)}\n`,
  ].join("\n");
}

const fields = <Row>(rows: readonly Row[], columns: readonly Column<Row>[]) =>
  rows.map((row) =>
    Object.fromEntries(columns.map(({ name, value }) => [name, value(row, { noTrunc: true })])),
  );

/** On a terminal, when it takes long: how far it is. */
function progress(): ((files: number) => void) | undefined {
  if (!isatty(2)) return undefined;
  const begin = Date.now();
  return (files) => {
    if (Date.now() - begin > 500) writeAll(2, `\r\u001b[Kpivot: measuring: ${files} files\r`);
  };
}

export async function systemDfCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`system df takes no arguments, received ${given.words.join(" ")}`);
  }
  const onFiles = progress();
  const usage = await readUsage(engineRoots(globals), onFiles);
  if (onFiles !== undefined) writeAll(2, "\r\u001b[K");
  const format = lastValue(given, "format");
  if (!isOn(given, "verbose")) {
    printRows(sumRows(usage), sumColumns, { ...table, format });
  } else if (format === null || format === "table") {
    writeAll(1, verboseText(usage));
  } else {
    const document = {
      Images: fields(usage.images.items, imageColumns),
      Containers: fields(usage.containers.items, containerColumns),
      Volumes: fields(usage.volumes.items, volumeColumns),
      BuildCache: [],
    };
    printDocument(document, format);
  }
  return 0;
}
