/**
 * A container in the runtime's own mount namespace: of `linux.namespaces` without `mount`, which by the
 * specification inherits it. Nothing is ever mounted there. The root and all in it are mounted in a
 * mount namespace that goes; at the end the whole is copied (open_tree(2)), init goes back to the
 * runtime's namespace, and makes the copy its root. Of a copy that is attached nowhere the kernel keeps
 * the mounts together for as long as a process has it as its root (dissolve_on_fput in fs/namespace.c),
 * and takes them apart with the last. So the host's table never
 * changes, nothing has to be undone, and nothing lies above the root for a chroot(2) to lead to.
 */

import type { Step } from "../plan/op.ts";
import type { Process, Spec } from "../spec/mod.ts";
import { readMountOptions } from "./mount-options.ts";
import type { Setting } from "./setting.ts";
import { bind, byInit, byParent, onHost, slot } from "./step.ts";

/** The container has no mount namespace of its own, nor one that it joins. */
export const usesRuntimeMounts = ({ linux }: Pick<Spec, "linux">): boolean =>
  linux?.namespaces?.some(({ type }) => type === "mount") !== true;

const why = "linux.namespaces: without mount, so the runtime's";

/** The slot of the runtime's mount namespace. */
const runtimes = "ns.runtime";

/** By the parent, while it is there: the namespace to go back to. */
export const planKeepRuntimeMounts: Step = byParent(
  { op: "open", at: onHost("/proc/self/ns/mnt"), flags: ["read"], into: runtimes },
  why,
);

/** The root becomes one that is mounted nowhere, in the runtime's mount namespace. */
export const planRootOfNoNamespace: readonly Step[] = [
  byInit(
    bind({
      from: slot("root"),
      recursive: true,
      propagation: "private",
      deepPropagation: true,
      into: "root",
    }),
    "a copy of all that is mounted in the root: the namespace that it was made in goes",
  ),
  byInit({ op: "setns", namespace: runtimes, type: "mount" }, why),
  byInit(
    { op: "enter_root", at: slot("root") },
    "the copy becomes /: it is attached nowhere, so there is nothing above it",
  ),
];

/** No mount of the copy is in a peer group: it is in no namespace, to which mounts could come. */
function findPropagationProblems({ linux, mounts = [] }: Spec): string[] {
  const says = (field: string, word: string): string =>
    `${field}: expected private, received ${word}: without a mount namespace (linux.namespaces) the container's mounts are in none, and no mount comes to them or goes from them`;
  const root = linux?.rootfsPropagation ?? "";
  const ofRoot = /^r?(shared|slave|unbindable)$/.test(root)
    ? [says("linux.rootfsPropagation", root)]
    : [];
  const ofMounts = mounts.flatMap(({ options = [], destination }, i) => {
    const { propagation } = readMountOptions(options);
    return propagation === "private" || propagation === "unchanged"
      ? []
      : [says(`mounts[${i}] (${destination})`, propagation)];
  });
  return [...ofRoot, ...ofMounts];
}

/** Why such a container cannot be, in one line each. */
export function findRuntimeMountsProblems(
  spec: Spec,
  { bundle, asCaller }: Pick<Setting, "bundle" | "asCaller">,
): string[] {
  if (!usesRuntimeMounts(spec)) return [];
  if (bundle === null || bundle.config === null) {
    return [
      'linux.namespaces: expected a mount namespace, received none: add { "type": "mount" }; containers without one are pivot-oci\'s alone',
    ];
  }
  const hasUsers = spec.linux?.namespaces?.some(({ type }) => type === "user") === true;
  if (hasUsers || asCaller !== undefined) {
    return [
      "linux.namespaces: expected a mount namespace beside the user namespace, received none: who is in a user namespace has no right to mount in the runtime's mount namespace, nor to enter it",
    ];
  }
  return findPropagationProblems(spec);
}

const leaving = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"] as const;

/** The namespace's root is the host's, and who has the rights may go there: setns(2). */
export function findRuntimeMountsWarnings(
  spec: Pick<Spec, "linux">,
  { capabilities = {} }: Pick<Process, "capabilities">,
): string[] {
  if (!usesRuntimeMounts(spec)) return [];
  const held = new Set(Object.values(capabilities).flat());
  return leaving.every((name) => held.has(name))
    ? [
        `linux.namespaces: without a mount namespace a program with ${leaving.join(" and ")} can leave its root, for that of the runtime's mount namespace, by setns(2): leave one of them out of process.capabilities`,
      ]
    : [];
}
