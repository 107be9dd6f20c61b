// Gathers what is to be written to which controller's files, and what stands against it.

import type { CgroupLayout } from "../planner/facts.ts";
import type { Problem } from "../spec/mod.ts";

/** One write to a file of the cgroup. */
export type FileWrite = {
  readonly file: string;
  readonly text: string;
  /** The configuration's field, such as `linux.resources.memory.limit`. */
  readonly why: string;
};

/** The controllers by their names in version 1, and in version 2 where it has them. */
const controllers = {
  memory: "memory",
  cpu: "cpu",
  cpuset: "cpuset",
  pids: "pids",
  blkio: "io",
  hugetlb: "hugetlb",
  rdma: "rdma",
  net_cls: null,
  net_prio: null,
} as const;

export type Controller = keyof typeof controllers;

/** A release of Linux. */
type Release = readonly [major: number, minor: number];

/** Whether a kernel is of a release or of a later one. */
const isSince = (kernel: Release, release: Release): boolean =>
  kernel[0] > release[0] || (kernel[0] === release[0] && kernel[1] >= release[1]);

export type LimitsOptions = {
  readonly layout: CgroupLayout;
  readonly kernel: Release;
  readonly rootless: boolean;
};

/** `a`, `a and b`, `a, b and c`. */
const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

const none: readonly FileWrite[] = [];

const nameControllers = (names: readonly string[]): string =>
  names.length === 0 ? "no controller" : list(names);

/** The cgroups that there are, in words. */
export function describeLayout({ v1, v2 }: CgroupLayout): string {
  const parts: string[] = [];
  if (v1.length > 0) {
    parts.push(`version 1 with ${nameControllers(v1.flatMap(({ controllers: all }) => all))}`);
  }
  if (v2 !== null) parts.push(`version 2 with ${nameControllers(v2.controllers)}`);
  return parts.length === 0
    ? "no mount of cgroups that can be written to"
    : `cgroups of ${parts.join(" and of ")}`;
}

/**
 * A collection of limits, by the controller that keeps them.
 *
 * Each limit asks first in which version of cgroups its controller lives: in a hybrid layout some
 * live in one and some in the other.
 */
export class Limits {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #writes = new Map<string, FileWrite[]>();
  readonly #options: LimitsOptions;

  constructor(options: LimitsOptions) {
    this.#options = options;
  }

  /**
   * The version of cgroups that has the controller. Where neither has it, or it is out of the
   * caller's reach, there is no version, and the limit `why` becomes a problem; unless it `lifts` what
   * is not there anyway.
   */
  version(controller: Controller, why: string, lifts = false): 1 | 2 | undefined {
    const { layout, rootless } = this.#options;
    const v1 = layout.v1.find((hierarchy) => hierarchy.controllers.includes(controller));
    if (v1 !== undefined) {
      if (!rootless) return 1;
      if (lifts) return undefined;
      this.refuse(
        why,
        `cgroups of version 2 with the controller ${controllers[controller] ?? controller}, delegated to this user`,
        `the controller ${controller} in version 1 at ${v1.mount}: run it as root, or leave this out`,
      );
      return undefined;
    }
    const name = controllers[controller];
    if (name !== null && layout.v2?.controllers.includes(name) === true) return 2;
    if (lifts) return undefined;
    if (name === null && layout.mode === "v2") {
      this.refuse(why, ...onlyInV1(`the controller ${controller}`));
    } else {
      this.#missing(layout.mode === "v2" ? (name ?? controller) : controller, why);
    }
    return undefined;
  }

  /** What is written for a controller; `name` as its version has it. */
  writes(name: string): readonly FileWrite[] {
    return this.#writes.get(name) ?? none;
  }

  /** All that is written, for whatever controller. */
  all(): readonly FileWrite[] {
    return [...this.#writes.values()].flat();
  }

  /** Adds a write. The controller is the part of the file's name before the first dot. */
  write(file: string, text: string | bigint | number, why: string): void {
    const controller = file.slice(0, file.indexOf("."));
    const writes = this.#writes.get(controller);
    const write = { file, text: String(text), why };
    if (writes === undefined) this.#writes.set(controller, [write]);
    else writes.push(write);
  }

  refuse(path: string, expected: string, received: string): void {
    this.problems.push({ path, expected, received });
  }

  /** Whether the kernel has a file that came with a release of Linux; a problem where it has not. */
  since(release: Release, file: string, why: string): boolean {
    const { kernel } = this.#options;
    if (isSince(kernel, release)) return true;
    this.refuse(
      why,
      `Linux ${release.join(".")} or later, which has ${file}`,
      `Linux ${kernel.join(".")}: leave this out, or use a newer kernel`,
    );
    return false;
  }

  isSince(release: Release): boolean {
    return isSince(this.#options.kernel, release);
  }

  #missing(controller: string, why: string): void {
    this.refuse(
      why,
      `the cgroup controller ${controller}`,
      `${describeLayout(this.#options.layout)}: mount it, start Linux without cgroup_disable=${controller}, or leave this out`,
    );
  }
}

/** What a limit that version 2 has no word for is answered. */
export const onlyInV1 = (what: string): [expected: string, received: string] => [
  `cgroups of version 1, which have ${what}`,
  "cgroups of version 2: leave this out",
];
