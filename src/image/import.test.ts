/** Images on their way into the store: from layouts and archives, good ones and hostile ones. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "./blob.ts";
import { ImageError } from "./error.ts";
import {
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerOptions,
} from "./fixture.ts";
import {
  type ImportOptions,
  type ImportProgress,
  importDockerArchive,
  importImage,
  importOciLayout,
  loadDockerArchive,
  memorySource,
  repairImage,
} from "./import.ts";
import {
  type Descriptor,
  ociConfigType,
  ociIndexType,
  ociLayerType,
  ociManifestType,
} from "./manifest.ts";
import { listReferences, removeReference } from "./names.ts";
import { blobPath, openStore, resolveImage, type Store } from "./store.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";

const file = (name: string, content: string, more: Partial<TarMember> = {}): TarMember => ({
  name,
  mode: 0o644,
  content: Buffer.from(content),
  ...more,
});

interface TestImage {
  readonly blobs: readonly Buffer[];
  readonly manifest: Descriptor;
  readonly config: Buffer;
}

const describeBlob = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** An image of layers that may be compressed, with whatever else its documents shall say. */
function makeImage(
  layers: readonly { readonly tar: Buffer; readonly packed?: Buffer; readonly diffId?: string }[],
  more: { readonly config?: object; readonly manifest?: object } = {},
): TestImage {
  const config = Buffer.from(
    JSON.stringify({
      os: "linux",
      architecture: "amd64",
      config: { Cmd: ["sh"], Env: ["A=b"] },
      rootfs: { type: "layers", diff_ids: layers.map((l) => l.diffId ?? digestOf(l.tar)) },
      ...more.config,
    }),
  );
  const blobs = layers.map((l) => l.packed ?? l.tar);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: describeBlob(ociConfigType, config),
      layers: blobs.map((b) => describeBlob(ociLayerType, b)),
      ...more.manifest,
    }),
  );
  return {
    blobs: [...blobs, config, manifest],
    manifest: describeBlob(ociManifestType, manifest),
    config,
  };
}

const base = tarArchive([
  { name: "etc/", type: "directory", mode: 0o755 },
  file("etc/a", "one"),
  file("etc/b", "b"),
]);
const top = tarArchive([file("etc/a", "two"), file("etc/.wh.b", "")]);
const simple = makeImage([
  { tar: base, packed: gzipSync(base) },
  { tar: top, packed: zstdCompressSync(top) },
]);

function writeLayout(
  directory: string,
  image: TestImage,
  manifests: readonly object[] = [image.manifest],
): void {
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  for (const blob of image.blobs)
    writeFileSync(`${directory}/blobs/sha256/${digestOf(blob).slice(7)}`, blob);
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
}

