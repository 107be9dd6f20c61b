/** Id-mapped mounts: the user namespaces whose maps say which owners are shown (config.md). */

import type { Slot, Step } from "../plan/op.ts";
import type { Mount, Spec } from "../spec/mod.ts";
import type { MountOptions } from "./mount-options.ts";
import { identity, mapLines } from "./namespaces.ts";
import { byParent, onHost } from "./step.ts";

export type Mapping =
  | {
      readonly kind: "mapped";
      /** The user namespace. */
      readonly namespace: Slot;
      readonly recursive: boolean;
      /** By the parent: what keeps the namespace in its slot, unless an earlier mount did. */
      readonly before: readonly Step[];
    }
  | { readonly kind: "problem"; readonly problem: string };

type Source = { readonly uids: string; readonly gids: string } | { readonly path: string };

/** What a mount that says `idmap` without mappings of its own takes them from, or null. */
function containersOwn({ linux }: Spec): Source | null {
  const namespace = linux?.namespaces?.find(({ type }) => type === "user");
  if (namespace === undefined) return null;
  if (namespace.path !== undefined) return { path: namespace.path };
  return {
    uids: mapLines(linux?.uidMappings ?? identity),
    gids: mapLines(linux?.gidMappings ?? identity),
  };
}

/**
 * Gives the mapping of each mount in turn, or null for one whose owners stay as they are. Mounts
 * with the same maps share a namespace.
 */
export function idmaps(spec: Spec) {
  const kept = new Map<string, Slot>();
  return (entry: Mount, { idmap, data }: MountOptions, why: string): Mapping | null => {
    const { uidMappings = [], gidMappings = [] } = entry;
    if (data.some((option) => /^r?idmap=/.test(option))) {
      const problem = "idmap takes no value: the maps go into uidMappings and gidMappings";
      return { kind: "problem", problem };
    }
    const hasOwn = uidMappings.length > 0;
    if (!hasOwn && idmap === null) return null;
    const source: Source | null = hasOwn
      ? { uids: mapLines(uidMappings), gids: mapLines(gidMappings) }
      : containersOwn(spec);
    if (source === null) {
      const problem =
        "idmap without uidMappings and gidMappings takes those of the container, which has no user namespace";
      return { kind: "problem", problem };
    }
    const recursive = idmap === "deep";
    const key = JSON.stringify(source);
    const known = kept.get(key);
    if (known !== undefined) return { kind: "mapped", namespace: known, recursive, before: [] };
    const namespace = `owners${kept.size}`;
    kept.set(key, namespace);
    const step =
      "path" in source
        ? byParent({ op: "open", at: onHost(source.path), flags: ["read"], into: namespace }, why)
        : byParent(
            {
              op: "user_namespace",
              uid_map: source.uids,
              gid_map: source.gids,
              into: namespace,
            },
            why,
          );
    return { kind: "mapped", namespace, recursive, before: [step] };
  };
}
