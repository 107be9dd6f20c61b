// The cases of ordinary users: who makes the container, in which user's place, with which network.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CommandCase, once, program, sandboxCases } from "./cases.ts";
import { command } from "./command.ts";
import type { Through } from "./places.ts";
import { namespaces } from "./proof.ts";
import type { RootlessClaim } from "./rootless-proof.ts";
import type { Payload, Site } from "./site.ts";

/** A case as an ordinary user. */
export interface RootlessCase extends CommandCase, Pick<RootlessClaim, "ids"> {
  readonly network: "host" | "none" | "pasta" | "slirp4netns";
  readonly user: Through;
}

/** The users: who has subordinate ids, who has none, and one of whom another container runs. */
export interface Users {
  readonly range: Through;
  readonly single: Through;
  readonly beside: Through;
}

/** All cases, in the order of the table. */
export function rootlessCases(site: Site, users: Users): RootlessCase[] {
  const bare = { cgroups: false, seccomp: false, ids: "one", user: users.range } as const;
  const bwrap = sandboxCases(site).filter(({ id }) => id === "bwrap");
  return [
    {
      id: "true",
      root: "host",
      ...bare,
      network: "host",
      shares: namespaces,
      argv: ({ argv: [path = "", ...rest] }) => [join(site.root, path), ...rest],
    },
    ...bwrap.map((each): RootlessCase => ({ ...each, ...bare, network: "none" })),
    ...podmanCases(site, users.range),
    ...pivotCases(users),
  ];
}

const fresh = { root: "fresh", cgroups: false, seccomp: true } as const;

function podmanCases({ archive }: Site, user: Through): RootlessCase[] {
  const podman = program("podman");
  const words = "--storage-driver overlay --cgroup-manager cgroupfs --log-level error".split(" ");
  const base = [podman.path, ...words];
  // It leaves the process behind that holds podman's user namespace from then on, for all cases alike.
  const importOnce = once(() => void command([...user, ...base, "import", archive, "busybox"]));
  const podmanCase = (runtime: string, network: "none" | "slirp4netns"): RootlessCase => {
    const run = [...base, "--runtime", runtime, "run", "--rm", "--cgroupns", "private"];
    const missing = network === "none" ? undefined : program(network).unavailable;
    return {
      id: `podman-${runtime}`,
      ...fresh,
      network,
      ids: "range",
      user,
      unavailable: podman.unavailable ?? program(runtime).unavailable ?? missing,
      prepare: importOnce,
      argv: ({ argv }) => [...run, "--network", network, "busybox", ...argv],
    };
  };
  return [
    podmanCase("crun", "none"),
    podmanCase("runc", "none"),
    podmanCase("crun", "slirp4netns"),
    podmanCase("runc", "slirp4netns"),
  ];
}

function pivotCases(users: Users): RootlessCase[] {
  const path = join(import.meta.dirname, "../build/pivot");
  const absent = existsSync(path) ? undefined : "there is no build/pivot in the repository";
  const run = (network: string, ...more: string[]) => [path, "run", ...more, "--net", network];
  const pivot = (about: {
    readonly id: string;
    readonly network: "none" | "pasta";
    readonly ids: RootlessClaim["ids"];
    readonly user: Through;
    readonly prepare?: () => void;
  }): RootlessCase => ({
    ...fresh,
    // The first run makes the image.
    prepare: () => void command([...about.user, ...run("none", "--rm"), "busybox", "true"]),
    ...about,
    unavailable: absent ?? (about.network === "pasta" ? program("pasta").unavailable : undefined),
    argv: ({ argv }: Payload) => [...run(about.network, "--rm"), "busybox", ...argv],
  });
  const { range, single, beside } = users;
  const stay = once(
    () => void command([...beside, ...run("none", "-d"), "busybox", "sleep", "100000"]),
  );
  return [
    pivot({ id: "pivot", network: "none", ids: "range", user: range }),
    pivot({ id: "pivot-beside", network: "none", ids: "range", user: beside, prepare: stay }),
    pivot({ id: "pivot-single", network: "none", ids: "one", user: single }),
    pivot({ id: "pivot", network: "pasta", ids: "range", user: range }),
    pivot({ id: "pivot-beside", network: "pasta", ids: "range", user: beside, prepare: stay }),
    pivot({ id: "pivot-single", network: "pasta", ids: "one", user: single }),
  ];
}
