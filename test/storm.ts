// Commands of the engine at random, many at once or killed at any moment: for tests of some seconds
// (storm.test.ts), and for long ones (test/engine/storm.engine.ts).

import { expect } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { killAll } from "./image-crash.ts";
import { patience } from "./patience.ts";
import { type Ground, pivotPath } from "./pivot.ts";

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the commands work on: a few names, so that they meet. */
export type Field = {
  readonly ground: Ground;
  readonly random: () => number;
  /** `HOST/name:tag` in a registry; null: nothing is pulled. */
  readonly remote: string | null;
  /** Of an image, as `save` writes it. */
  readonly archive: string;
};

const pick = <T>({ random }: Field, from: readonly [T, ...T[]]): T =>
  from[Math.floor(random() * from.length)] ?? from[0];

/** The image, an archive of it, and files to copy, so that all commands have something to do. */
export function prepareField(ground: Ground, seed: number, remote: string | null): Field {
  const archive = `${ground.directory}/image.tar`;
  const words = ["run", "--rm", "busybox", "true"];
  expect(ground.pivot(words)).toMatchObject({ code: 0, stderr: "" });
  expect(ground.pivot(["save", "-o", archive, "busybox"])).toMatchObject({ code: 0 });
  mkdirSync(`${ground.directory}/files`);
  for (let i = 0; i < 50; i++) writeFileSync(`${ground.directory}/files/${i}`, "x".repeat(i * 1e3));
  return { ground, random: seededRandom(seed), remote, archive };
}

const container = (field: Field): string => `c${Math.floor(field.random() * 6)}`;
const image = (field: Field): string => `made:${Math.floor(field.random() * 4)}`;
const volume = (field: Field): string => `v${Math.floor(field.random() * 3)}`;
const waits = ["busybox", "sleep", "1000"];

/** Whatever changes something, and can be left half done. */
const changes: readonly [(field: Field) => string[], ...((field: Field) => string[])[]] = [
  (f) => ["run", "-d", "--name", container(f), "-m", "64m", ...waits],
  (f) => ["run", "-d", "--name", container(f), "-v", `${volume(f)}:/etc`, ...waits],
  (f) => ["run", "-d", "--name", container(f), "--restart", "always", "busybox", "sleep", ".05"],
  () => ["run", "-d", "--rm", "busybox", "sleep", ".1"],
  () => ["run", "--rm", "-v", "/anonymous", "busybox", "true"],
  (f) => ["create", "--name", container(f), ...waits],
  (f) => ["start", container(f)],
  (f) => ["stop", "-t", "0", container(f)],
  (f) => ["restart", "-t", "0", container(f)],
  (f) => ["kill", container(f)],
  (f) => ["rm", "-f", container(f)],
  (f) => ["rm", "-f", "-v", container(f)],
  (f) => ["rename", container(f), container(f)],
  (f) => ["exec", container(f), "true"],
  (f) => ["commit", container(f), image(f)],
  (f) => ["cp", `${f.ground.directory}/files`, `${container(f)}:/tmp`],
  (f) => [
    "cp",
    `${container(f)}:/bin`,
    `${f.ground.directory}/out-${Math.floor(f.random() * 1e9)}`,
  ],
  (f) => ["tag", "busybox", image(f)],
  (f) => ["rmi", "-f", image(f)],
  (f) => ["load", "-q", "-i", f.archive],
  (f) => (f.remote === null ? ["load", "-q", "-i", f.archive] : ["pull", "-q", f.remote]),
  (f) => (f.remote === null ? ["rmi", image(f)] : ["rmi", f.remote]),
  (f) => ["volume", "create", volume(f)],
  (f) => ["volume", "rm", volume(f)],
];

/** What is quick to say, and what sweeps over all the others' work. */
const others: readonly [(field: Field) => string[], ...((field: Field) => string[])[]] = [
  (f) => ["pause", container(f)],
  (f) => ["unpause", container(f)],
  () => ["container", "prune", "-f"],
  () => ["image", "prune", "-f"],
  () => ["volume", "prune", "-af"],
  () => ["system", "prune", "-f"],
  () => ["ps", "-as"],
  () => ["images", "-a"],
  () => ["system", "df"],
  () => ["stats", "--no-stream", "-a"],
  (f) => ["logs", container(f)],
  (f) => ["top", container(f)],
  (f) => ["inspect", container(f)],
  (f) => ["diff", container(f)],
  (f) => ["port", container(f)],
];

