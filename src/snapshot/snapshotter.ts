/**
 * What keeps the unpacked layers of images, and says how a container's root is made of them.
 *
 * ```
 *            prepare(diff, parents)            commit(chainId)
 *   nothing ------------------------> prepared ---------------> layer ---> root(chainIds, …)
 *                                        | abort()                | remove(chainId)
 *                                     nothing                  nothing
 * ```
 * A layer is there as a whole or not at all, whenever its maker is killed. It never changes;
 * its key, the chain ID, says what it is made of and what it lies on. A root is not mounted
 * here: it is operations of a plan, which the executor carries out inside the container's
 * mount namespace.
 */
import type { Step } from "../plan/op.ts";
import type { Facts } from "../planner/facts.ts";

/** What a layer changes: a tar, plain or compressed, as images have it. */
export type LayerDiff = {
  /** For messages. */
  readonly name: string;
  /** What the uncompressed tar must hash to. */
  readonly diffId: string;
  readonly open: () => AsyncIterable<Buffer>;
};

export type PreparedLayer = {
  /** Puts the layer in its place. False: it was there already, and this one is gone. */
  readonly commit: (chainId: string) => Promise<boolean>;
  /** Removes what was prepared; does nothing after a commit. */
  readonly abort: () => Promise<void>;
};

export type LayerUsage = {
  /** Bytes of the files that the layer brings. */
  readonly bytes: number;
};

export type RootWish = {
  /** Lowest first. */
  readonly chainIds: readonly string[];
  /** An empty directory of the container's own, for what it writes. Absolute. */
  readonly writable: string;
  /** Where init mounts it: a directory of the host. */
  readonly at: string;
  readonly facts: Pick<Facts, "kernel" | "userNamespace">;
};

export interface Snapshotter {
  /** `overlay` */
  readonly name: string;
  /**
   * Unpacks a diff on the layers below it.
   *
   * @param parents chain IDs, lowest first; all of them are there
   * @throws ImageError; nothing is left then
   */
  prepare(diff: LayerDiff, parents: readonly string[]): Promise<PreparedLayer>;
  /** Chain IDs of the layers that are there, sorted. */
  list(): Promise<readonly string[]>;
  /** Undefined if it is not there. */
  usage(chainId: string): Promise<LayerUsage | undefined>;
  /** Removes a layer, which no container and no other layer may need. False if it was not there. */
  remove(chainId: string): Promise<boolean>;
  /** The operations that make a root of layers, kept as `root`. */
  root(wish: RootWish): { readonly before: readonly Step[]; readonly steps: readonly Step[] };
}
