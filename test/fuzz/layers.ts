/**
 * Fuzzes the way of a layer from tar to disk: archives of members that know of each other (links to
 * directories that others go through, hard links, removals, PAX records), some with bytes changed. The
 * unpacker has sanitizers. Nothing outside changes, and it ends with success or one clear line.
 *
 *   bun test/fuzz/layers.ts [--seconds N] [--seed N]
 */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { ImageError } from "../../src/image/error.ts";
import { type TarMember, tarArchive } from "../../src/image/tar-writer.ts";
import { applyTar, unpackerOptions } from "../../src/image/testing/fixture.ts";
import { Canary } from "../security/canary.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});

const directory = mkdtempSync(`${realpathSync(tmpdir())}/fuzz-layers-`);
const canary = new Canary(`${directory}/outside`);

const part = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c", "file", "deep") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("..", ".", "", ".wh.a", ".wh..wh..opq", "x".repeat(255)),
  },
);
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((all) => all.join("/"));
const target = fc.oneof(
  name,
  fc.constantFrom(
    canary.path,
    `../../../../../../..${canary.path}`,
    "/",
    "/proc/self/root",
    "..",
    "/proc/self/fd/0",
  ),
);
const member: fc.Arbitrary<TarMember> = fc.record({
  name,
  // Most are what archives are made of: else nearly all are refused for one odd member.
  type: fc.constantFrom(
    ...(["file", "directory", "directory", "symlink"] as const).flatMap((type) => [type, type]),
    "file",
    "directory",
    "symlink",
    "hardlink",
    "fifo",
    "character",
    "block",
  ),
  link: target,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  content: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  deviceMajor: fc.integer({ min: 0, max: 9 }),
  deviceMinor: fc.nat(3),
  xattrs: fc.constantFrom(
    ...Array.from({ length: 12 }, () => new Map<string, string>()),
    new Map([["user.a", "b"]]),
    new Map([["trusted.overlay.redirect", "/etc"]]),
    new Map([["security.capability", "x"]]),
  ),
}) as fc.Arbitrary<TarMember>;

const archive = fc
  .tuple(
    fc.array(member, { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    fc.nat(4).map((number) => number === 0),
  )
  .map(([members, changes, isBent]) => {
    const tar = tarArchive(
      members.map((each) => ({
        ...each,
        content: each.type === "file" ? each.content : Buffer.of(),
      })) as TarMember[],
    );
    if (isBent) for (const [at, byte] of changes) tar[at % tar.length] = byte;
    return tar;
  });

let count = 0;
let applied = 0;
const options = unpackerOptions("sanitised");
const property = fc.asyncProperty(archive, async (tar) => {
  const layer = `${directory}/layer-${count++}`;
  try {
    await applyTar(tar, layer, options);
    applied++;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (/[\n\0]|Sanitizer|runtime error/.test(error.message)) throw error;
  }
  const changes = canary.changes();
  rmSync(layer, { recursive: true, force: true });
  if (changes.length > 0) throw new Error(changes.join("\n"));
});

const seed = Number(values.seed);
const outcome = await fc.check(property, {
  seed,
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: Number(values.seconds) * 1000,
  markInterruptAsFailure: false,
});
rmSync(directory, { recursive: true, force: true });
console.log(`layers: ${outcome.numRuns} runs, ${applied} of them unpacked, --seed ${seed}`);
if (outcome.failed && outcome.counterexample !== null) {
  console.log(`${String(outcome.errorInstance)}\n${fc.stringify(outcome.counterexample)}`);
  process.exitCode = 1;
}