const commandOf = (field: Field): string[] =>
  field.random() < 0.7 ? pick(field, changes)(field) : pick(field, others)(field);

type Ended = {
  readonly words: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
};

function begin({ ground }: Field, words: readonly string[]): [ChildProcess, Promise<Ended>] {
  const child = spawn(pivotPath, [...ground.roots(), ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.once("exit", (code, signal) =>
      // What it started may keep the pipe for a moment; what it said itself is there.
      setTimeout(() => resolve({ words: words.join(" "), code, signal, stderr }), 20),
    ),
  );
  return [child, ended];
}

/** Why a command may say no, when others work on the same things. */
const refusals = [
  /no such (container|image|volume|object)/i,
  /is (not |already )?(running|paused|in use)/,
  /renaming a container with the same name/,
  /name .* in use|used by|(?<!File )exists|has (just )?ended|copies into (this|it)|about to (start again|be removed)/,
  /container \S+ (was (removed|started) meanwhile|has just ended)/,
  /is removed when it ends|another container has this name/,
  // Another has ended what is starting.
  /stopped by signal|was ended by signal 9/,
] as const;

/** One that is neither done nor refused by clear words, one a line. */
const isWrong = ({ code, signal, stderr }: Ended): boolean => {
  if (code === 0) return false;
  if (signal !== null || code === null) return true;
  // 137: what `exec` and `run` waited for was killed by another.
  if (stderr === "") return code !== 137;
  const lines = stderr.trimEnd().split("\n");
  return !lines.every(
    (line) => /^pivot: (?!internal)/.test(line) && refusals.some((each) => each.test(line)),
  );
};

/** So many commands, of which `width` run at once. What went wrong, as an error. */
export async function crowd(field: Field, count: number, width: number): Promise<void> {
  const wrong: Ended[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const [child, ended] = begin(field, commandOf(field));
      const timer = setTimeout(() => killAll(child), 60_000 * patience);
      const end = await ended;
      clearTimeout(timer);
      if (isWrong(end)) wrong.push(end);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  expect(wrong).toEqual([]);
}

/** So many commands, one after the other, each killed within the time that they take. */
export async function kills(field: Field, count: number): Promise<void> {
  const { ground, random } = field;
  for (let i = 0; i < count; i++) {
    const [child, ended] = begin(field, pick(field, changes)(field));
    await Bun.sleep(random() * 80);
    // The command alone, or with all that it has started so far: its monitor too.
    if (random() < 0.5) child.kill("SIGKILL");
    else killAll(child);
    await ended;
    if (i % 10 === 9) {
      const ran = ground.pivot(["ps", "-as"]);
      expect({ after: i, code: ran.code, stderr: ran.stderr }).toEqual({
        after: i,
        code: 0,
        stderr: "",
      });
    }
  }
}

/** Everything goes, by the commands for it, and nothing is left: whatever happened before. */
export async function cleared({ ground }: Field): Promise<void> {
  const ok = (...words: string[]): string => {
    const { code, stdout, stderr } = ground.pivot(words, { timeout: 60_000 });
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
    return stdout.trim();
  };
  // A policy may start one again in this very moment, and a --rm one may go.
  for (let i = 0; i < 3; i++) {
    const ids = ok("ps", "-aq", "--no-trunc").split("\n").filter(Boolean);
    if (ids.length > 0) ground.pivot(["rm", "-f", ...ids], { timeout: 60_000 });
  }
  expect(ok("ps", "-aq")).toBe("");
  ok("system", "check", "--repair");
  ok("system", "prune", "-af", "--volumes");
  ok("volume", "prune", "-af");
  expect(ok("system", "check")).toEndWith("all is as it should be");
  expect(ok("volume", "ls", "-q")).toBe("");
  await ground.expectNothingLeft();
}
