/** What the tests of pulling share: stores of their own, and little patience. */
import { patience } from "../../../test/patience.ts";
import { ImageError } from "../../image/error.ts";
import { parseReference, type RegistryReference } from "../../image/reference.ts";
import { type Store } from "../../image/store.ts";
import { unpackerOptions } from "../../image/testing/fixture.ts";
import type { Credentials } from "../credentials.ts";
import type { Patience } from "../patience.ts";
import { type PulledImage, type PullOptions, pullImage } from "../pull.ts";
import { noSettings } from "../settings.ts";

export const impatient: Patience = {
  attempts: 3,
  firstDelay: 5,
  longestDelay: 20,
  answer: 2_000 * patience,
  stall: 200 * patience,
};

export function referenceOf(text: string): RegistryReference {
  const reference = parseReference(text);
  if (reference.transport !== "registry") throw new Error(`${text} is none of a registry`);
  return reference;
}

/** Everything that a pull would find out by itself, said. */
export function pullOptions(credentials?: Credentials): PullOptions {
  return {
    ...unpackerOptions(),
    platform: { os: "linux", architecture: "amd64", variant: undefined },
    settings: noSettings,
    findCredentials: async () => credentials,
    patience: impatient,
  };
}

export const pull = (
  store: Store,
  text: string,
  more: Partial<PullOptions> = {},
): Promise<PulledImage> => pullImage(store, referenceOf(text), { ...pullOptions(), ...more });

/** The one line that a pull fails with. */
export async function failureOf(work: Promise<unknown>): Promise<ImageError> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ImageError) || error.message.includes("\n")) throw error;
    return error;
  }
  throw new Error("it did not fail");
}
