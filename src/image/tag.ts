/** Gives an image of the store another name. */
import { prepareStore } from "./blob.ts";
import { ImageError, quote } from "./error.ts";
import { whileHeld } from "./hold.ts";
import { closureOf, findImageByText } from "./images.ts";
import { entryOf, writeRecord, writeReference } from "./names.ts";
import { parseReference } from "./reference.ts";
import { findTyped, type Store } from "./store.ts";

/**
 * @param source as typed, or an image ID
 * @param target a registry reference without a digest; what it stood for is found by its ID
 * @returns the target's normal form
 * @throws ImageError
 */
export async function tagImage(store: Store, source: string, target: string): Promise<string> {
  const reference = parseReference(target);
  if (reference.transport !== "registry" || reference.digest !== undefined) {
    throw new ImageError(
      "invalid-reference",
      `${quote(target)} cannot be given to an image: a tag is NAME[:TAG], without a digest`,
    );
  }
  await prepareStore(store);
  const { image } = await findImageByText(store, source);
  await whileHeld(store, await closureOf(store, image), async () => {
    // Looked up again, now that nobody takes it away.
    const entry = entryOf(findTyped(store, source).descriptor);
    if (entry?.config !== image.id) {
      throw new ImageError("busy", `${quote(source)} changed meanwhile: try again`);
    }
    await writeRecord(store, entry);
    await writeReference(store, reference.name, entry);
  });
  return reference.name;
}
