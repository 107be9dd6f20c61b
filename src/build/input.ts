/** Where a build's Dockerfile and its context come from. */

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { checkBindSources } from "./bind-source.ts";

export type BuildInput = {
  /** What the Dockerfile says; null: it is in what only buildah unpacks or fetches. */
  readonly dockerfile: string | null;
  /** For buildah. */
  readonly words: readonly string[];
};

const isRemote = (context: string): boolean =>
  /^(https?:|git:|git@|ssh:|github\.com\/)/.test(context);

const magics = ["1f8b", "425a68", "fd377a58", "28b52ffd"];

/** A tar, perhaps compressed. */
const isArchive = (bytes: Buffer): boolean =>
  bytes.subarray(257, 262).toString("latin1") === "ustar" ||
  magics.some((magic) => bytes.subarray(0, 4).toString("hex").startsWith(magic));

/** GNU tar keeps what it makes below the directory, whatever names and links the archive has. */
function unpack(archive: string, directory: string): void {
  const args = ["--extract", "--no-same-owner", "--file", archive, "--directory", directory];
  const { status, stderr, error } = spawnSync("tar", args, { encoding: "utf8" });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim().split("\n")[0];
  throw new WishError([`the context on standard input cannot be unpacked: ${why}`]);
}

/**
 * The Dockerfile of somebody's tar is one of its own files: a link would have the builder read, and
 * tell of, a file of this machine; a device or FIFO has no end.
 */
function checkOwnFile(path: string, context: string): void {
  const real = realpathSync(path);
  if (real.startsWith(`${realpathSync(context)}/`) && statSync(real).isFile()) return;
  throw new WishError(["the Dockerfile of the tar is no regular file of it"]);
}

/**
 * @param bytes of a tar, perhaps compressed
 * @param file of `--file`: a path in the tar
 * @param temporary has an empty directory `context`
 */
export function fromArchive(bytes: Buffer, file: string | null, temporary: string): BuildInput {
  const context = `${temporary}/context`;
  writeFileSync(`${temporary}/context.tar`, bytes);
  unpack(`${temporary}/context.tar`, context);
  const path = findFile("the tar", context, file === null ? null : `${context}/${file}`);
  checkOwnFile(path, context);
  return inputOf(path, context);
}

/** Standard input is the Dockerfile, and there is no context; or the context, as a tar. */
function fromStdin(file: string | null, temporary: string): BuildInput {
  const bytes = readFileSync(0);
  const context = `${temporary}/context`;
  mkdirSync(context);
  if (isArchive(bytes)) return fromArchive(bytes, file, temporary);
  if (file !== null) {
    throw new WishError([
      "with - as context, standard input is the Dockerfile or a tar, and it is no tar: leave -f out",
    ]);
  }
  writeFileSync(`${temporary}/Dockerfile`, bytes);
  return fromDirectory("", context, `${temporary}/Dockerfile`);
}

/** @param file an absolute path; null: the one that everybody expects */
function findFile(shown: string, directory: string, file: string | null): string {
  const candidates =
    file === null ? [`${directory}/Dockerfile`, `${directory}/Containerfile`] : [file];
  const path = candidates.find((each) => existsSync(each));
  if (path === undefined) {
    throw new WishError([
      file === null
        ? `there is no Dockerfile in ${shown}: name it with -f`
        : `there is no Dockerfile ${file}`,
    ]);
  }
  return path;
}

function inputOf(path: string, directory: string): BuildInput {
  const dockerfile = readFileSync(path, "utf8");
  checkBindSources(dockerfile, directory);
  return { dockerfile, words: ["--file", path, directory] };
}

const fromDirectory = (shown: string, directory: string, file: string | null): BuildInput =>
  inputOf(findFile(shown, directory, file), directory);

/**
 * @param context a directory, a URL, or `-`
 * @param file of `--file`
 * @param temporary a directory for what standard input says
 * @throws WishError for what is not there
 */
export function readBuildInput(
  context: string,
  file: string | null,
  cwd: string,
  temporary: string,
): BuildInput {
  if (context === "-") return fromStdin(file, temporary);
  if (isRemote(context)) {
    return { dockerfile: null, words: [...(file === null ? [] : ["--file", file]), context] };
  }
  const directory = absolutePath(context, cwd);
  if (!existsSync(directory)) throw new WishError([`the context ${context} is not there`]);
  if (file !== "-") {
    return fromDirectory(context, directory, file === null ? null : absolutePath(file, cwd));
  }
  writeFileSync(`${temporary}/Dockerfile`, readFileSync(0));
  return fromDirectory(context, directory, `${temporary}/Dockerfile`);
}
