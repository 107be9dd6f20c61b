/** Small images for tests, and what a store must look like after each. */
import { expect } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../blob.ts";
import { type Descriptor, ociConfigType, ociLayerType, ociManifestType } from "../manifest.ts";
import type { Store } from "../store.ts";
import { tarArchive } from "../tar-writer.ts";
import { dir, file } from "./members.ts";

export interface TestImage {
  readonly blobs: readonly Buffer[];
  readonly manifest: Descriptor;
  readonly config: Buffer;
}

export const describeBlob = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** An image of layers that may be compressed, with whatever else its documents shall say. */
export function makeImage(
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

/** A layer, one over it, and the image of both: packed with gzip and with zstd. */
export const base = tarArchive([dir("etc/"), file("etc/a", "one"), file("etc/b", "b")]);
export const top = tarArchive([file("etc/a", "two"), file("etc/.wh.b", "")]);
export const simple = makeImage([
  { tar: base, packed: gzipSync(base) },
  { tar: top, packed: zstdCompressSync(top) },
]);

/** Writes an OCI layout, or adds blobs to one. */
export function writeLayout(
  directory: string,
  image: TestImage,
  manifests: readonly object[] = [image.manifest],
): void {
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  for (const bytes of image.blobs) {
    writeFileSync(`${directory}/blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
  }
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
}

/** Nothing half-made is left, and so many layers are unpacked. */
export function expectClean(store: Store, layers: number): void {
  const names = (path: string) => {
    mkdirSync(`${store.root}/${path}`, { recursive: true });
    return readdirSync(`${store.root}/${path}`);
  };
  expect(names("layers").filter((name) => /^[0-9a-f]{64}$/.test(name))).toHaveLength(layers);
  for (const path of ["", "layers", "blobs/sha256", "refs", "images", "holds"]) {
    expect(names(path).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  }
  expect([...names("holds/use"), ...names("holds/removal")]).toEqual([]);
}
