/** What comes of an operation, and how a kernel's check that fails is told. */

import type { State } from "./state.ts";

export type Errno =
  | "EAGAIN"
  | "EBADF"
  | "EBUSY"
  | "EEXIST"
  | "EINVAL"
  | "EISDIR"
  | "ELOOP"
  | "ENODEV"
  | "ENOENT"
  | "ENOTDIR"
  | "ENOTEMPTY"
  | "EPERM"
  | "EROFS"
  | "ESRCH"
  | "EXDEV";

export type Failure = {
  readonly ok: false;
  readonly errno: Errno;
  /** The rule that was broken, in one sentence. */
  readonly rule: string;
  /** What to do about it, in one sentence. */
  readonly cure: string;
};

export type Outcome = { readonly ok: true; readonly state: State } | Failure;

/** Ends an operation at the check that failed. Never leaves `apply`, which makes it a value. */
export class Refused extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(`${failure.errno}: ${failure.rule}`);
    this.failure = failure;
  }
}

export function refuse(errno: Errno, rule: string, cure: string): never {
  throw new Refused({ ok: false, errno, rule, cure });
}
