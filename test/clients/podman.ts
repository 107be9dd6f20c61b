// podman with roots and configuration of its own, and the runtime under test.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type CommandSettings, command, type Ended, printed } from "./command.ts";
import { imageArchive, pauseImage } from "./image.ts";
import { nothingLeftOf, runtime, world } from "./world.ts";

const base = `${world}/podman`;

/** Runtimes whose name stands in `runtime_supports_json` are asked to log in JSON. */
const configuration = (jsonRuntimes: string): string => `
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
log_driver = "k8s-file"
init_path = "${Bun.which("tini-static") ?? Bun.which("docker-init") ?? ""}"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "${pauseImage}"
runtime_supports_json = [${jsonRuntimes}]
runtime_supports_nocgroups = ["oci"]
[engine.runtimes]
oci = ["${runtime}"]
`;

const environment = {
  CONTAINERS_CONF: `${base}/containers.conf`,
  CONTAINERS_STORAGE_CONF: `${base}/storage.conf`,
};

/** For commands that want the runtime's log in JSON. */
export const withJsonLog = { ...environment, CONTAINERS_CONF: `${base}/json.conf` };

/** The whole command line. */
export const podmanWords = (words: readonly string[]): string[] => [
  "podman",
  "--runtime",
  "oci",
  "--tmpdir",
  `${base}/tmp`,
  ...words,
];

export const podmanEnvironment = {
  ...(process.env as Record<string, string>),
  ...environment,
};

/** Writes the configuration and loads the image. */
export async function preparePodman(): Promise<void> {
  if (existsSync(`${base}/containers.conf`)) return;
  mkdirSync(base, { recursive: true });
  writeFileSync(`${base}/containers.conf`, configuration(""));
  writeFileSync(`${base}/json.conf`, configuration('"oci"'));
  const storage = `driver = "overlay"\ngraphroot = "${base}/root"\nrunroot = "${base}/run"\n`;
  writeFileSync(`${base}/storage.conf`, `[storage]\n${storage}`);
  await podman(["load", "-i", await imageArchive()]);
}

/** Runs podman, however it ends. */
export const tryPodman = (
  words: readonly string[],
  settings: CommandSettings = {},
): Promise<Ended> =>
  command(podmanWords(words), { ...settings, env: { ...environment, ...settings.env } });

/** What podman prints; anything but success throws. */
export const podman = (words: readonly string[], settings: CommandSettings = {}): Promise<string> =>
  printed(podmanWords(words), { ...settings, env: { ...environment, ...settings.env } });

/** `podman run --rm` without a network. */
export const tryRun = (words: readonly string[], settings?: CommandSettings): Promise<Ended> =>
  tryPodman(["run", "--rm", "--network", "none", ...words], settings);

export const runOnce = (words: readonly string[], settings?: CommandSettings): Promise<string> =>
  podman(["run", "--rm", "--network", "none", ...words], settings);

/** A container in the background. */
export type Container = { readonly id: string; readonly pid: number };

export const inspected = (id: string, format: string): Promise<string> =>
  podman(["inspect", "--format", format, id]);

export const pidOf = async (id: string): Promise<number> =>
  Number(await inspected(id, "{{.State.Pid}}"));

/** Starts a container, lends it to a test, and removes it; nothing of it may stay. */
export async function withContainer(
  words: readonly string[],
  test: (container: Container) => Promise<void>,
): Promise<void> {
  const id = await podman(["run", "-d", "--network", "none", ...words]);
  try {
    await test({ id, pid: await pidOf(id) });
  } finally {
    await tryPodman(["rm", "-f", "-t", "0", id]);
  }
  await nothingLeftOf(id);
}
