/** `pivot pull`: brings images of registries into the store. */

import { executorPath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { ImageError, quote } from "../image/error.ts";
import { parsePlatform } from "../image/platform.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { openStore, type Store } from "../image/store.ts";
import { listRemoteTags, type PulledImage, type PullOptions, pullImage } from "../registry/pull.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { reachLoopbackDirectly } from "./direct-loopback.ts";
import { interruptible } from "./interrupt.ts";
import { noDisplay, pullDisplay } from "./pull-progress.ts";
import { readRoots } from "./roots.ts";

/** The reference that was typed, which has to be a registry's. */
export function readRegistryReference(text: string): RegistryReference {
  const reference = parseReference(text);
  if (reference.transport === "registry") return reference;
  throw new ImageError(
    "invalid-reference",
    `${quote(text)} is an image in a file, not one of a registry`,
  );
}

/** How docker writes a reference for people: without what goes without saying. */
export function familiarName({ domain, path, tag, digest }: RegistryReference): string {
  const host = domain === "docker.io" ? "" : `${domain}/`;
  const short = domain === "docker.io" ? path.replace(/^library\//, "") : path;
  return `${host}${short}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

/** One image, with everything that docker says about it. */
export async function pullOne(
  store: Store,
  reference: RegistryReference,
  options: PullOptions,
  fd: 1 | 2,
): Promise<PulledImage> {
  writeAll(fd, `${reference.digest ?? reference.tag}: Pulling from ${reference.path}\n`);
  const display = await pullDisplay(fd);
  let pulled: PulledImage;
  try {
    pulled = await pullImage(store, reference, {
      ...options,
      onProgress: (progress) => display.onProgress(progress),
      onRetry: (why, delay) => display.onRetry(why, delay),
    });
  } finally {
    display.end();
  }
  const status = pulled.isNew ? "Downloaded newer image for" : "Image is up to date for";
  writeAll(fd, `Digest: ${pulled.fetched}\nStatus: ${status} ${familiarName(reference)}\n`);
  return pulled;
}

/** What the words of the command are about. */
function readWords({ words, flags }: ParsedArguments) {
  const isOn = (name: string) => flags.get(name)?.at(-1) === "true";
  const [text, ...more] = words;
  if (text === undefined || more.length > 0) {
    throw new UsageError(
      `pull takes one image, received ${words.length}: for example pivot pull debian:12`,
    );
  }
  const reference = readRegistryReference(text);
  const isNamed = reference.digest !== undefined || text.replace(/^.*\//, "").includes(":");
  const all = isOn("all-tags");
  if (all && isNamed) {
    throw new UsageError(`-a pulls every tag: name the repository alone, not ${text}`);
  }
  return { reference, all, isNamed, isQuiet: isOn("quiet") };
}

export async function pullCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  reachLoopbackDirectly(process.env);
  const { reference, all, isNamed, isQuiet } = readWords(given);
  const platform = given.flags.get("platform")?.at(-1);
  const store = openStore(readRoots(globals, process.cwd()).dataRoot);
  await interruptible(async (signal) => {
    const options: PullOptions = {
      executor: executorPath(),
      signal,
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    };
    const references = all ? await listRemoteTags(reference, options) : [reference];
    if (references.length === 0) {
      throw new ImageError("not-found", `${reference.domain}/${reference.path} has no tags`);
    }
    if (!isQuiet && !all && !isNamed) writeAll(1, "Using default tag: latest\n");
    for (const each of references) {
      if (isQuiet) await pullImage(store, each, { ...options, ...noDisplay });
      else await pullOne(store, each, options, 1);
      if (!all) writeAll(1, `${each.name}\n`);
    }
    if (all) writeAll(1, `${reference.domain}/${reference.path}\n`);
  });
  return 0;
}