const named = (image: TestImage, name: string) => ({
  ...image.manifest,
  annotations: { "org.opencontainers.image.ref.name": name },
});

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
  }, 60_000);
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

  /** Nothing half-made is left, and nothing was unpacked. */
  function expectClean(layers: number): void {
    const names = (path: string) => readdirSync(`${store.root}/${path}`);
    expect(names("layers")).toHaveLength(layers);
    for (const path of ["", "layers", "blobs/sha256", "refs"]) {
      expect(names(path).filter((name) => name.startsWith(".tmp"))).toEqual([]);
    }
  }

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
    expectClean(2);
  });

  test("importing it again reads no layer", async () => {
    await bring(simple);
    const progress: ImportProgress[] = [];
    await bring(simple, { onProgress: (p) => progress.push(p) });
    expect(progress.map((p) => p.kind === "layer" && p.outcome.state)).toEqual([
      "present",
      "present",
    ]);
  });

  test("a lost blob or layer is brought back, and only that", async () => {
    const { layers } = await bring(simple);
    const states = async () => {
      const seen: unknown[] = [];
      await bring(simple, { onProgress: (p) => p.kind === "layer" && seen.push(p.outcome.state) });
      return seen;
    };
    rmSync(layers[0] ?? "", { recursive: true });
    expect(() => resolveImage(store, "it:1")).toThrow(/layer 1 of 2 of image .* is not unpacked/);
    expect(await states()).toEqual(["unpacked", "present"]);
    rmSync(blobPath(store, digestOf(simple.blobs[1] ?? Buffer.of())));
    expect(await states()).toEqual(["present", "copied"]);
    rmSync(layers[1] ?? "", { recursive: true });
    await repairImage(store, "docker.io/library/it:1", options);
    expect(resolveImage(store, "it:1").layers).toEqual(layers);
    expectClean(2);
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
  test.each(hostile)("%s is refused, and leaves nothing", async (_, image, why, more) => {
    const error = await bring(image, more).then(
      () => undefined,
      (caught) => caught,
    );
    expect(error).toBeInstanceOf(ImageError);
    expect(error.message).toMatch(why);
    expect(error.message).not.toContain("\n");
    expect(await listReferences(store)).toEqual([]);
    mkdirSync(`${store.root}/layers`, { recursive: true });
    mkdirSync(`${store.root}/blobs/sha256`, { recursive: true });
    mkdirSync(`${store.root}/refs`, { recursive: true });
    expectClean(image.blobs.length > 3 ? 1 : 0);
  });

  test("blobs that are not what they are promised to be", async () => {
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
    const blob = ({ digest }: Descriptor) =>
      simple.blobs.find((b) => digestOf(b) === digest) ?? Buffer.of();
    await expect(promise(() => Buffer.from("{}"))).rejects.toThrow(
      /manifest .* has only 2 bytes in place of/,
    );
    const longer = (d: Descriptor) => Buffer.concat([blob(d), Buffer.from(" ")]);
    await expect(promise(longer)).rejects.toThrow(/manifest .* has \d+ bytes in place of/);
    const flipped = (d: Descriptor) => {
      const bytes = Buffer.from(blob(d));
      if (d.mediaType === ociLayerType) bytes[bytes.length - 20] ^= 1;
      return bytes;
    };
    await expect(promise(flipped)).rejects.toThrow(/layer 1 of 2 of liar: /);
    const endless = (d: Descriptor) => (d.mediaType === ociLayerType ? longer(d) : blob(d));
    await expect(promise(endless)).rejects.toThrow(/more bytes than the \d+ promised/);
    expectClean(0);
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

  test("the platform that was asked for", async () => {
    const arm = makeImage([], { config: { architecture: "arm64" } });
    const manifests = [
      { ...simple.manifest, platform: { os: "linux", architecture: "amd64" } },
      { ...arm.manifest, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
    ];
    const layout = fresh();
    writeLayout(layout, simple, manifests);
    writeLayout(layout, arm, manifests);
    const platform = { os: "linux", architecture: "arm64", variant: "v8" };
    expect((await importOciLayout(store, layout, options)).digest).toBe(simple.manifest.digest);
    expect((await importOciLayout(store, layout, { ...options, platform })).digest).toBe(
      arm.manifest.digest,
    );
  });

  test("a layout: selecting, naming, and what is said when that fails", async () => {
    const other = makeImage([{ tar: top }]);
    const layout = fresh();
    writeLayout(layout, other);
    writeLayout(layout, simple, [named(simple, "v1"), named(other, "docker.io/library/other:2")]);
    await expect(importOciLayout(store, layout, options)).rejects.toThrow(
      /has 2 images, say which: its images are "v1", "docker/,
    );
    await expect(importOciLayout(store, layout, { ...options, select: "v2" })).rejects.toThrow(
      /has no image "v2"/,
    );
    await importOciLayout(store, layout, { ...options, select: "v1" });
    await importOciLayout(store, layout, {
      ...options,
      select: "other:2",
      name: "docker.io/me/mine:1",
    });
    // What the layout calls an image does not become a name in the store.
    expect((await listReferences(store)).map((r) => r.name)).toEqual([
      "docker.io/me/mine:1",
      `oci:${layout}:v1`,
    ]);
    expect(resolveImage(store, `oci:${layout}:v1`).digest).toBe(simple.manifest.digest);
    await expect(importOciLayout(store, fresh(), options)).rejects.toThrow(/is no OCI layout/);
    writeFileSync(`${layout}/index.json`, '{"schemaVersion":2,"manifests":[],"manifests":[]}');
    await expect(importOciLayout(store, layout, options)).rejects.toThrow(
      /index.json of .* "manifests" occurs twice/,
    );
  });

  test("a blob that is a FIFO or missing does not hang", async () => {
    const layout = fresh();
    writeLayout(layout, simple);
    const path = `${layout}/blobs/sha256/${simple.manifest.digest.slice(7)}`;
    rmSync(path);
    await expect(importOciLayout(store, layout, options)).rejects.toThrow(/cannot open .* ENOENT/);
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    await expect(importOciLayout(store, layout, options)).rejects.toThrow(/is not a regular file/);
  });

  /** What docker save wrote for years: a link where two images share a layer. */
  function savedArchive(): Buffer {
    return tarArchive([
      file("one/layer.tar", "", { content: base }),
      { name: "two/layer.tar", type: "symlink", link: "../one/layer.tar" },
      file("top.tar.gz", "", { content: gzipSync(top) }),
      file("config.json", "", { content: simple.config }),
      file(
        "manifest.json",
        JSON.stringify([
          { Config: "config.json", RepoTags: ["first:1"], Layers: ["one/layer.tar", "top.tar.gz"] },
          { Config: "config.json", RepoTags: null, Layers: ["two/layer.tar", "top.tar.gz"] },
        ]),
      ),
    ]);
  }

  test.each([
    ["plain", (tar: Buffer) => tar],
    ["gzip", (tar: Buffer) => gzipSync(tar)],
    ["zstd", (tar: Buffer) => zstdCompressSync(tar)],
  ] as const)("an archive of docker save, %s", async (_, pack) => {
    const path = fresh();
    writeFileSync(path, pack(savedArchive()));
    const loaded = await loadDockerArchive(store, path, options);
    expect(loaded.map((image) => image.references)).toEqual([
      ["docker.io/library/first:1"],
      [`docker-archive:${path}:@1`],
    ]);
    expect(resolveImage(store, "first:1").layers.map(outline)).toEqual(
      [base, top].map((_tar, i) => outline(loaded[0]?.layers[i] ?? "")),
    );
    expect(resolveImage(store, `docker-archive:${path}:@1`).layers).toEqual(
      loaded[0]?.layers ?? [],
    );
    await importDockerArchive(store, path, { ...options, select: "first:1" });
    await importDockerArchive(store, path, {
      ...options,
      select: "@0",
      name: "docker.io/me/mine:1",
    });
    expect(resolveImage(store, `docker-archive:${path}:first:1`).digest).toBe(
      loaded[0]?.digest ?? "",
    );
    expect(resolveImage(store, "me/mine:1").digest).toBe(loaded[0]?.digest ?? "");
    await expect(importDockerArchive(store, path, options)).rejects.toThrow(
      /say which image: it has "docker.io/,
    );
    await expect(importDockerArchive(store, path, { ...options, select: "no:1" })).rejects.toThrow(
      /no image "no:1"/,
    );
    expectClean(2);
  });

  test("the newer kind of docker save: a layout in a tar, with the names that it gives", async () => {
    const path = fresh();
    const annotations = {
      "io.containerd.image.name": "docker.io/library/new:7",
      "org.opencontainers.image.ref.name": "7",
    };
    writeFileSync(
      path,
      tarArchive([
        ...simple.blobs.map((b) =>
          file(`blobs/sha256/${digestOf(b).slice(7)}`, "", { content: b }),
        ),
        file(
          "index.json",
          JSON.stringify({ schemaVersion: 2, manifests: [{ ...simple.manifest, annotations }] }),
        ),
        file("manifest.json", "[]"),
        file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
      ]),
    );
    expect((await loadDockerArchive(store, path, options))[0]?.references).toEqual([
      "docker.io/library/new:7",
    ]);
    await importDockerArchive(store, path, options);
    expect(resolveImage(store, `docker-archive:${path}`).digest).toBe(
      resolveImage(store, "new:7").digest,
    );
  });

  const manifestJson = (text: string, ...more: readonly TarMember[]) =>
    tarArchive([...more, file("manifest.json", text)]);
  const twins = [file("a", "1"), file("a", "2")];
  test.each([
    ["no archive", Buffer.from("hello"), /ends early|malformed/],
    ["an empty file", Buffer.alloc(0), /lacks manifest.json/],
    ["an archive of something else", tarArchive([file("x", "")]), /lacks manifest.json/],
    ["a broken gzip stream", gzipSync(base).fill(0xff, 20, 40), /gzip stream is broken/],
    ["a manifest.json that is no JSON", manifestJson("["), /is not JSON/],
    ["a manifest.json that is no list", manifestJson("{}"), /must be a list/],
    ["a config that is missing", manifestJson('[{"Config":"c","Layers":[]}]'), /has no file "c"/],
    [
      "a config that leads out",
      manifestJson('[{"Config":"../../etc/passwd","Layers":[]}]'),
      /has no file/,
    ],
    [
      "a config that is a link out",
      manifestJson('[{"Config":"l","Layers":[]}]', {
        name: "l",
        type: "symlink",
        link: "/etc/passwd",
      }),
      /has no file "l"/,
    ],
    [
      "a config that is a loop",
      manifestJson('[{"Config":"l","Layers":[]}]', { name: "l", type: "symlink", link: "l" }),
      /has no file "l"/,
    ],
    [
      "a tag that is a path",
      manifestJson('[{"Config":"c","RepoTags":["oci:/etc"],"Layers":[]}]'),
      /not a name in a registry/,
    ],
    ["two files of one name", manifestJson("[]", ...twins), /two files called "a"/],
    ["a directory", undefined, /is not a regular file|cannot open/],
  ] as const)("an archive that is %s is refused", async (_, bytes, why) => {
    const path = fresh();
    if (bytes === undefined) mkdirSync(path);
    else writeFileSync(path, bytes);
    const attempt = importDockerArchive(store, path, options);
    await expect(attempt).rejects.toThrow(why);
    await expect(attempt).rejects.toThrow(JSON.stringify(path));
  });

  test("eight processes that import the same image at once", async () => {
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
    expectClean(3);
  }, 60_000);

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

  const hasPeers = ["skopeo", "umoci"].every((tool) => spawnSync(tool, ["--version"]).status === 0);
  test.skipIf(!hasPeers)(
    "what skopeo and umoci make (skipped where they are not installed)",
    async () => {
      const work = fresh();
      mkdirSync(`${work}/files/sub`, { recursive: true });
      writeFileSync(`${work}/files/sub/file`, "hello");
      cpSync("/bin/true", `${work}/files/true`);
      const run = (program: string, ...args: readonly string[]) => {
        const done = spawnSync(program, args, { cwd: work, encoding: "utf8" });
        expect([program, ...args, done.status, done.status === 0 ? "" : done.stderr]).toEqual([
          program,
          ...args,
          0,
          "",
        ]);
      };
      run("umoci", "init", "--layout", "oci");
      run("umoci", "new", "--image", "oci:v1");
      run("umoci", "insert", "--image", "oci:v1", "files", "/opt/files");
      run("umoci", "insert", "--image", "oci:v1", "--whiteout", "/opt/files/true");
      run("umoci", "config", "--image", "oci:v1", "--config.cmd", "sh", "--config.env", "A=b");
      const copy = (to: string, ...more: readonly string[]) =>
        run("skopeo", "--insecure-policy", "copy", "--quiet", ...more, "oci:oci:v1", to);
      copy("docker-archive:docker.tar:example:1");
      copy("oci-archive:oci.tar:v1");
      copy("oci:zstd:v1", "--dest-compress-format", "zstd", "--dest-compress");
      const images = [
        await importOciLayout(store, `${work}/oci`, { ...options, select: "v1" }),
        await importOciLayout(store, `${work}/zstd`, options),
        await importDockerArchive(store, `${work}/docker.tar`, { ...options, select: "example:1" }),
        await importDockerArchive(store, `${work}/oci.tar`, options),
      ];
      // The same content, hence the same chain of layers, whichever way it came.
      for (const image of images) expect(image.layers).toEqual(images[0]?.layers ?? []);
      const resolved = resolveImage(store, `oci:${work}/oci:v1`);
      expect(resolved.config.config).toMatchObject({ Cmd: ["sh"], Env: ["A=b"] });
      expect(resolved.layers.map(outline)).toEqual([
        [
          "opt directory",
          "opt/files directory",
          "opt/files/sub directory",
          "opt/files/sub/file file",
          "opt/files/true file",
        ],
        ["opt directory", "opt/files directory", "opt/files/true character 0:0"],
      ]);
    },
    60_000,
  );
});
