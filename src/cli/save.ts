/** `pivot save`. */

import { isatty } from "node:tty";
import { absolutePath } from "../container/roots.ts";
import { writeAll } from "../host/write.ts";
import { abortable, writeFileWhole } from "../image/copy.ts";
import { ImageError } from "../image/error.ts";
import { writeArchive } from "../image/export.ts";
import { writeLayoutDirectory } from "../image/layout-directory.ts";
import { withStored } from "../image/outgoing.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { storeContext } from "./store.ts";

export const saveFlags: readonly Flag[] = [
  { name: "output", short: "o", value: "FILE", help: "write there instead of to standard output" },
  {
    name: "format",
    value: "FORMAT",
    help: "docker-archive (the default), oci-archive, or oci-dir, for which FILE is a directory",
  },
];

const formats = ["docker-archive", "oci-archive", "oci-dir"] as const;

function readFormat(text: string): (typeof formats)[number] {
  const found = formats.find((each) => each === text);
  if (found !== undefined) return found;
  throw new UsageError(`--format takes ${formats.join(", ")}, received ${JSON.stringify(text)}`);
}

async function writeOut(bytes: Buffer): Promise<void> {
  if (!writeAll(1, bytes)) {
    throw new ImageError(
      "unsupported",
      "nobody reads standard output any more: saved in part only",
    );
  }
}

export async function saveCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length === 0) throw new UsageError("save needs at least one IMAGE");
  const output = lastValue(given, "output");
  const format = readFormat(lastValue(given, "format") ?? "docker-archive");
  if (output === null && format === "oci-dir") {
    throw new UsageError("--format oci-dir writes a directory: say which by -o DIR");
  }
  if (output === null && isatty(1)) {
    throw new UsageError("an archive is not for a terminal: use -o FILE, or redirect the output");
  }
  const { store } = storeContext(globals);
  await interruptible((signal) =>
    withStored(store, given.words, async (found) => {
      const images = found.map((image) => abortable(image, signal));
      const path = output === null ? null : absolutePath(output, process.cwd());
      if (path === null) await writeArchive(images, archiveKind(format), writeOut);
      else if (format === "oci-dir") await writeLayoutDirectory(path, images);
      else await writeFileWhole(path, (write) => writeArchive(images, archiveKind(format), write));
    }),
  );
  return 0;
}

const archiveKind = (format: (typeof formats)[number]) =>
  format === "oci-archive" ? "oci-archive" : "docker-archive";
