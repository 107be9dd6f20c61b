/** Images on their way into the store: good ones, hostile ones, and many at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { patience } from "../../test/patience.ts";
import { digestOf } from "./blob.ts";
import { ImageError } from "./error.ts";
import {
  type ImportOptions,
  type ImportProgress,
  importImage,
  memorySource,
  repairImage,
} from "./import.ts";
import { type Descriptor, ociIndexType, ociLayerType, ociManifestType } from "./manifest.ts";
import { listReferences, removeReference } from "./names.ts";
import { blobPath, openStore, resolveImage, type Store } from "./store.ts";
import { tarArchive } from "./tar-writer.ts";
import {
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerOptions,
} from "./testing/fixture.ts";
import {
  base,
  describeBlob,
  expectClean,
  makeImage,
  simple,
  type TestImage,
  top,
  writeLayout,
} from "./testing/image.ts";
import { file } from "./testing/members.ts";

function blob({ digest }: Descriptor): Buffer {
  return simple.blobs.find((bytes) => digestOf(bytes) === digest) ?? Buffer.of();
}

function longer(descriptor: Descriptor): Buffer {
  return Buffer.concat([blob(descriptor), Buffer.from(" ")]);
}

function flipped(descriptor: Descriptor): Buffer {
  const bytes = Buffer.from(blob(descriptor));
  if (descriptor.mediaType === ociLayerType) bytes.fill(0xff, bytes.length - 30, bytes.length - 10);
  return bytes;
}

describe.skipIf(!isRoot)("imports (need root: owners are kept)", () => {
  let directory = "";
  let count = 0;
  let store: Store;
  let options: ImportOptions;
  const fresh = () => `${directory}/${count++}`;

  beforeAll(() => {
    directory = makeDirectory();
    options = {
      ...unpackerOptions(),
      platform: { os: "linux", architecture: "amd64", variant: undefined },
    };
  }, 60_000 * patience);
  beforeEach(() => {
    store = openStore(`${fresh()}/store`);
  });
  afterAll(() => dropDirectory(directory));

  const bring = (image: TestImage, more: Partial<ImportOptions> = {}) =>
    importImage(
      store,
      memorySource("it", image.blobs),
      image.manifest,
      ["docker.io/library/it:1"],
      { ...options, ...more },
    );

  test("an image with gzip and zstd layers, which is then resolved", async () => {
    const progress: ImportProgress[] = [];
    const imported = await bring(simple, { onProgress: (p) => progress.push(p) });
    const image = resolveImage(store, "it:1");
    expect(image).toMatchObject({
      reference: "docker.io/library/it:1",
      digest: simple.manifest.digest,
    });
    expect(image.layers).toEqual(imported.layers);
    expect(image.config.config).toMatchObject({ Cmd: ["sh"], Env: ["A=b"] });
    expect(image.layers.map(outline)).toEqual([
      ["etc directory", "etc/a file", "etc/b file"],
      ["etc directory", "etc/a file", "etc/b character 0:0"],
    ]);
    expect(readFileSync(`${image.layers[1]}/etc/a`, "utf8")).toBe("two");
    const finished = progress.filter((p) => p.kind === "layer");
    expect(finished).toMatchObject([
      { layer: 1, layers: 2, outcome: { state: "unpacked" } },
      { layer: 2, outcome: { state: "unpacked" } },
    ]);
    const last = progress.findLast((p) => p.kind === "reading");
    expect(last).toMatchObject({ done: simple.blobs[1]?.length, total: simple.blobs[1]?.length });
    expect(statSync(store.root).mode & 0o777).toBe(0o700);
    expectClean(store, 2);
  });

  test("importing it again reads no layer", async () => {
    await bring(simple);
    const progress: ImportProgress[] = [];
    await bring(simple, { onProgress: (p) => progress.push(p) });
    expect(progress.map((p) => (p.kind === "layer" ? p.outcome.state : p.kind))).toEqual([
      "layers",
      "present",
      "present",
    ]);
    expect(progress[0]).toMatchObject({ missing: [] });
  });

  test("layers that are there are not believed to be of another blob", async () => {
    await bring(simple);
    const other = tarArchive([file("etc/a", "harmless")]);
    const [diffId] = [digestOf(base)];
    for (const packed of [other, gzipSync(other)]) {
      const lie = makeImage([{ tar: base, packed, diffId }]);
      // Once from the source, and once when the store has the blob.
      for (let i = 0; i < 2; i++) {
        await expect(bring(lie)).rejects.toThrow(/layer 1 of 1 of it: its tar .* instead/);
        writeFileSync(blobPath(store, digestOf(packed)), packed);
      }
      rmSync(blobPath(store, digestOf(packed)));
    }
    // The same tar in another packing is no lie.
    const states: unknown[] = [];
    const zstd = makeImage([{ tar: base, packed: zstdCompressSync(base) }]);
    await bring(zstd, { onProgress: (p) => p.kind === "layer" && states.push(p.outcome.state) });
    expect(states).toEqual(["copied"]);
    expectClean(store, 2);
  });

  test("a lost blob or layer is brought back, and only that", async () => {
    const { layers } = await bring(simple);
    const states = async () => {
      const seen: unknown[] = [];
      await bring(simple, { onProgress: (p) => p.kind === "layer" && seen.push(p.outcome.state) });
      return seen;
    };
    rmSync(layers[0] ?? "", { recursive: true });
    expect(() => resolveImage(store, "it:1")).toThrow(/has lost its layer 1 of 2/);
    expect(await states()).toEqual(["unpacked", "present"]);
    rmSync(blobPath(store, digestOf(simple.blobs[1] ?? Buffer.of())));
    expect(await states()).toEqual(["present", "copied"]);
    rmSync(layers[1] ?? "", { recursive: true });
    await repairImage(store, "docker.io/library/it:1", options);
    expect(resolveImage(store, "it:1").layers).toEqual(layers);
    expectClean(store, 2);
  });

  test("a damaged blob is thrown away and comes again", async () => {
    const { layers } = await bring(simple);
    for (const bytes of simple.blobs) {
      writeFileSync(blobPath(store, digestOf(bytes)), Buffer.alloc(bytes.length));
    }
    expect(() => resolveImage(store, "it:1")).toThrow(/is not JSON/);
    for (const layer of layers) rmSync(layer, { recursive: true });
    await expect(repairImage(store, "docker.io/library/it:1", options)).rejects.toThrow(
      /has the digest/,
    );
    await bring(simple);
    for (const bytes of simple.blobs) {
      expect(readFileSync(blobPath(store, digestOf(bytes))).equals(bytes)).toBe(true);
    }
    expect(resolveImage(store, "it:1").layers).toEqual(layers);
  });

  test("an image without layers", async () => {
    await bring(makeImage([]));
    expect(resolveImage(store, "it:1").layers).toEqual([]);
  });

  test("the same layer twice is unpacked twice, on different ground", async () => {
    const { layers } = await bring(makeImage([{ tar: base }, { tar: base }]));
    expect(new Set(layers).size).toBe(2);
  });

  const bomb = Buffer.alloc(2_000_000);
  const big = tarArchive([file("big", "x", { content: bomb })]);
  const broken = gzipSync(base).fill(0xff, 20, 40);
  const hostile: readonly (readonly [string, TestImage, RegExp, Partial<ImportOptions>?])[] = [
    [
      "a wrong diffID",
      makeImage([{ tar: base, diffId: `sha256:${"b".repeat(64)}` }]),
      /layer 1 of 1 of it: its tar .* has the digest sha256:\w+ instead/,
    ],
    [
      "a broken gzip stream",
      makeImage([{ tar: base, packed: broken }]),
      /its gzip stream is broken/,
    ],
    [
      "a gzip stream cut short",
      makeImage([{ tar: base, packed: gzipSync(base).subarray(0, -9) }]),
      /gzip stream is broken|ends early/,
    ],
    [
      "a zstd stream cut short",
      makeImage([{ tar: base, packed: zstdCompressSync(base).subarray(0, -5) }]),
      /zstd stream (?:ends early|is broken)/,
    ],
    [
      "garbage after zstd",
      makeImage([
        { tar: base, packed: Buffer.concat([zstdCompressSync(base), Buffer.from("garbage!")]) },
      ]),
      /zstd stream/,
    ],
    [
      "garbage after gzip",
      makeImage([{ tar: base, packed: Buffer.concat([gzipSync(base), Buffer.from("garbage!")]) }]),
      /gzip stream is broken/,
    ],
    [
      "a layer that is no tar",
      makeImage([{ tar: Buffer.alloc(2000, "no tar") }]),
      /layer 1 of 1 of it: the archive is malformed/,
    ],
    [
      "a hostile entry in the second layer",
      makeImage([{ tar: base }, { tar: tarArchive([file("../x", "")]) }]),
      /layer 2 of 2 of it: entry "\.\.\/x"/,
    ],
    [
      "a gzip bomb",
      makeImage([{ tar: big, packed: gzipSync(big) }]),
      /looks like a bomb/,
      { limits: { ratioFreeBytes: 100_000 } },
    ],
    [
      "a zstd bomb",
      makeImage([{ tar: big, packed: zstdCompressSync(big) }]),
      /looks like a bomb/,
      { limits: { ratioFreeBytes: 100_000 } },
    ],
    [
      "more bytes than allowed",
      makeImage([{ tar: big }]),
      /more than 100000 bytes/,
      { limits: { expandedBytes: 100_000 } },
    ],
    ["a config for Windows", makeImage([], { config: { os: "windows" } }), /is for "windows"/],
    [
      "more layers than diff_ids",
      makeImage([{ tar: base }], { config: { rootfs: { type: "layers", diff_ids: [] } } }),
      /0 diff_ids for 1 layers/,
    ],
    [
      "a manifest that is also an index",
      makeImage([], { manifest: { manifests: [] } }),
      /must not have manifests/,
    ],
  ];
  test.each(hostile.map((c) => [c[0], c] as const))(
    "%s is refused, and leaves nothing",
    async (_, [, image, why, more]) => {
      const error = await bring(image, more).then(
        () => undefined,
        (caught) => caught,
      );
      expect(error).toBeInstanceOf(ImageError);
      expect(error.message).toMatch(why);
      expect(error.message).not.toContain("\n");
      expect(await listReferences(store)).toEqual([]);
      expectClean(store, image.blobs.length > 3 ? 1 : 0);
    },
  );

  /** Imports from a source that gives what it likes. */
  const promise = (lie: (descriptor: Descriptor) => Buffer) =>
    importImage(
      store,
      {
        name: "liar",
        async *open(descriptor) {
          yield lie(descriptor);
        },
      },
      simple.manifest,
      ["docker.io/library/it:1"],
      options,
    );

  test("blobs that are not what they are promised to be", async () => {
    await expect(promise(() => Buffer.from("{}"))).rejects.toThrow(
      /manifest .* has only 2 bytes in place of/,
    );
    await expect(promise(longer)).rejects.toThrow(/manifest .* has \d+ bytes in place of/);
    await expect(promise(flipped)).rejects.toThrow(/layer 1 of 2 of liar: /);
    const endless = (d: Descriptor) => (d.mediaType === ociLayerType ? longer(d) : blob(d));
    await expect(promise(endless)).rejects.toThrow(/more bytes than the \d+ promised/);
    expectClean(store, 0);
  });

  test("duplicate keys and nested indexes", async () => {
    const text = simple.blobs.at(-1)?.toString("utf8").replace("{", '{"schemaVersion":1,') ?? "";
    const twice = describeBlob(ociManifestType, Buffer.from(text));
    const source = memorySource("it", [...simple.blobs, Buffer.from(text)]);
    await expect(importImage(store, source, twice, [], options)).rejects.toThrow(
      /"schemaVersion" occurs twice/,
    );
    let inner: Descriptor = simple.manifest;
    const blobs = [...simple.blobs];
    for (let depth = 0; depth < 5; depth++) {
      const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [inner] }));
      blobs.push(index);
      inner = describeBlob(ociIndexType, index);
      const attempt = importImage(
        store,
        memorySource("it", blobs),
        inner,
        ["docker.io/library/x:1"],
        options,
      );
      if (depth < 4) expect((await attempt).digest).toBe(simple.manifest.digest);
      else await expect(attempt).rejects.toThrow(/nests indexes/);
    }
  });

  test("eight processes that import the same image at once", {
    timeout: 60_000 * patience,
  }, async () => {
    const members = Array.from({ length: 300 }, (_, i) => file(`d${i % 7}/f${i}`, `content ${i}`));
    const tar = tarArchive(members);
    const image = makeImage([
      { tar, packed: gzipSync(tar) },
      { tar: base },
      { tar: top, packed: zstdCompressSync(top) },
    ]);
    const layout = fresh();
    writeLayout(layout, image);
    const script = `
      const { openStore, resolveImage } = await import("${import.meta.dir}/store.ts");
      const { importOciLayout } = await import("${import.meta.dir}/import.ts");
      const store = openStore("${store.root}");
      await importOciLayout(store, "${layout}", ${JSON.stringify({ ...options, name: "docker.io/library/many:1" })});
      console.log(resolveImage(store, "many:1").digest);`;
    const children = Array.from({ length: 8 }, () =>
      spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "pipe"] }),
    );
    const outputs = await Promise.all(
      children.map(async (child) => {
        let output = "";
        child.stdout.on("data", (data) => (output += data));
        child.stderr.on("data", (data) => (output += data));
        await once(child, "close");
        return output;
      }),
    );
    expect(outputs).toEqual(outputs.map(() => `${image.manifest.digest}\n`));
    const { layers } = resolveImage(store, "many:1");
    expect(describeTree(layers[0] ?? "").size).toBe(300 + 7 + 1);
    expectClean(store, 3);
  });

  test("names: given, listed, taken away, however long", async () => {
    const names = [
      "docker.io/library/a:1",
      `registry.example:5000/${"a".repeat(250)}:${"t".repeat(128)}`,
      `oci:/${"d/".repeat(300)}:x`,
    ];
    await importImage(store, memorySource("it", simple.blobs), simple.manifest, names, options);
    expect((await listReferences(store)).map((r) => r.name)).toEqual(names.toSorted());
    for (const name of names) expect(resolveImage(store, name).reference).toBe(name);
    for (const name of names) {
      expect(await removeReference(store, name)).toBe(true);
      expect(await removeReference(store, name)).toBe(false);
      expect(() => resolveImage(store, name)).toThrow(/no image/);
    }
    expect(await listReferences(store)).toEqual([]);
  });
});
