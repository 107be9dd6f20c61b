/** `features` and `spec`: what the runtime can do, and a configuration to begin with. */

import { writeFileSync } from "node:fs";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { readStreams } from "../host/streams.ts";
import { writeAll } from "../host/write.ts";
import { version } from "../version.ts";
import { whyNoCheckpoint } from "./criu.ts";
import { defaultConfig, writeConfig } from "./default-config.ts";
import { features } from "./features.ts";
import { readLast, readSwitch } from "./flags.ts";
import { workingDirectory } from "./globals.ts";

export function featuresCommand(): number {
  const { kernel } = readFacts(readCgroupLayout(), readStreams());
  const document = features({ version, kernel, checkpoint: whyNoCheckpoint() === null });
  writeAll(1, `${JSON.stringify(document, null, 4)}\n`);
  return 0;
}

export const specFlags: readonly Flag[] = [
  { name: "bundle", short: "b", value: "DIR", help: "where config.json is written" },
  { name: "rootless", help: "for a container of an ordinary user" },
];

export function specCommand(given: ParsedArguments): number {
  if (given.words.length > 0) {
    throw new UsageError(`spec takes no arguments, received ${given.words.join(" ")}`);
  }
  const directory = absolutePath(readLast(given, "bundle") ?? ".", workingDirectory());
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const config = defaultConfig({
    rootless: readSwitch(given, "rootless") ? ids : null,
    cgroupNamespace: readCgroupLayout().mode === "v2",
  });
  const file = `${directory}/config.json`;
  try {
    writeFileSync(file, writeConfig(config), { flag: "wx", mode: 0o644 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new WishError([isThere ? `${file} exists: remove it first` : (error as Error).message]);
  }
  return 0;
}
