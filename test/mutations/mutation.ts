// A deliberate break of the sources, and the tests that have to notice it.

export type Mutation = {
  /** What is wrong then. */
  readonly name: string;
  readonly file: string;
  /** Occurs there once. */
  readonly find: string;
  readonly replace: string;
  /** A second guard of the same thing, which goes too. */
  readonly and?: { readonly find: string; readonly replace: string };
  /** Files of tests, each with a part of the tests' names or all of them. */
  readonly tests: readonly (readonly [file: string, name?: string])[];
};
