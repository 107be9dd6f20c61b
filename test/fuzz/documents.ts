/**
 * Fuzzes what reads an image's documents and names: manifests, indexes, configurations, references,
 * challenges of registries. Each input gives a value, or an ImageError in one line.
 *
 *   bun test/fuzz/documents.ts [--seconds N] [--seed N]
 */

import { parseArgs } from "node:util";
import fc from "fast-check";
import { parseImageConfig } from "../../src/image/config.ts";
import { refuseDuplicateKeys } from "../../src/image/duplicate-key.ts";
import { ImageError } from "../../src/image/error.ts";
import {
  ociConfigType,
  ociIndexType,
  ociLayerType,
  ociManifestType,
  parseManifest,
} from "../../src/image/manifest.ts";
import { parseReference } from "../../src/image/reference.ts";
import { parseChallenge } from "../../src/registry/challenge.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});

const digest = fc.oneof(
  fc.constant(`sha256:${"a".repeat(64)}`),
  fc.constantFrom(
    "sha256:",
    "sha256:../../x",
    `sha512:${"b".repeat(128)}`,
    `sha256:${"A".repeat(64)}`,
    "md5:a",
    "",
  ),
  fc.string(),
);
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    -1,
    0,
    1e308,
    2 ** 53,
    "",
    "\0",
    "../x",
    [],
    {},
    null,
    "\u202e",
    "__proto__",
  ),
);
const types = [ociManifestType, ociIndexType, ociConfigType, ociLayerType, "a/b", ""];
const descriptor = fc.record(
  {
    mediaType: fc.oneof(fc.constantFrom(...types), odd),
    digest: fc.oneof(digest, odd),
    size: fc.oneof(fc.nat(), odd),
    urls: odd,
    annotations: fc.oneof(fc.dictionary(fc.string(), fc.string()), odd),
    platform: fc.oneof(
      fc.record({
        os: fc.constantFrom("linux", "windows"),
        architecture: fc.string(),
        variant: odd,
      }),
      odd,
    ),
  },
  { requiredKeys: [] },
);
const some = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: odd });
const manifest = fc.record(
  {
    schemaVersion: some(fc.constant(2)),
    mediaType: some(fc.constantFrom(...types)),
    config: some(descriptor),
    layers: some(fc.array(some(descriptor), { maxLength: 5 })),
    manifests: some(fc.array(some(descriptor), { maxLength: 5 })),
    subject: some(descriptor),
  },
  { requiredKeys: [] },
);
const config = fc.record(
  {
    os: some(fc.constant("linux")),
    architecture: some(fc.constant("amd64")),
    rootfs: some(
      fc.record({ type: some(fc.constant("layers")), diff_ids: some(fc.array(digest)) }),
    ),
    config: some(
      fc.record(
        {
          User: odd,
          Env: some(fc.array(fc.string())),
          Cmd: odd,
          Entrypoint: odd,
          WorkingDir: odd,
          Volumes: odd,
          ExposedPorts: odd,
          StopSignal: odd,
          Labels: odd,
          Healthcheck: odd,
        },
        { requiredKeys: [] },
      ),
    ),
    history: odd,
  },
  { requiredKeys: [] },
);

/** The text of a document, sometimes with a key twice, cut short, or with other bytes in it. */
const textOf = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(value, fc.nat(9), fc.nat(10_000), fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .map(([document, kind, at, bytes]) => {
      const text = Buffer.from(JSON.stringify(document) ?? "null");
      if (kind === 0) return text.subarray(0, at % (text.length + 1));
      if (kind === 1) {
        text.set(bytes.subarray(0, text.length), at % Math.max(1, text.length - bytes.length));
        return text;
      }
      return kind === 2 ? Buffer.from(text.toString().replace("{", '{"layers":1,')) : text;
    });

const parts = fc.constantFrom(
  "a",
  "A",
  "registry.example",
  ":5000",
  "/",
  "@sha256:",
  "b".repeat(64),
  ":tag",
  "..",
  "[::1]",
  "localhost",
  "oci:",
  " ",
  "\0",
  "%2f",
  "-",
  "_",
  "é",
);
const reference = fc.oneof(
  fc.string(),
  fc.array(parts, { maxLength: 9 }).map((all) => all.join("")),
);
const challenge = fc
  .array(
    fc.constantFrom(
      "Bearer ",
      "Basic ",
      'realm="https://a/t"',
      "realm=",
      "service=",
      '"',
      "\\",
      ",",
      " ",
      "=",
      "a",
      "\0",
    ),
    { maxLength: 14 },
  )
  .map((all) => all.join(""));

/** Fails for anything but a value or one clear line. */
function clear(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (/[\n\r\0]/.test(error.message)) throw new Error("more than a line", { cause: error });
  }
}

const targets: readonly (readonly [string, fc.IRawProperty<[unknown]>])[] = [
  [
    "manifests and indexes",
    fc.property(textOf(manifest), (bytes) => {
      for (const type of [ociManifestType, ociIndexType])
        clear(() => parseManifest(bytes, type, "it"));
      clear(() => refuseDuplicateKeys(bytes.toString(), "it"));
    }) as fc.IRawProperty<[unknown]>,
  ],
  [
    "configurations",
    fc.property(textOf(config), (bytes) =>
      clear(() => parseImageConfig(bytes, "it")),
    ) as fc.IRawProperty<[unknown]>,
  ],
  [
    "references",
    fc.property(reference, (text) => clear(() => parseReference(text))) as fc.IRawProperty<
      [unknown]
    >,
  ],
  [
    "challenges",
    fc.property(challenge, (text) => void parseChallenge(text)) as fc.IRawProperty<[unknown]>,
  ],
];

const seed = Number(values.seed);
const milliseconds = (Number(values.seconds) * 1000) / targets.length;
for (const [name, property] of targets) {
  const outcome = fc.check(property, {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
  }) as fc.RunDetails<[unknown]>;
  const found = outcome.failed && outcome.counterexample !== null;
  console.log(`${name}: ${outcome.numRuns} runs, --seed ${seed}`);
  if (!found) continue;
  console.log(`${String(outcome.errorInstance)}\n${fc.stringify(outcome.counterexample)}`);
  process.exitCode = 1;
}
