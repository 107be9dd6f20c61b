// Image commands that are killed at any moment, at the same time, and on a full disk: for tests of
// a few rounds (image-crash.test.ts), or of as many as PIVOT_CRASHES says.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { digestOf } from "../src/image/blob.ts";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, type TestImage, writeLayout } from "../src/image/testing/image.ts";
import { dir, file } from "../src/image/testing/members.ts";
import { type Ground, pivotPath } from "./pivot.ts";

export const crashes = Number(process.env["PIVOT_CRASHES"] ?? "6");

/** Many files, so that unpacking takes a while. */
function filesOf(seed: number, count: number) {
  const content = (i: number): string =>
    `${seed} ${i} ${"0123456789abcdef".repeat(64 + (i % 256))}`;
  return tarArchive([
    dir(`d${seed}/`),
    ...Array.from({ length: count }, (_, i) => file(`d${seed}/f${i}`, content(i))),
  ]);
}

/** Images that share their lowest layer. */
export function makeImages(count: number, filesEach: number): TestImage[] {
  const shared = filesOf(0, filesEach);
  return Array.from({ length: count }, (_, i) => {
    const own = filesOf(i + 1, filesEach);
    return makeImage([
      { tar: shared, packed: gzipSync(shared, { level: 1 }) },
      { tar: own, packed: gzipSync(own, { level: 1 }) },
    ]);
  });
}

export function writeLayouts(ground: Ground, images: readonly TestImage[]): string[] {
  return images.map((image, i) => {
    const path = `${ground.directory}/layout${i}`;
    writeLayout(path, image);
    return path;
  });
}

export const start = (ground: Ground, words: readonly string[]): ChildProcess =>
  spawn(pivotPath, [...ground.roots(), ...words], { stdio: ["ignore", "ignore", "pipe"] });

/** How it ended, with what it said. */
export async function endOf(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = "";
  child.stderr?.on("data", (bytes) => {
    said += bytes;
  });
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  return { code: child.exitCode, said };
}

/** The same of a command whose output is wanted too. */
export async function startReading(ground: Ground, words: readonly string[]) {
  const child = spawn(pivotPath, [...ground.roots(), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stdout.on("data", (bytes) => {
    printed += bytes;
  });
  return { ...(await endOf(child)), printed };
}

/** The command, its program and the unpacker: the launcher and what it has started. */
export function killAll(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const below = (parent: number): number[] => {
    const children = `/proc/${parent}/task/${parent}/children`;
    if (!existsSync(children)) return [];
    return readChildren(children).flatMap((each) => [each, ...below(each)]);
  };
  for (const each of [pid, ...below(pid)]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

function readChildren(path: string): number[] {
  try {
    const text = readFileSync(path, "latin1").trim();
    return text === "" ? [] : text.split(/\s+/).map(Number);
  } catch {
    return [];
  }
}

export const layersOf = ({ root }: Ground): string[] =>
  readdirSync(`${root}/layers`).filter((name) => /^[0-9a-f]{64}$/.test(name));

export const idOf = ({ config }: TestImage): string => digestOf(config);
