/** Gives images of the store to the builder: `FROM busybox` works without any registry. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { findImage } from "../container/find-image.ts";
import { ImageError } from "../image/error.ts";
import { whileHeld } from "../image/hold.ts";
import { closureOf, findImageByText } from "../image/images.ts";
import type { Descriptor } from "../image/manifest.ts";
import { parseReference } from "../image/reference.ts";
import { findReference, type Store } from "../image/store.ts";
import { type Builder, buildah, buildahText } from "./buildah.ts";

/** The normal form of a name that is in the store; null: the builder has to find it elsewhere. */
async function findBase(store: Store, name: string): Promise<string | null> {
  try {
    const reference = parseReference(name);
    if (reference.transport !== "registry") return null;
    await findImage({ store, reference: name, cwd: "/" });
    return reference.name;
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
}

async function isThere(builder: Builder, name: string, { digest }: Descriptor): Promise<boolean> {
  const words = ["inspect", "--type", "image", "--format", "{{.FromImageDigest}}", name];
  const { code, text } = await buildah(builder, words, { show: false });
  return code === 0 && text.trim() === digest;
}

const layoutName = "base";

/** A layout of one image, whose blobs are the store's own. */
function writeLayout(store: Store, directory: string, manifest: Descriptor): void {
  const { mediaType, digest, size } = manifest;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const manifests = [{ mediaType, digest, size }];
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  symlinkSync(`${store.root}/blobs`, `${directory}/blobs`);
}

/**
 * @param names as a Dockerfile has them
 * @throws WishError when the builder does not take an image
 */
export async function giveBases(
  builder: Builder,
  store: Store,
  names: readonly string[],
): Promise<void> {
  for (const typed of names) {
    const name = await findBase(store, typed);
    if (name === null) continue;
    const manifest = findReference(store, name);
    if (await isThere(builder, name, manifest)) continue;
    const { image } = await findImageByText(store, name);
    const layout = `${builder.temporary}/${layoutName}`;
    await whileHeld(store, await closureOf(store, image), async () => {
      writeLayout(store, layout, manifest);
      // A relative path: older ones make a name of the path, which may not be any.
      const said = await buildahText(builder, ["pull", "--quiet", `oci:${layoutName}`]);
      await buildahText(builder, ["tag", said.split("\n").at(-1) ?? "", name]);
    });
    rmSync(layout, { recursive: true });
  }
}
