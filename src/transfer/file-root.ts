/** Where a container's files are, by what is known of it. */

import { existsSync } from "node:fs";
import { baseLayer } from "../container/base-layer.ts";
import type { RecordedMount } from "../container/record.ts";
import { WishError } from "../container/wish-error.ts";
import type { Container } from "../engine/status.ts";
import { kernelFacts } from "../host/facts.ts";
import { ownersKind } from "../host/idmapped.ts";
import { foreignNamespaces } from "../host/join.ts";
import { layerPath, openStore } from "../image/store.ts";
import { volumeKind } from "../options/volume-mount.ts";
import { copiedMark } from "../planner/copied-root.ts";
import type { FileRoot, StoredMount, StoredUsers } from "../planner/file-root.ts";
import { copiesOf } from "../planner/users.ts";
import { readVolume } from "../volume/store.ts";

/** What these commands need to know of a container: the engine's own has it. */
export type TransferContainer = Pick<
  Container,
  "id" | "name" | "directory" | "record" | "process" | "status"
>;

const dataDirectory = ({ id, record }: TransferContainer): string =>
  `${record.dataRoot}/containers/${id}`;

/** What the container writes: there as soon as it was started once. */
export const upperOf = (container: TransferContainer): string =>
  `${dataDirectory(container)}/upper`;

/** The layers that its root is made of, the lowest first; null: its root is a directory. */
export function layersOf({ record }: TransferContainer): readonly string[] | null {
  if (record.source.kind !== "stored") return null;
  const store = openStore(record.dataRoot);
  const layers = record.source.chainIds.map((id) => layerPath(store, id));
  return [baseLayer(record.dataRoot), ...layers];
}

/** The same as what the container wrote lies on: copies with owners of its user namespace, if it has some. */
export function lowersOf(container: TransferContainer): readonly string[] | null {
  const layers = layersOf(container);
  const data = dataDirectory(container);
  return layers !== null && existsSync(`${data}/layers`) ? copiesOf(layers, data) : layers;
}

/** What was in memory is gone, and an anonymous volume of a container that is not kept, too. */
const storedMount = (
  { source, destination, readonly, volume }: RecordedMount,
  { record }: TransferContainer,
): StoredMount[] => {
  const mount = { destination, readonly, subpath: null };
  if (source === "") return [];
  if (volume === undefined) return [{ ...mount, source }];
  const options = readVolume(record, volume)?.options ?? {};
  const kind = volumeKind(options);
  // A file system of its own is there only while the container runs.
  if (kind === "own") return [];
  const asked = record.options.mounts?.find((each) => each.target === destination);
  const subpath = asked?.type === "volume" ? (asked.subpath ?? null) : null;
  const device = kind === "bind" ? (options["device"] ?? source) : source;
  return [{ ...mount, source: device, subpath }];
};

/** Its root is no overlay, but a copy of the layers: nothing says what was changed in it. */
export const isCopied = (container: TransferContainer): boolean =>
  existsSync(copiedMark(dataDirectory(container)));

/** Its mounts as it would have them if it ran: outer ones first. */
function storedMounts(container: TransferContainer): StoredMount[] {
  const mounts = container.record.mounts.flatMap((mount) => storedMount(mount, container));
  return mounts
    .filter(({ source }) => existsSync(source))
    .toSorted((a, b) => a.destination.split("/").length - b.destination.split("/").length);
}

/** What was never started is as the image has it, with the owners that it has there. */
export function usersOf({ id, record }: TransferContainer, isNeeded: boolean): StoredUsers | null {
  const { idMappings, dataRoot } = record;
  if (!idMappings || !isNeeded) return null;
  return {
    maps: idMappings,
    owners: ownersKind({ dataRoot, id, of: dataRoot, maps: idMappings }, kernelFacts()),
    dataRoot,
  };
}

/**
 * @param writable something is to be copied into it
 * @throws WishError when its files cannot be reached, or must not be changed
 */
export function fileRootOf(container: TransferContainer, writable: boolean): FileRoot {
  const { record, process, directory, name, status } = container;
  if (process !== null) {
    const hasUsers = foreignNamespaces(process.pid).includes("user");
    return { kind: "running", of: `${directory}/pid`, hasUsers };
  }
  const { source } = record;
  if (status === "restarting" && writable) {
    throw new WishError([
      `container ${name} is about to start again: stop it, or wait until it runs`,
    ]);
  }
  if (writable && record.options.readOnly === true) {
    throw new WishError([`the root of container ${name} is read-only: nothing is copied into it`]);
  }
  const mounts = storedMounts(container);
  if (source.kind === "bundle") {
    throw new WishError([
      `container ${name} is made of a bundle and does not run: its files are in ${source.directory}`,
    ]);
  }
  if (source.kind === "rootfs") {
    if (writable && source.readonly) {
      throw new WishError([
        `the root of container ${name} is read-only: nothing is copied into it`,
      ]);
    }
    return { kind: "directory", path: source.directory, mounts, users: null };
  }
  if (isCopied(container)) {
    const users = usersOf(container, true);
    return { kind: "directory", path: upperOf(container), mounts, users };
  }
  const data = dataDirectory(container);
  const hasUpper = existsSync(upperOf(container));
  return {
    kind: "layers",
    layers: layersOf(container) ?? [],
    data,
    hasUpper,
    mounts,
    users: usersOf(container, hasUpper || writable),
  };
}
