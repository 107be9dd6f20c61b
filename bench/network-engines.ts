// The engines whose networks are compared: each on a machine of its own, so that nobody's packets go
// through another one's rules, with the same image.

import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { netavarkPath } from "../src/network/installed.ts";
import { program } from "./cases.ts";
import { command } from "./command.ts";
import { socketOf, startDockerd } from "./dockerd.ts";
import { ordinaryUser, type Pair, type Through } from "./places.ts";
import type { Site } from "./site.ts";

export const image = "bench:networks";

/** An engine with one kind of network. */
export interface Engine {
  readonly name: "pivot" | "podman" | "docker";
  readonly network: "bridge" | "pasta" | "slirp4netns";
  /** Why it cannot run here. */
  readonly unavailable: string | undefined;
  readonly pair: Pair;
  /** Leads to its machine, and makes its user. */
  readonly through: Through;
  /** The program, with the options before its command. */
  readonly words: readonly string[];
  /** Options of `run` that make it isolate as much as the others. */
  readonly isolation: readonly string[];
  /** The daemon that does the work: its processes are none of the command's. */
  readonly daemon?: () => Promise<AsyncDisposable>;
}

/** A command line of `run`, without the way to its place. */
export const runWords = (
  { words, isolation }: Engine,
  options: readonly string[],
  payload: readonly string[],
): string[] => [...words, "run", ...isolation, ...options, image, ...payload];

/** Runs a command of an engine to its end, and returns what it prints. */
export const tell = (
  { env }: Site,
  { through, words }: Engine,
  ...more: readonly string[]
): string => command([...through, ...words, ...more], { env });

/** What is one engine's in the world's directory. */
interface Ground {
  readonly site: Site;
  readonly world: string;
  readonly pairs: readonly Pair[];
}

/** How many machines there have to be. */
export const machines = 5;

/** All engines, in the order of the tables. */
export function engines(ground: Ground): Engine[] {
  const [first, second, third, fourth, fifth] = ground.pairs;
  if (!(first && second && third && fourth && fifth)) throw new Error("too few machines");
  return [
    pivotByRoot(ground, first),
    podmanByRoot(ground, second),
    docker(ground, third),
    pivotByUser(ground, fourth),
    podmanByUser(ground, fifth),
  ];
}

const pivot = join(import.meta.dirname, "../build/pivot");
const noNetavark = netavarkPath() === null ? "netavark is not installed" : undefined;

function pivotByRoot({ world }: Ground, pair: Pair): Engine {
  const roots = ["--root", join(world, "pivot"), "--runroot", join(world, "pivot-run")];
  return {
    name: "pivot",
    network: "bridge",
    unavailable: noNetavark,
    pair,
    through: pair.host.through,
    words: [pivot, ...roots],
    isolation: [],
  };
}

function pivotByUser({ site, world }: Ground, pair: Pair): Engine {
  return {
    name: "pivot",
    network: "pasta",
    unavailable: program("pasta").unavailable,
    pair,
    through: [...pair.host.through, ...ordinaryUser(site, join(world, "u"), "range")],
    words: [pivot],
    isolation: [],
  };
}

const settings =
  "--storage-driver overlay --cgroup-manager cgroupfs --log-level error --runtime crun";

const podman = (): Pick<Engine, "name" | "unavailable" | "words" | "isolation"> => ({
  name: "podman",
  unavailable: ["podman", "crun"].map((name) => program(name).unavailable).find(Boolean),
  words: [program("podman").path, ...settings.split(" ")],
  // On cgroup v1 it leaves the cgroup namespace to the host unless it is told not to.
  isolation: ["--cgroupns", "private"],
});

function podmanByRoot({ world }: Ground, pair: Pair): Engine {
  const { words, unavailable, ...rest } = podman();
  const roots = ["--root", join(world, "podman"), "--runroot", join(world, "podman-run")];
  return {
    ...rest,
    network: "bridge",
    unavailable: unavailable ?? noNetavark,
    pair,
    through: pair.host.through,
    words: [...words, ...roots],
  };
}

function podmanByUser({ site, world }: Ground, pair: Pair): Engine {
  const { unavailable, ...rest } = podman();
  return {
    ...rest,
    network: "slirp4netns",
    unavailable: unavailable ?? program("slirp4netns").unavailable,
    pair,
    through: [...pair.host.through, ...ordinaryUser(site, join(world, "p"), "range")],
  };
}

function docker({ world }: Ground, pair: Pair): Engine {
  const directory = join(world, "docker");
  const needs = ["docker", "dockerd", "containerd", "runc", "iptables"];
  const { path } = program("docker");
  return {
    name: "docker",
    network: "bridge",
    unavailable: needs.map((name) => program(name).unavailable).find(Boolean),
    pair,
    through: pair.host.through,
    words: [path, "-H", socketOf(directory)],
    isolation: ["--cgroupns", "private"],
    daemon: () => {
      mkdirSync(directory);
      return startDockerd(path, directory, { networkBy: pair.host.through });
    },
  };
}

/**
 * Adds iperf3 and the libraries that it is linked with to the site's root, and makes an archive of an
 * image of it, which every engine can load.
 *
 * @returns the archive
 */
export function makeImage(site: Site, iperf: string, world: string): string {
  const linked = [...command(["ldd", iperf]).matchAll(/(\/\S+) \(0x/g)].map(
    ([, path = ""]) => path,
  );
  for (const path of [iperf, ...linked]) {
    mkdirSync(dirname(join(site.root, path)), { recursive: true });
    copyFileSync(path, join(site.root, path));
  }
  const [tar, archive] = [join(world, "root.tar"), join(world, "image.tar")];
  command(["tar", "-C", site.root, "-cf", tar, "."]);
  const store = [pivot, "--root", join(world, "image"), "--runroot", join(world, "image-run")];
  command([...store, "import", tar, image]);
  command([...store, "save", "-o", archive, image]);
  command(["chmod", "644", archive]);
  return archive;
}
