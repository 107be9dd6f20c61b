// The part of an OCI configuration that the seccomp compiler reads, and the error it answers with.

/** A 64-bit argument value. A JSON number above 2^53 has lost digits: pass such a value as bigint. */
export type ArgumentValue = number | bigint;

/** `linux.seccomp.syscalls[].args[]` of the OCI runtime specification 1.3. */
export interface ArgumentRule {
  /** Which argument of the call: 0 to 5. */
  readonly index: number;
  /** What to compare with; for SCMP_CMP_MASKED_EQ, the mask. */
  readonly value: ArgumentValue;
  /** For SCMP_CMP_MASKED_EQ, what the masked argument has to equal. */
  readonly valueTwo?: ArgumentValue | undefined;
  /** SCMP_CMP_EQ, NE, LT, LE, GT, GE or MASKED_EQ. */
  readonly op: string;
}

/** `linux.seccomp.syscalls[]` of the OCI runtime specification 1.3. */
export interface SyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args?: readonly ArgumentRule[] | undefined;
}

/** `linux.seccomp` of the OCI runtime specification 1.3. */
export interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly flags?: readonly string[] | undefined;
  readonly listenerPath?: string | undefined;
  readonly listenerMetadata?: string | undefined;
  readonly syscalls?: readonly SyscallRule[] | undefined;
}

/**
 * Why a profile cannot be compiled. `expected` and `received` are noun phrases: together they read
 * "syscalls[3].errnoRet: expected no errno for SCMP_ACT_ALLOW, received 1".
 */
export interface Problem {
  /** Where, in the terms of the profile and from the seccomp object on: `syscalls[3].errnoRet`. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;
}

/** Either a value or the reason why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly problem: Problem;
}

export function refuse(path: string, expected: string, received: string): Refusal {
  return { ok: false, problem: { path, expected, received } };
}

/** A string of the profile as it is shown in a problem: on one line, and not too long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
