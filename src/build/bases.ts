/** Gives images of the store to the builder: `FROM busybox` works without any registry. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { findImage, type PullImage, type PullPolicy } from "../container/find-image.ts";
import { ImageError } from "../image/error.ts";
import { whileHeld } from "../image/hold.ts";
import { closureOf, findImageByText } from "../image/images.ts";
import type { Descriptor } from "../image/manifest.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { findReference, type Store } from "../image/store.ts";
import { type Builder, buildah, buildahText } from "./buildah.ts";

export type BasesWish = {
  readonly store: Store;
  /** `missing` unless given. */
  readonly pull?: PullPolicy;
  readonly pullImage: PullImage;
};

/** What the builder is to call an image: a digest can be no name of its own there. */
function builderName({ name, digest }: RegistryReference): string {
  if (digest === undefined) return name;
  return `${name.slice(0, name.indexOf("@"))}:${digest.replace(":", "-")}`;
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

async function giveBase(
  builder: Builder,
  { store, pull = "missing", pullImage }: BasesWish,
  reference: RegistryReference,
): Promise<void> {
  await findImage({ store, reference: reference.name, cwd: "/", pull, pullImage });
  const manifest = findReference(store, reference.name);
  const name = builderName(reference);
  if (await isThere(builder, name, manifest)) return;
  const { image } = await findImageByText(store, reference.name);
  const layout = `${builder.temporary}/${layoutName}`;
  await whileHeld(store, await closureOf(store, image), async () => {
    writeLayout(store, layout, manifest);
    // A relative path: older ones make a name of the path, which may not be any.
    const said = await buildahText(builder, ["pull", "--quiet", `oci:${layoutName}`]);
    await buildahText(builder, ["tag", said.split("\n").at(-1) ?? "", name]);
  });
  rmSync(layout, { recursive: true });
}

/**
 * Brings the images that are named into the store when they are not there, and gives them on.
 *
 * @param names as a Dockerfile has them; what is in files is the builder's own to find
 * @returns why some cannot be had, in one line each: the builder may not need them
 * @throws WishError when the builder does not take one
 */
export async function giveBases(
  builder: Builder,
  wish: BasesWish,
  names: readonly string[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const name of names) {
    try {
      const reference = parseReference(name);
      if (reference.transport === "registry") await giveBase(builder, wish, reference);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
