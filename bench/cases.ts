// The table of cases: who makes the container, from what root, with how much isolation.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { command, findProgram } from "./command.ts";
import { type Namespace, namespaces } from "./proof.ts";
import { bundleFor, importWithPodman, type Payload, type Site } from "./site.ts";

/** What a row of the result says about a case. */
export interface About {
  readonly id: string;
  /** `prepared` is mounted before the run; `fresh` is mounted by it and removed after it. */
  readonly root: "host" | "prepared" | "fresh" | "fresh, tmpfs";
  readonly cgroups: boolean;
  readonly seccomp: boolean;
}

/** A case that is a command, timed from spawn to exit. */
export interface CommandCase extends About {
  /** Why the case cannot run here. */
  readonly unavailable?: string | undefined;
  /** Namespaces that are left to the host; otherwise none is. */
  readonly shares?: readonly Namespace[];
  /** Called once, before the first run. */
  readonly prepare?: () => void;
  /** The command that runs the payload and waits for it. The program is an absolute path. */
  readonly argv: (payload: Payload) => readonly string[];
  /** The command that leaves the payload running, where there is one. */
  readonly detached?: (payload: Payload) => readonly string[];
  /** Whether memory is measured while a container runs; one case per program is enough. */
  readonly resident?: boolean;
  /** Removes what a failed or interrupted run may have left. */
  readonly reset?: () => void;
}

/** All cases, in the order of the table. */
export function commandCases(site: Site): CommandCase[] {
  return [...floorCases(site), ...sandboxCases(site), ...ociCases(site), ...engineCases(site)];
}

/** The command line of the floor program; `lane` keeps containers apart that run at once. */
export function floorArgv(
  site: Site,
  about: Omit<About, "id">,
  payload: Payload,
  { lane = "", engine = false }: { readonly lane?: string; readonly engine?: boolean } = {},
) {
  const { root, prepared, bench, seccomp, programs } = site;
  const scratch = about.root === "fresh" ? site.scratch : site.memoryScratch;
  return [
    programs.floor,
    ...(about.root === "prepared"
      ? ["--root", prepared]
      : ["--overlay", root, "--scratch", scratch]),
    ...(about.cgroups ? bench.cgroups.flatMap((path) => ["--cgroup", `${path}/floor${lane}`]) : []),
    ...(engine ? ["--engine", site.memoryScratch] : []),
    ...(about.seccomp && "filter" in seccomp ? ["--seccomp", seccomp.filter] : []),
    "--",
    ...payload.argv,
  ];
}

function floorCases(site: Site): CommandCase[] {
  const bare = { root: "prepared", cgroups: false, seccomp: false } as const;
  const cgroups = site.bench.cgroups.length > 0;
  const full = { id: "floor", root: "fresh", cgroups, seccomp: true } as const;
  const floor = (about: About): CommandCase => ({
    ...about,
    unavailable: about.seccomp ? seccompMissing(site) : undefined,
    argv: (payload) => floorArgv(site, about, payload),
  });
  return [
    {
      id: "true",
      root: "host",
      cgroups: false,
      seccomp: false,
      shares: namespaces,
      argv: ({ argv: [path = "", ...rest] }) => [join(site.root, path), ...rest],
    },
    {
      ...floor({ id: "floor-no-net", ...bare }),
      shares: ["net"],
      argv: (payload) => floorArgv(site, bare, payload).toSpliced(1, 0, "--no-net"),
    },
    floor({ id: "floor-bare", ...bare }),
    floor({ id: "floor-no-seccomp", root: "prepared", cgroups, seccomp: false }),
    floor({ id: "floor-prepared", root: "prepared", cgroups, seccomp: true }),
    floor({ id: "floor-tmpfs", root: "fresh, tmpfs", cgroups, seccomp: true }),
    { ...floor(full), resident: true },
    {
      ...floor({ ...full, id: "floor-engine" }),
      argv: (payload) => floorArgv(site, full, payload, { engine: true }),
    },
  ];
}

export function sandboxCases({ root, prepared }: Site): CommandCase[] {
  const bare = { cgroups: false, seccomp: false } as const;
  const separate = ["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup"];
  const mounts = ["--bind", prepared, "/", "--proc", "/proc", "--dev", "/dev"];
  const unshare = program("unshare");
  const bwrap = program("bwrap");
  return [
    {
      id: "unshare",
      root: "host",
      ...bare,
      ...unshare,
      argv: ({ argv: [path = "", ...rest] }) => [
        unshare.path,
        ...separate,
        "--fork",
        "--mount-proc",
        join(root, path),
        ...rest,
      ],
    },
    {
      id: "bwrap",
      root: "prepared",
      ...bare,
      ...bwrap,
      resident: true,
      argv: ({ argv }) => [bwrap.path, "--unshare-all", ...mounts, "--", ...argv],
    },
  ];
}

