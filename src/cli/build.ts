/** `pivot build`: a Dockerfile by way of buildah, with pivot as its runtime. */

import { readFileSync, writeFileSync } from "node:fs";
import { giveBases } from "../build/bases.ts";
import { bindsOfImages, followsLinksOut } from "../build/bind-source.ts";
import { type Builder, buildah, buildahText, checkBuildah } from "../build/buildah.ts";
import { namedImages } from "../build/dockerfile.ts";
import { type BuildInput, readBuildInput } from "../build/input.ts";
import { takeResult } from "../build/result.ts";
import { containersOf, inWorkspace } from "../build/workspace.ts";
import { absolutePath } from "../container/roots.ts";
import { buildDirectory } from "../engine/usage.ts";
import { executorPath, runtimePath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { familiarName } from "../image/familiar.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { openStore, type Store } from "../image/store.ts";
import { isRootless } from "../network/installed.ts";
import { isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { importProgress } from "./import-progress.ts";
import { interruptible } from "./interrupt.ts";
import { pullForRun } from "./pull-for-run.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";

/** Handed on to buildah as they are. */
const passed = [
  "add-host",
  "build-arg",
  "build-context",
  "label",
  "network",
  "platform",
  "secret",
  "ssh",
  "target",
] as const;

/** `--build-arg NAME` without a value is the caller's variable. */
function readBuildArguments(given: ParsedArguments): ReadonlyMap<string, string> {
  return new Map(
    (given.flags.get("build-arg") ?? []).map((word) => {
      const [name = "", ...rest] = word.split("=");
      return [name, rest.length === 0 ? (process.env[name] ?? "") : rest.join("=")] as const;
    }),
  );
}

/** The images that the builder is to be given: what it calls by other names is no image. */
function imagesOf(given: ParsedArguments, dockerfile: string | null): readonly string[] {
  const contexts = (given.flags.get("build-context") ?? []).map((word) => word.split("="));
  const others = new Set(contexts.map(([name = ""]) => name));
  const named = dockerfile === null ? [] : namedImages(dockerfile, readBuildArguments(given));
  return [
    ...named.filter((name) => !others.has(name)),
    ...contexts.flatMap(([, ...rest]) => /^docker-image:\/\/(.+)$/.exec(rest.join("="))?.[1] ?? []),
  ];
}

/** @param dockerfile null: only the builder can read it, and has to find its images */
async function provide(
  given: ParsedArguments,
  globals: Globals,
  builder: Builder,
  store: Store,
  dockerfile: string | null,
): Promise<void> {
  // The store has one platform of an image.
  if (given.flags.has("platform")) return;
  const pull = isOn(given, "pull") ? "always" : "missing";
  const pullImage = (_: Store, reference: RegistryReference): Promise<void> =>
    pullForRun(store, reference, { isQuiet: isOn(given, "quiet"), platform: undefined });
  const problems = await giveBases(
    builder,
    { store, pull, pullImage },
    imagesOf(given, dockerfile),
  );
  for (const problem of problems) report("warning", problem, globals.logFormat);
}

/** Normal forms of `--tag`. */
function readTags(given: ParsedArguments): readonly string[] {
  return (given.flags.get("tag") ?? []).map((tag) => {
    const reference = parseReference(tag);
    if (reference.transport !== "registry" || reference.digest !== undefined) {
      throw new UsageError(`-t takes NAME[:TAG], received ${JSON.stringify(tag)}`);
    }
    return reference.name;
  });
}

function check(given: ParsedArguments): void {
  if (given.words.length !== 1) {
    throw new UsageError("build needs the directory that it may copy from: pivot build .");
  }
  const progress = lastValue(given, "progress") ?? "auto";
  if (progress !== "auto" && progress !== "plain") {
    throw new UsageError(`--progress takes auto or plain, received ${JSON.stringify(progress)}`);
  }
}

const buildWords = (given: ParsedArguments, builder: Builder): readonly string[] => [
  "build",
  "--layers",
  "--format",
  "docker",
  "--isolation",
  "oci",
  "--runtime",
  builder.runtime,
  "--runtime-flag",
  `root=${containersOf(builder.temporary)}`,
  "--iidfile",
  `${builder.temporary}/id`,
  // It would ask the registry even for what it was given.
  isOn(given, "pull") && given.flags.has("platform") ? "--pull-always" : "--pull=false",
  ...(isOn(given, "no-cache") ? ["--no-cache"] : []),
  ...(isOn(given, "quiet") ? ["--quiet"] : []),
  ...passed.flatMap((name) => (given.flags.get(name) ?? []).map((value) => `--${name}=${value}`)),
];

/** @returns the image's id in the builder's storage; null: the build failed, and has said why */
async function build(
  given: ParsedArguments,
  builder: Builder,
  { words }: BuildInput,
): Promise<string | null> {
  // The builder's own networks are root's.
  const asksNone = isRootless() && lastValue(given, "network") === null;
  if (asksNone && !isOn(given, "quiet")) {
    report("note", "RUN lines have no network: --network host gives them the machine's own");
  }
  const network = asksNone ? ["--network", "none"] : [];
  const { code } = await buildah(builder, [...buildWords(given, builder), ...network, ...words], {
    show: true,
  });
  if (code !== 0) return null;
  return readFileSync(`${builder.temporary}/id`, "utf8").trim();
}

function tell(id: string, tags: readonly string[], quiet: boolean): void {
  if (quiet) {
    writeAll(1, `${id}\n`);
    return;
  }
  const names = tags.map((name) => `Successfully tagged ${familiarName(name)}\n`);
  writeAll(1, `Successfully built ${id.slice("sha256:".length, 19)}\n${names.join("")}`);
}

/** @param dockerfile null: only the builder can read it */
async function warnOfLinks(
  builder: Builder,
  dockerfile: string | null,
  { logFormat }: Globals,
): Promise<void> {
  if (dockerfile === null || !bindsOfImages(dockerfile)) return;
  if (!followsLinksOut(await buildahText(builder, ["--version"]))) return;
  report(
    "warning",
    "RUN --mount=from=…: this buildah goes through links of the image as this machine has them (CVE-2024-11218): build only what you trust, or install 1.38.1 or later",
    logFormat,
  );
}

export async function buildCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  check(given);
  const tags = readTags(given);
  checkBuildah();
  const cwd = process.cwd();
  const roots = readRoots(globals, cwd);
  const store = openStore(roots.dataRoot);
  const runtime = runtimePath();
  const directory = buildDirectory(roots);
  return inWorkspace(directory, runtime, async (temporary) => {
    const builder: Builder = { directory, temporary, runtime };
    const [context = ""] = given.words;
    const input = readBuildInput(context, lastValue(given, "file"), cwd, temporary);
    await warnOfLinks(builder, input.dockerfile, globals);
    await provide(given, globals, builder, store, input.dockerfile);
    const imageId = await interruptible(async (signal) => {
      const id = await build(given, builder, input);
      // Who interrupts it knows why there is no image.
      signal.throwIfAborted();
      return id;
    });
    if (imageId === null) {
      report("error", "the build failed: the reason stands above", globals.logFormat);
      return 1;
    }
    const onProgress = importProgress(globals.logFormat);
    const imported = await takeResult(builder, store, imageId, tags, {
      executor: executorPath(),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const file = lastValue(given, "iidfile");
    if (file !== null) writeFileSync(absolutePath(file, cwd), imported.id);
    tell(imported.id, tags, isOn(given, "quiet"));
    return 0;
  });
}
