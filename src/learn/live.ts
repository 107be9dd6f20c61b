/** What `pivot learn` tells of this machine's containers: the shape of its answers. */

export type LiveContainer = {
  readonly id: string;
  readonly name: string;
  /** Absent: not of pivot's. */
  readonly image: string | null;
  readonly command: string;
  /** Of its first process, as the host counts. */
  readonly pid: number;
  /** /proc/PID/mountinfo. */
  readonly mountinfo: string;
};

export type Live = {
  /** The mount table of `pivot learn` itself. */
  readonly host: string;
  readonly containers: readonly LiveContainer[];
};

/** Where it is, beside the page. */
export const livePath = "api/containers";

/** The page's attribute that says that somebody answers there. */
export const servedAttribute = "data-served";
