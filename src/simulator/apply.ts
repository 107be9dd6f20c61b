/**
 * One operation on a state: what the kernel would make of it. Each check stands beside the errno
 * that it gives, in the kernel's order, with the function of fs/namespace.c that it mirrors.
 */

import { collect } from "./detach.ts";
import { Draft } from "./draft.ts";
import type { Operation } from "./operation.ts";
import * as attributes from "./operations/attributes.ts";
import * as detached from "./operations/detached.ts";
import * as files from "./operations/files.ts";
import { bind, mountNew } from "./operations/mount.ts";
import { move } from "./operations/move.ts";
import { pivotRoot } from "./operations/pivot-root.ts";
import * as processes from "./operations/processes.ts";
import { umount } from "./operations/umount.ts";
import { type Outcome, Refused, refuse } from "./outcome.ts";
import type { Process, State } from "./state.ts";

function carryOut(draft: Draft, process: Process, op: Operation): void {
  switch (op.op) {
    case "mount":
      return mountNew(draft, process, op);
    case "bind":
      return bind(draft, process, op);
    case "move":
      return move(draft, process, op);
    case "umount":
      return umount(draft, process, op);
    case "propagation":
      return attributes.propagation(draft, process, op);
    case "remount":
      return attributes.remount(draft, process, op);
    case "pivot_root":
      return pivotRoot(draft, process, op);
    case "chroot":
      return processes.chroot(draft, process, op);
    case "chdir":
      return processes.chdir(draft, process, op);
    case "mkdir":
      return files.mkdir(draft, process, op);
    case "touch":
      return files.touch(draft, process, op);
    case "symlink":
      return files.symlink(draft, process, op);
    case "rmdir":
      return files.rmdir(draft, process, op);
    case "unlink":
      return files.unlink(draft, process, op);
    case "fork":
      return processes.fork(draft, process, op);
    case "exit":
      return processes.exit(draft, process);
    case "unshare":
      return processes.unshare(draft, process, op);
    case "setns":
      return processes.setns(draft, process, op);
    case "open":
      return detached.open(draft, process, op);
    case "close":
      return detached.close(draft, process, op);
    case "open_tree":
      return detached.openTree(draft, process, op);
    case "fsmount":
      return detached.fsmount(draft, process, op);
    case "move_mount":
      return detached.moveMount(draft, process, op);
    case "mount_setattr":
      return attributes.mountSetattr(draft, process, op);
    default:
      return unreachable(op);
  }
}

function unreachable(value: never): never {
  throw new Error(`not an operation: ${JSON.stringify(value)}`);
}

/** The next state, or why there is none; the given state is not changed. */
export function apply(state: State, op: Operation): Outcome {
  const draft = new Draft(state);
  try {
    const process = draft.findProcess(op.by);
    if (process === undefined) {
      refuse("ESRCH", `There is no process ${op.by}.`, "Let a process that runs make the call.");
    }
    carryOut(draft, process, op);
    collect(draft);
    return { ok: true, state: draft.finish() };
  } catch (error) {
    if (error instanceof Refused) return error.failure;
    throw error;
  }
}
