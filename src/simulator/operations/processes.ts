/** Processes and their namespaces: fork, exit, unshare, setns, chroot, chdir. */

import { copyTree, lockTree } from "../copy.ts";
import type { Draft } from "../draft.ts";
import { lookup } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { capable } from "../rights.ts";
import { type Path, type Process, simulatedCapabilities, type UserNamespaceId } from "../state.ts";
import { climb, isMountRoot, mountTree, rootOf, topmost } from "../tree.ts";
import type { OperationOf } from "./mount.ts";

export function chdir(draft: Draft, process: Process, op: OperationOf<"chdir">): void {
  const cwd = lookup(draft, process, op.path, { directory: true });
  draft.setProcess({ ...process, cwd });
}

/** chroot(2) in fs/open.c: the working directory stays where it is. */
export function chroot(draft: Draft, process: Process, op: OperationOf<"chroot">): void {
  const root = lookup(draft, process, op.path, { directory: true });
  if (!capable(draft, process, process.userNamespace, "CAP_SYS_CHROOT")) {
    refuse("EPERM", "chroot needs CAP_SYS_CHROOT.", "Become root, of a user namespace at least.");
  }
  draft.setProcess({ ...process, root });
}

export function fork(draft: Draft, process: Process, op: OperationOf<"fork">): void {
  if (draft.findProcess(op.child) !== undefined) {
    refuse("EEXIST", `There is a process ${op.child} already.`, "Give it another number.");
  }
  draft.setProcess({ ...process, id: op.child });
}

export function exit(draft: Draft, process: Process): void {
  draft.removeProcess(process.id);
}

/** Is `/` something else than the namespace's root? current_chrooted in fs/namespace.c. */
function isChrooted(draft: Draft, process: Process): boolean {
  const namespace = draft.namespace(process.namespace);
  const root = topmost(draft, draft.mount(namespace.root));
  return process.root.mount !== root.id || !isMountRoot(draft, process.root);
}

/** A copy of the caller's mount namespace. copy_mnt_ns. */
function copyNamespace(draft: Draft, process: Process, owner: UserNamespaceId): Process {
  const old = draft.namespace(process.namespace);
  const foreign = owner !== old.owner;
  const kind = { unbindable: true, slave: foreign };
  const copies = copyTree(draft, old.root, draft.mount(old.root).root, kind);
  const root = copies.get(old.root) ?? old.root;
  if (foreign) lockTree(draft, root);
  const made = draft.addNamespace({ owner, root, anonymous: false, origin: null });
  for (const { id } of mountTree(draft, root)) draft.changeMount(id, { namespace: made.id });
  const there = (path: Path): Path => ({ ...path, mount: copies.get(path.mount) ?? path.mount });
  return { ...process, namespace: made.id, root: there(process.root), cwd: there(process.cwd) };
}

export function unshare(draft: Draft, process: Process, op: OperationOf<"unshare">): void {
  let next = process;
  if (op.namespaces.includes("user")) {
    if (isChrooted(draft, process)) {
      refuse(
        "EPERM",
        "Who is in a chroot cannot make a user namespace: it would be a way out.",
        "Leave the host's file system by pivot_root and not by chroot.",
      );
    }
    const userNamespace = draft.addUserNamespace(process.userNamespace);
    next = { ...next, userNamespace, capabilities: simulatedCapabilities };
  }
  if (op.namespaces.includes("mount")) {
    if (!capable(draft, next, next.userNamespace)) {
      refuse(
        "EPERM",
        "A mount namespace of one's own needs CAP_SYS_ADMIN.",
        "Make a user namespace with it: unshare --user --map-root-user --mount.",
      );
    }
    next = copyNamespace(draft, next, next.userNamespace);
  }
  draft.setProcess(next);
}

/** May one look into a process, and so at its namespaces? __ptrace_may_access, capabilities only. */
const mayLookInto = (draft: Draft, process: Process, target: Process): boolean =>
  process.userNamespace === target.userNamespace
    ? target.capabilities.every((capability) => process.capabilities.includes(capability))
    : capable(draft, process, target.userNamespace);

/** setns(2) with a pidfd; validate_nsset, mntns_install and userns_install. */
export function setns(draft: Draft, process: Process, op: OperationOf<"setns">): void {
  const target = draft.findProcess(op.process);
  if (target === undefined) {
    refuse("ESRCH", `There is no process ${op.process}.`, "Name one that runs.");
  }
  if (!mayLookInto(draft, process, target)) {
    refuse(
      "EPERM",
      "The process has rights that the caller has not, so its namespaces are not to be had.",
      "Enter them from the user namespace that the process is in, or from one above it.",
    );
  }
  let next = process;
  if (op.namespaces.includes("user")) {
    if (target.userNamespace === process.userNamespace) {
      refuse("EINVAL", "The process is in that user namespace already.", "Leave it out.");
    }
    if (!capable(draft, process, target.userNamespace)) {
      refuse(
        "EPERM",
        "To enter a user namespace needs rights over it: it must lie below one's own.",
        "Enter it from the user namespace that it was made in.",
      );
    }
    next = {
      ...next,
      userNamespace: target.userNamespace,
      capabilities: simulatedCapabilities,
    };
  }
  if (op.namespaces.includes("mount")) {
    const namespace = draft.namespace(target.namespace);
    // Asked of who makes the call, about the user namespace that it will then be in.
    const may =
      capable(draft, process, namespace.owner) &&
      capable(draft, process, next.userNamespace, "CAP_SYS_CHROOT") &&
      capable(draft, process, next.userNamespace);
    if (!may) {
      refuse(
        "EPERM",
        "To enter a mount namespace needs CAP_SYS_ADMIN over it, and CAP_SYS_CHROOT.",
        "Enter the user namespace that owns it first: nsenter --user --mount.",
      );
    }
    const root = climb(draft, rootOf(draft.mount(namespace.root)));
    next = { ...next, namespace: namespace.id, root, cwd: root };
  }
  draft.setProcess(next);
}
