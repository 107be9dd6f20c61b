/** Images in files: OCI layouts and archives of docker save, as others make them and as nobody should. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { patience } from "../../test/patience.ts";
import { digestOf } from "./blob.ts";
import {
  type ImportOptions,
  importDockerArchive,
  importOciLayout,
  loadDockerArchive,
} from "./import.ts";
import { listReferences } from "./names.ts";
import { blobPath, openStore, resolveImage, type Store } from "./store.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";
import {
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerOptions,
} from "./testing/fixture.ts";
import {
  base,
  expectClean,
  makeImage,
  simple,
  type TestImage,
  top,
  writeLayout,
} from "./testing/image.ts";
import { file } from "./testing/members.ts";

const named = (image: TestImage, name: string) => ({
  ...image.manifest,
  annotations: { "org.opencontainers.image.ref.name": name },
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

function manifestJson(text: string, ...more: readonly TarMember[]): Buffer {
  return tarArchive([...more, file("manifest.json", text)]);
}

describe.skipIf(!isRoot)("images in files (need root: owners are kept)", () => {
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

  test.each([
    ["plain", (tar: Buffer) => tar],
    ["gzip", (tar: Buffer) => gzipSync(tar)],
    ["zstd", (tar: Buffer) => zstdCompressSync(tar)],
  ] as const)("an archive of docker save, %s", async (_, pack) => {
    const path = fresh();
    writeFileSync(path, pack(savedArchive()));
    const loaded = await loadDockerArchive(store, path, options);
    // The second has no name, and is the same image.
    expect(loaded.map((image) => image.references)).toEqual([["docker.io/library/first:1"]]);
    expect(resolveImage(store, "first:1").layers.map(outline)).toEqual(
      [base, top].map((_tar, i) => outline(loaded[0]?.layers[i] ?? "")),
    );
    const id = loaded[0]?.id ?? "";
    for (const typed of [id, id.slice(7), id.slice(7, 19)]) {
      expect(resolveImage(store, typed).layers).toEqual(loaded[0]?.layers ?? []);
    }
    // What came compressed is kept compressed, and what came plain plain.
    for (const blob of [base, gzipSync(top)]) {
      expect(readFileSync(blobPath(store, digestOf(blob))).equals(blob)).toBe(true);
    }
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
    expectClean(store, 2);
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
    60_000 * patience,
  );
});
