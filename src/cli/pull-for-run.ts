/** Pulls the image that `run` lacks, as docker tells of it: on standard error. */

import { executorPath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { ImageError } from "../image/error.ts";
import type { Platform } from "../image/manifest.ts";
import type { RegistryReference } from "../image/reference.ts";
import { findReference, type Store } from "../image/store.ts";
import { pullImage } from "../registry/pull.ts";
import { reachLoopbackDirectly } from "./direct-loopback.ts";
import { interruptible } from "./interrupt.ts";
import { familiarName, pullOne } from "./pull.ts";
import { noDisplay } from "./pull-progress.ts";

function isThere(store: Store, { name }: RegistryReference): boolean {
  try {
    findReference(store, name);
    return true;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}

export async function pullForRun(
  store: Store,
  reference: RegistryReference,
  { isQuiet, platform }: { readonly isQuiet: boolean; readonly platform: Platform | undefined },
): Promise<void> {
  if (!isQuiet && !isThere(store, reference)) {
    writeAll(2, `Unable to find image '${familiarName(reference)}' locally\n`);
  }
  reachLoopbackDirectly(process.env);
  await interruptible((signal) => {
    const chosen = platform === undefined ? {} : { platform };
    const options = { executor: executorPath(), signal, ...chosen };
    return isQuiet
      ? pullImage(store, reference, { ...options, ...noDisplay })
      : pullOne(store, reference, options, 2);
  });
}
