/**
 * Writes images into an OCI layout directory, a new one or one that has others already.
 * Blobs appear by rename, and the index last: whoever reads meanwhile sees the old images.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { writeChunk } from "./blob.ts";
import { gather, readFileInChunks } from "./blob-source.ts";
import { asObject, parseObject, readArray, readStringMap } from "./document.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import {
  type FileSink,
  indexDocument,
  indexEntries,
  layoutVersion,
  type Outgoing,
  putBlobs,
  putBytes,
} from "./export.ts";
import { documentBytesMax } from "./manifest.ts";
import { imageNameAnnotation, refNameAnnotation } from "./oci-layout.ts";
import { removeStaleBeside } from "./stale-beside.ts";
import { temporaryName } from "./temporary.ts";

function directorySink(directory: string): FileSink {
  return {
    has: (path) => statSync(`${directory}/${path}`, { throwIfNoEntry: false })?.isFile() === true,
    async put(path, _size, content) {
      const temporary = `${directory}/${temporaryName()}`;
      try {
        const file = await open(temporary, "wx", 0o644);
        try {
          for await (const chunk of content) await writeChunk(file, chunk);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, `${directory}/${path}`);
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

/** The entries of an index that is there, as they are. */
async function readIndex(directory: string): Promise<readonly object[]> {
  const path = `${directory}/index.json`;
  if (!existsSync(path)) return [];
  const document = `index.json of ${quote(directory)}`;
  const bytes = await gather(readFileInChunks(path), documentBytesMax, document);
  const place = { document, field: "" };
  const items = readArray(parseObject(bytes, document), "manifests", place) ?? [];
  return items.map((item, i) => asObject(item, { document, field: `manifests[${i}]` }));
}

const namesOf = (entry: object): readonly string[] => {
  const place = { document: "index.json", field: "manifests" };
  const annotations = readStringMap({ ...entry }, "annotations", place) ?? {};
  return [annotations[imageNameAnnotation] ?? annotations[refNameAnnotation]].flatMap(
    (name) => name ?? [],
  );
};

/** A new entry takes the name from an old one, and the place of one that is the same. */
function merge(old: readonly object[], fresh: readonly object[]): readonly object[] {
  const taken = new Set(fresh.flatMap(namesOf));
  const same = new Set(fresh.map((entry) => JSON.stringify(entry)));
  const kept = old.filter((entry) => {
    const names = namesOf(entry);
    if (names.length === 0) return !same.has(JSON.stringify(entry));
    return !names.some((name) => taken.has(name));
  });
  return [...kept, ...fresh];
}

/** Whether a directory can become, or is, a layout. */
async function checkDirectory(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw new ImageError("unsupported", `cannot write to ${quote(directory)}: ${codeOf(error)}`);
  }
  // A store has its blobs as a layout has them, but no index.
  const isStore = names.includes("refs") && names.includes("layers");
  if (names.length === 0 || (names.includes("oci-layout") && !isStore)) return;
  throw new ImageError(
    "unsupported",
    `${quote(directory)} is neither empty nor an OCI layout: name another directory`,
  );
}

/** Adds images to the layout in a directory, which is made if it is not there. */
export async function writeLayoutDirectory(
  directory: string,
  images: readonly Outgoing[],
): Promise<void> {
  await checkDirectory(directory);
  await mkdir(`${directory}/blobs/sha256`, { recursive: true });
  await removeStaleBeside(directory);
  const sink = directorySink(directory);
  if (!sink.has("oci-layout")) await putBytes(sink, "oci-layout", layoutVersion);
  for (const image of images) await putBlobs(sink, image);
  const entries = merge(await readIndex(directory), images.flatMap(indexEntries));
  await putBytes(sink, "index.json", indexDocument(entries));
}
