// A deliberate break of the sources, and what has to notice it.

/** What stands in a file once, and what stands there instead. */
export type Edit = {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
};

export type Mutation = Edit & {
  /** What is wrong then. */
  readonly name: string;
  /** Second guards of the same thing, which go too; without a file in the same one. */
  readonly and?: readonly (Omit<Edit, "file"> & { readonly file?: string })[];
  /** Files of tests, each with a part of the tests' names or all of them: one of these has to fail. */
  readonly tests?: readonly (readonly [file: string, name?: string])[];
  /** First advisories of rows of the security suite: each of them has to be broken. */
  readonly rows?: readonly string[];
  /** Tests of faults, each of which has to fail. */
  readonly faults?: readonly Faults[];
  /** Checks of the load test, by how they begin, a number being N: each has to say no. */
  readonly load?: readonly string[];
};

export type FaultFile = "calls" | "kills" | "registry" | "shortage";

export type Faults = {
  readonly file: FaultFile;
  /** Whole names. */
  readonly tests: readonly string[];
  /** Faults in each of them; 12 unless told. */
  readonly rounds?: number;
};

/** All edits of it. */
export const editsOf = ({ file, find, replace, and = [] }: Mutation): Edit[] => [
  { file, find, replace },
  ...and.map((each) => ({ file, ...each })),
];
