/**
 * The library: images from registries, and to them.
 *
 * ```ts
 * import { pull } from "pivot-runtime";
 *
 * const { digest } = await pull("debian:12", { platform: "linux/arm64" });
 * ```
 */

import { checkPull, checkPush } from "./check-request.ts";
import { defaultRoots } from "./container/roots.ts";
import { ImageError, quote } from "./image/error.ts";
import type { Descriptor } from "./image/manifest.ts";
import type { RegistryReference } from "./image/reference.ts";
import type { Store } from "./image/store.ts";
import type { PulledImage, PullOptions } from "./registry/pull.ts";
import type { PushOptions } from "./registry/push.ts";

type Common = {
  /** Where images are kept; default: as the command line has it. */
  readonly dataRoot?: string;
  /** `linux/arm64`, `linux/arm/v7`. */
  readonly platform?: string;
};

/** Mirrors, credentials and patience come from the machine and the environment unless they are given. */
export type PullRequest = Common & Omit<PullOptions, "platform" | "executor">;
export type PushRequest = Common & Omit<PushOptions, "platform">;

async function prepare(
  text: string,
  { dataRoot, platform }: Common,
): Promise<{
  store: Store;
  reference: RegistryReference;
  platform?: PullOptions["platform"] & {};
}> {
  const [{ parseReference }, { openStore }, { parsePlatform }] = await Promise.all([
    import("./image/reference.ts"),
    import("./image/store.ts"),
    import("./image/platform.ts"),
  ]);
  const reference = parseReference(text);
  if (reference.transport !== "registry") {
    throw new ImageError("invalid-reference", `${quote(text)} is an image in a file`);
  }
  const root = dataRoot ?? defaultRoots(process.geteuid?.() ?? 0, process.env).dataRoot;
  const store = openStore(root);
  return {
    store,
    reference,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
  };
}

/**
 * Pulls an image into the store.
 *
 * @throws ImageError in one line; WishError when the request makes no sense; the signal's reason
 */
export async function pull(image: string, request: PullRequest = {}): Promise<PulledImage> {
  checkPull(request);
  const { dataRoot: _, platform: __, ...rest } = request;
  const { store, reference, ...platform } = await prepare(image, request);
  const [{ pullImage }, { executorPath }] = await Promise.all([
    import("./registry/pull.ts"),
    import("./executor/locate.ts"),
  ]);
  return pullImage(store, reference, { executor: executorPath(), ...rest, ...platform });
}

/**
 * Pushes an image of the store, as it is.
 *
 * @returns the descriptor of its manifest
 * @throws ImageError in one line; WishError when the request makes no sense; the signal's reason
 */
export async function push(image: string, request: PushRequest = {}): Promise<Descriptor> {
  checkPush(request);
  const { dataRoot: _, platform: __, ...rest } = request;
  const { store, reference, ...platform } = await prepare(image, request);
  const { pushImage } = await import("./registry/push.ts");
  return pushImage(store, reference, { ...rest, ...platform });
}
