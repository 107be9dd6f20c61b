// What the cases share: compiled programs, roots, bundles, the seccomp filter, the image.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BundleOptions,
  makeBusyboxRoot,
  type SeccompProfile,
  seccompSection,
  writeBundle,
} from "./bundle.ts";
import { command, findProgram } from "./command.ts";
import { compile } from "./compile.ts";
import { hideDirectory, type Workbench } from "./workbench.ts";

/** A program that runs in the container, by a name under which a bundle can be kept. */
export interface Payload {
  readonly name: string;
  readonly argv: readonly string[];
}

export const ends: Payload = { name: "true", argv: ["/bin/true"] };
export const stays: Payload = { name: "sleep", argv: ["/bin/sleep", "1000"] };

export interface Site {
  readonly bench: Workbench;
  /** The busybox root directory, never written to. */
  readonly root: string;
  /** An overlay over it, mounted once: a root that is there before the container. */
  readonly prepared: string;
  /** Where the floor makes the directories of its overlays, on the same disk. */
  readonly scratch: string;
  /** The same in a tmpfs, which tells the disk's part. */
  readonly memoryScratch: string;
  /** An archive of the root, to import as an image. */
  readonly archive: string;
  readonly programs: { readonly floor: string; readonly stopwatch: string };
  /** The section of config.json and the filter that it becomes, or why there is none. */
  readonly seccomp: Seccomp | { readonly unavailable: string };
  readonly env: NodeJS.ProcessEnv;
}

export interface Seccomp {
  readonly section: ReturnType<typeof seccompSection>;
  /** A file of `struct sock_filter`. */
  readonly filter: string;
}

const profilePaths = ["/usr/share/containers/seccomp.json", "/etc/containers/seccomp.json"];

/** Builds all of it in the workbench. */
export function makeSite(bench: Workbench): Site {
  const within = (name: string) => join(bench.dir, name);
  const root = within("root");
  makeBusyboxRoot(root);
  for (const name of ["prepared", "upper", "work", "scratch"]) mkdirSync(within(name));
  const options = `lowerdir=${root},upperdir=${within("upper")},workdir=${within("work")}`;
  command(["mount", "-t", "overlay", "-o", options, "overlay", within("prepared")]);
  const memoryScratch = "/run/pivot-bench-scratch";
  mkdirSync(memoryScratch);
  command(["tar", "-C", root, "-cf", within("root.tar"), "."]);
  return {
    bench,
    root,
    prepared: within("prepared"),
    scratch: within("scratch"),
    memoryScratch,
    archive: within("root.tar"),
    programs: {
      floor: compile("floor.c", within("floor")),
      stopwatch: compile("stopwatch.c", within("stopwatch")),
    },
    seccomp: makeSeccomp(bench, within("prepared")),
    env: { ...process.env, CONTAINERS_CONF: writePodmanSettings(within("containers.conf")) },
  };
}

/**
 * Resolves the profile that podman installs and has crun compile it (with libseccomp), so
 * that the floor installs the very filter that crun and runc install.
 */
function makeSeccomp(bench: Workbench, root: string): Site["seccomp"] {
  const profile = profilePaths.find(existsSync);
  if (profile === undefined) return { unavailable: `no profile at ${profilePaths.join(" or ")}` };
  const crun = findProgram("crun");
  if (crun === null) return { unavailable: "crun, which compiles the profile, is not installed" };
  const section = seccompSection(JSON.parse(readFileSync(profile, "utf8")) as SeccompProfile);
  const bundle = writeBundle(join(bench.dir, "bundle-filter"), {
    root,
    argv: ends.argv,
    cgroupsPath: `${bench.cgroupPath}/filter`,
    seccomp: section,
  });
  const state = join(bench.dir, "crun-filter");
  const filter = join(bench.dir, "filter.bpf");
  try {
    // A created container keeps its standard streams: a pipe of ours would never end.
    spawnSync(crun, ["--root", state, "create", "--bundle", bundle, "filter"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    writeFileSync(filter, readFileSync(join(state, "filter/seccomp.bpf")));
  } catch (error) {
    return { unavailable: `crun gave no filter: ${String(error)}` };
  } finally {
    command([crun, "--root", state, "delete", "--force", "filter"]);
  }
  return { section, filter };
}

/** Limits that need no CAP_SYS_RESOURCE, and no journal. */
function writePodmanSettings(path: string): string {
  writeFileSync(
    path,
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=32768:32768"]
[engine]
events_logger = "none"
`,
  );
  return path;
}

/** Writes a bundle for the payload, once. */
export function bundleFor(
  { bench, prepared }: Site,
  payload: Payload,
  options: Pick<BundleOptions, "cgroupsPath" | "seccomp">,
): string {
  const kind = [
    payload.name,
    options.cgroupsPath === undefined ? "bare" : "cgroups",
    options.seccomp === undefined ? "open" : "seccomp",
  ];
  const directory = join(bench.dir, `bundle-${kind.join("-")}`);
  if (existsSync(directory)) return directory;
  return writeBundle(directory, { root: prepared, argv: payload.argv, ...options });
}

/** Imports the root into podman's storage, which lies in the workbench. */
export function importWithPodman({ bench, archive, env }: Site, podman: readonly string[]): void {
  hideDirectory(bench, "/var/lib/containers");
  command([...podman, "import", archive, "busybox"], { env });
}
