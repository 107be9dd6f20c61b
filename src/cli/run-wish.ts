/** The arguments of `run` and `plan` as a wish for a container. */

import type { PullPolicy } from "../container/find-image.ts";
import type { ContainerWish, Source } from "../container/prepare.ts";
import { absolutePath } from "../container/roots.ts";
import { OptionError, WishError } from "../container/wish-error.ts";
import type { ImportProgress } from "../image/import.ts";
import type { Platform } from "../image/manifest.ts";
import { parsePlatform } from "../image/platform.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { findRelativePaths } from "./relative-paths.ts";
import { readRoots } from "./roots.ts";
import { readRunOptions } from "./run-options.ts";

/** @throws WishError when the directory is gone, and something starts there. */
function workingDirectory(given: ParsedArguments, globals: Globals): string {
  if (process.env["PIVOT_NO_CWD"] === undefined) return process.cwd();
  const roots = [globals.root, globals.runRoot].filter((root) => root?.startsWith("/") === false);
  const lost = [...roots, ...findRelativePaths(given)];
  if (lost.length === 0) return "/";
  throw new WishError(
    lost.map(
      (path) =>
        `the working directory is gone, so ${path} leads nowhere: cd to one that is there, or write the whole path`,
    ),
  );
}

/** `DIR`, `DIR:ro`, `DIR:rw`. */
function rootfsSource(given: string, cwd: string): Source {
  const match = /^(.+?)(?::(ro|rw))?$/.exec(given);
  if (match?.[1] === undefined) throw new UsageError("--rootfs needs a directory");
  return { kind: "rootfs", directory: absolutePath(match[1], cwd), readonly: match[2] === "ro" };
}

function sourceOf(given: ParsedArguments, cwd: string): { source: Source; command: string[] } {
  const rootfs = given.flags.get("rootfs")?.at(-1);
  const bundle = given.flags.get("bundle")?.at(-1);
  const words = [...given.words];
  if (rootfs !== undefined && bundle !== undefined) {
    throw new UsageError("--rootfs and --bundle exclude each other");
  }
  if (rootfs !== undefined) return { source: rootfsSource(rootfs, cwd), command: words };
  if (bundle !== undefined) {
    if (words.length > 0) {
      throw new UsageError(
        `the command of a bundle is in its config.json, received ${words.join(" ")}`,
      );
    }
    return { source: { kind: "bundle", directory: absolutePath(bundle, cwd) }, command: [] };
  }
  const reference = words.shift();
  if (reference === undefined) {
    throw new UsageError(
      "which image? it comes after the options, and what to run after it: busybox sh",
    );
  }
  if (reference === "") throw new UsageError("the name of the image is empty");
  return { source: { kind: "image", reference }, command: words };
}

function pullPolicy(given: ParsedArguments): PullPolicy {
  const word = given.flags.get("pull")?.at(-1) ?? "missing";
  if (word === "always" || word === "missing" || word === "never") return word;
  throw new UsageError(`--pull takes always, missing or never, received ${JSON.stringify(word)}`);
}

/** @throws UsageError, ImageError */
function platformOf({ flags }: ParsedArguments): Platform | undefined {
  const text = flags.get("platform")?.at(-1);
  if (text === undefined) return undefined;
  const other = ["rootfs", "bundle"].find((name) => flags.has(name));
  if (other !== undefined)
    throw new UsageError(`--platform chooses an image, and --${other} is none`);
  return parsePlatform(text);
}

/** Pulls, and tells how it goes on standard error: standard output is the container's. */
function pullingAloud(given: ParsedArguments): NonNullable<ContainerWish["pullImage"]> {
  const isQuiet = given.flags.get("quiet")?.at(-1) === "true";
  return async (store, reference, platform) =>
    (await import("./pull-for-run.ts")).pullForRun(store, reference, { isQuiet, platform });
}

/**
 * @throws OptionError with every problem of the options; UsageError
 */
export function readRunWish(
  given: ParsedArguments,
  globals: Globals,
  streams: ContainerWish["streams"],
  onProgress?: (progress: ImportProgress) => void,
): ContainerWish {
  const cwd = workingDirectory(given, globals);
  const { source, command } = sourceOf(given, cwd);
  const { options, problems } = readRunOptions(given, { cwd, env: process.env });
  if (problems.length > 0) throw new OptionError(problems);
  const pidFile = given.flags.get("pid-file")?.at(-1);
  return {
    source,
    command,
    options,
    roots: readRoots(globals, cwd),
    cwd,
    streams,
    pidFile: pidFile === undefined ? null : absolutePath(pidFile, cwd),
    endWithCaller: false,
    pull: pullPolicy(given),
    pullImage: pullingAloud(given),
    platform: platformOf(given),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}