function ociCases(site: Site): CommandCase[] {
  const oci = (name: "crun" | "runc", about: About): CommandCase => {
    const { path, unavailable } = program(name);
    const section = "section" in site.seccomp ? site.seccomp.section : undefined;
    const options = {
      cgroupsPath: about.cgroups ? `${site.bench.cgroupPath}/${name}` : undefined,
      seccomp: about.seccomp ? section : undefined,
    };
    const run = about.cgroups ? ["run"] : ["--cgroup-manager", "disabled", "run"];
    return {
      ...about,
      unavailable: unavailable ?? (about.seccomp ? seccompMissing(site) : undefined),
      argv: (payload) => [path, ...run, "--bundle", bundleFor(site, payload, options), about.id],
      reset: () => void command([path, "delete", "--force", about.id]),
    };
  };
  const root = "prepared";
  return [
    oci("crun", { id: "crun-bare", root, cgroups: false, seccomp: false }),
    oci("crun", { id: "crun-no-seccomp", root, cgroups: true, seccomp: false }),
    { ...oci("crun", { id: "crun", root, cgroups: true, seccomp: true }), resident: true },
    oci("runc", { id: "runc-no-seccomp", root, cgroups: true, seccomp: false }),
    { ...oci("runc", { id: "runc", root, cgroups: true, seccomp: true }), resident: true },
  ];
}

/** Engines: an image by name, a fresh root for each container, docker's isolation. */
function engineCases(site: Site): CommandCase[] {
  const full = { root: "fresh", cgroups: true, seccomp: true } as const;
  const { bench } = site;
  const podman = program("podman");
  const storage = join(bench.dir, "podman");
  const base = [
    podman.path,
    "--root",
    storage,
    "--runroot",
    "/run/pivot-bench-podman",
    "--storage-driver",
    "overlay",
    "--cgroup-manager",
    "cgroupfs",
  ];
  const importOnce = once(() => importWithPodman(site, base));
  const parent = bench.cgroups.length > 0 ? ["--cgroup-parent", bench.cgroupPath] : [];
  // On cgroup v1 podman leaves the cgroup namespace to the host unless it is told not to.
  const own = [...parent, "--cgroupns", "private"];
  const podmanCase = (runtime: string): CommandCase => {
    const foreground = [...base, "--runtime", runtime, "run", "--rm", "--network", "none"];
    const run = ({ argv }: Payload, ...options: string[]) =>
      foreground.concat(own, options, "busybox", argv);
    return {
      id: `podman-${runtime}`,
      ...full,
      unavailable: podman.unavailable ?? program(runtime).unavailable,
      prepare: importOnce,
      argv: (payload) => run(payload),
      detached: (payload) => run(payload, "--detach"),
      reset: () => void command([...base, "rm", "--force", "--all"], site),
    };
  };
  return [{ ...podmanCase("crun"), resident: true }, podmanCase("runc"), ...pivotCases(site)];
}

function pivotCases({ bench, prepared, env }: Site): CommandCase[] {
  const repository = join(import.meta.dirname, "..");
  const pivot = (about: About, name: string, ...source: string[]): CommandCase => {
    const path = join(repository, name);
    const base = [path, "--root", pivotStore(bench.dir), "run", "--rm", "--net", "none"];
    return {
      ...about,
      unavailable: existsSync(path) ? undefined : `there is no ${name} in the repository`,
      // The first run makes the image.
      prepare: () => void command([...base, ...source, "/bin/true"], { env }),
      argv: ({ argv }) => [...base, ...source, ...argv],
    };
  };
  const binary = "build/pivot";
  const fresh = { root: "fresh", cgroups: true, seccomp: true } as const;
  const open = ["--security-opt", "seccomp=unconfined", "busybox"];
  return [
    pivot({ id: "pivot-rootfs", ...fresh, root: "prepared" }, binary, "--rootfs", prepared),
    pivot({ id: "pivot-no-seccomp", ...fresh, seccomp: false }, binary, ...open),
    { ...pivot({ id: "pivot", ...fresh }, binary, "busybox"), resident: true },
    pivot({ id: "pivot-script", ...fresh }, "pivot", "busybox"),
  ];
}

/** pivot's images and writable layers: on the same disk as everybody's. */
export const pivotStore = (dir: string): string => join(dir, "pivot");

export function program(name: string): { path: string; unavailable: string | undefined } {
  const path = findProgram(name);
  return { path: path ?? name, unavailable: path ? undefined : `${name} is not installed` };
}

function seccompMissing({ seccomp }: Site): string | undefined {
  return "unavailable" in seccomp ? seccomp.unavailable : undefined;
}

/** The function, called at most once; a failure is told to every later caller too. */
export function once(act: () => void): () => void {
  let outcome: { failed?: unknown } | undefined;
  return () => {
    if (!outcome) {
      outcome = {};
      try {
        act();
      } catch (error) {
        outcome = { failed: error };
      }
    }
    if ("failed" in outcome) throw outcome.failed;
  };
}
