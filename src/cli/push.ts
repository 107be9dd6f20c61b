/** `pivot push`: images of the store, to their registries. */

import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import { ImageError } from "../image/error.ts";
import { parsePlatform } from "../image/platform.ts";
import type { RegistryReference } from "../image/reference.ts";
import { openStore, type Store } from "../image/store.ts";
import { type PushOptions, type PushProgress, pushImage, storedTags } from "../registry/push.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { reachLoopbackDirectly } from "./direct-loopback.ts";
import { interruptible } from "./interrupt.ts";
import { familiarName, readRegistryReference } from "./pull.ts";
import { shortDigest } from "./pull-progress.ts";
import { readRoots } from "./roots.ts";

const outcomes = {
  exists: () => "Layer already exists",
  pushed: () => "Pushed",
  mounted: (from: string) => `Mounted from ${from}`,
} as const;

interface PushDisplay {
  onProgress(progress: PushProgress): void;
  onRetry(why: string, delay: number): void;
  end(): void;
}

/** Each layer's way, a line for each station. */
const plainDisplay: PushDisplay = {
  onProgress(progress) {
    if (progress.kind === "layers") {
      for (const { digest } of progress.descriptors) {
        writeAll(1, `${shortDigest(digest)}: Preparing\n`);
      }
    }
    if (progress.kind === "layer") {
      const { outcome, digest } = progress;
      const said =
        outcome.state === "mounted" ? outcomes.mounted(outcome.from) : outcomes[outcome.state]();
      writeAll(1, `${shortDigest(digest)}: ${said}\n`);
    }
  },
  onRetry(why, delay) {
    writeAll(1, `Retrying in ${Math.ceil(delay / 1000)} s: ${why}\n`);
  },
  end() {},
};

async function displayFor(): Promise<PushDisplay> {
  if (!isatty(1)) return plainDisplay;
  const { PushBars } = await import("./pull-bars.ts");
  return new PushBars(1);
}

async function pushOne(
  store: Store,
  reference: RegistryReference,
  options: PushOptions,
): Promise<void> {
  const { domain, path, tag } = reference;
  writeAll(1, `The push refers to repository [${domain}/${path}]\n`);
  const display = await displayFor();
  try {
    const { digest, size } = await pushImage(store, reference, {
      ...options,
      onProgress: (progress) => display.onProgress(progress),
      onRetry: (why, delay) => display.onRetry(why, delay),
    });
    display.end();
    writeAll(1, `${tag}: digest: ${digest} size: ${size}\n`);
  } finally {
    display.end();
  }
}

function readWords({ words, flags }: ParsedArguments) {
  const isOn = (name: string) => flags.get(name)?.at(-1) === "true";
  const [text, ...more] = words;
  if (text === undefined || more.length > 0) {
    throw new UsageError(
      `push takes one image, received ${words.length}: for example pivot push localhost:5000/app:1`,
    );
  }
  const reference = readRegistryReference(text);
  if (reference.digest !== undefined) {
    throw new UsageError(`push needs a tag to push to, received ${text}`);
  }
  const all = isOn("all-tags");
  if (all && text.replace(/^.*\//, "").includes(":")) {
    throw new UsageError(`-a pushes every tag: name the repository alone, not ${text}`);
  }
  return { reference, text, all, isQuiet: isOn("quiet") };
}

export async function pushCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  reachLoopbackDirectly(process.env);
  const { reference, text, all, isQuiet } = readWords(given);
  const platform = given.flags.get("platform")?.at(-1);
  const store = openStore(readRoots(globals, process.cwd()).dataRoot);
  await interruptible(async (signal) => {
    const references = all ? await storedTags(store, reference) : [reference];
    if (references.length === 0) {
      throw new ImageError("not-found", `${store.root} holds no image of ${text}`);
    }
    const options: PushOptions = {
      signal,
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    };
    for (const each of references) {
      if (isQuiet) await pushImage(store, each, options);
      else await pushOne(store, each, options);
      if (isQuiet) writeAll(1, `${familiarName(each)}\n`);
    }
  });
  return 0;
}
