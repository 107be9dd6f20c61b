/** Who may do what: capabilities in the user namespace that owns a thing. */

import type { Draft } from "./draft.ts";
import { refuse } from "./outcome.ts";
import type { Process, SimulatedCapability, UserNamespaceId } from "./state.ts";

/** Is a user namespace another one, or below it? */
function isWithin(draft: Draft, id: UserNamespaceId, top: UserNamespaceId): boolean {
  for (let at: UserNamespaceId | null = id; at !== null; at = draft.userNamespace(at).parent) {
    if (at === top) return true;
  }
  return false;
}

/** ns_capable in kernel/capability.c. */
export const capable = (
  draft: Draft,
  process: Process,
  over: UserNamespaceId,
  capability: SimulatedCapability = "CAP_SYS_ADMIN",
): boolean =>
  isWithin(draft, over, process.userNamespace) && process.capabilities.includes(capability);

/** may_mount in fs/namespace.c: the first check of every call that changes mounts. */
export function requireMayMount(draft: Draft, process: Process): void {
  if (capable(draft, process, draft.namespace(process.namespace).owner)) return;
  refuse(
    "EPERM",
    "Mounts are changed by who has CAP_SYS_ADMIN in the user namespace that owns the mount namespace.",
    "Become root, or make namespaces of your own: unshare --user --map-root-user --mount.",
  );
}
