// dockerd with roots of its own, and the runtime under test as its default.

import { mkdirSync, writeFileSync } from "node:fs";
import {
  type CommandSettings,
  command,
  type Daemon,
  type Ended,
  printed,
  startDaemon,
} from "./command.ts";
import { imageArchive } from "./image.ts";
import { nothingLeftOf, runtime, world } from "./world.ts";

const base = `${world}/docker`;

export const dockerWords = (words: readonly string[]): string[] => [
  "docker",
  "-H",
  `unix://${base}/s`,
  ...words,
];

export const tryDocker = (words: readonly string[], settings?: CommandSettings): Promise<Ended> =>
  command(dockerWords(words), settings);

/** What docker prints; anything but success throws. */
export const docker = (words: readonly string[], settings?: CommandSettings): Promise<string> =>
  printed(dockerWords(words), settings);

/** Starts the daemon and loads the image. Its state is below /run, which is the world's own. */
export async function startDocker(): Promise<Daemon> {
  mkdirSync(base, { recursive: true });
  writeFileSync(`${base}/daemon.json`, "{}"); // instead of the host's
  const words = `dockerd --config-file ${base}/daemon.json --host unix://${base}/s
    --data-root ${base}/data --exec-root /run/docker --pidfile ${base}/pid
    --add-runtime tested=${runtime} --default-runtime tested
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
    --storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs`;
  const daemon = await startDaemon("dockerd", words.split(/\s+/), async () => {
    return (await tryDocker(["version"])).code === 0;
  });
  await docker(["load", "-i", await imageArchive()]);
  return daemon;
}

/** `docker run --rm` without a network. */
export const tryRun = (words: readonly string[], settings?: CommandSettings): Promise<Ended> =>
  tryDocker(["run", "--rm", "--network", "none", ...words], settings);

export const runOnce = (words: readonly string[], settings?: CommandSettings): Promise<string> =>
  docker(["run", "--rm", "--network", "none", ...words], settings);

/** A container in the background. */
export type Container = { readonly id: string; readonly pid: number };

export const inspected = (id: string, format: string): Promise<string> =>
  docker(["inspect", "--format", format, id]);

export const pidOf = async (id: string): Promise<number> =>
  Number(await inspected(id, "{{.State.Pid}}"));

/** Starts a container, lends it to a test, and removes it; nothing of it may stay. */
export async function withContainer(
  words: readonly string[],
  test: (container: Container) => Promise<void>,
): Promise<void> {
  const id = await docker(["run", "-d", "--network", "none", ...words]);
  try {
    await test({ id, pid: await pidOf(id) });
  } finally {
    await tryDocker(["rm", "-f", id]);
  }
  await nothingLeftOf(id);
}
