/** The mounts of a view: the host's below overlays, and what a view has of its own. */

import { statSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import type { Facts } from "../planner/facts.ts";
import { lowerdirs, plainUpper, writableOptions } from "../planner/overlay-options.ts";
import type { Mount } from "../spec/mod.ts";
import type { Showing } from "./host-mounts.ts";

/** A mount of the host as it is shown. */
export type Shown = {
  readonly path: string;
  readonly flags: readonly string[];
  readonly showing: Showing;
  /** Holds `upper` and `work` of what is covered. */
  readonly directory?: string;
};

type MountsView = {
  readonly facts: Facts;
  readonly roots: Roots;
  readonly share: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

function shownMount({ path, flags, directory }: Shown, facts: Facts): Mount {
  if (directory === undefined) {
    return {
      destination: path,
      type: "bind",
      source: path,
      options: ["bind", "ro", "nosuid", "nodev", ...flags],
    };
  }
  return {
    destination: path,
    type: "overlay",
    source: "overlay",
    options: [
      ...lowerdirs([path], facts),
      ...writableOptions(directory),
      "volatile",
      ...plainUpper(facts.uid !== 0),
      "nosuid",
      "nodev",
      ...flags,
    ],
  };
}

const tmpfs = (destination: string, options: readonly string[]): Mount => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", "nodev", ...options],
});

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** /run and what programs expect in it: of the host's, every socket would be a way out. */
function runMounts({ facts, env }: MountsView): Mount[] {
  const own = env["XDG_RUNTIME_DIR"];
  return [
    tmpfs("/run", ["mode=755", "size=65536k"]),
    tmpfs("/run/lock", ["noexec", "mode=1777", "size=5120k"]),
    ...(own !== undefined && isBelow(own, "/run")
      ? [tmpfs(own, ["mode=700", `uid=${facts.uid}`, `gid=${facts.gid}`, "size=65536k"])]
      : []),
  ];
}

/** The engine's own directories, empty: in them a program would find the view's other side. */
const coveredMounts = ({ dataRoot, runRoot }: Roots): Mount[] =>
  [dataRoot, runRoot]
    .filter((path) => !isBelow(path, "/run"))
    .map((path) => tmpfs(path, ["ro", "noexec", "mode=755", "size=4k"]));

const sharedMount = (path: string): Mount => ({
  destination: path,
  type: "bind",
  source: path,
  options: [statSync(path).isDirectory() ? "rbind" : "bind", "rprivate", "nosuid"],
});

/**
 * @param own what every container has: /proc, /dev, /sys
 */
export function viewMounts(own: Mount[], shown: readonly Shown[], view: MountsView): Mount[] {
  const { facts, roots, share } = view;
  const others = shown.filter(({ path }) => path !== "/");
  const toMount = (list: readonly Shown[]): Mount[] => list.map((each) => shownMount(each, facts));
  return [
    ...toMount(others.filter(({ path }) => !isBelow(path, "/run"))),
    // A dozen mounts for each start with cgroup v1, and nobody to ask them.
    ...own.filter(
      ({ type }) => type !== "cgroup" || (facts.cgroups.mode === "v2" && facts.uid === 0),
    ),
    ...runMounts(view),
    ...toMount(others.filter(({ path }) => isBelow(path, "/run"))),
    ...coveredMounts(roots),
    ...share.map(sharedMount),
  ];
}
