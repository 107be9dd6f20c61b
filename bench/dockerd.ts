// A dockerd of the benchmark's own, with an empty store: what it makes is in namespaces that end with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** Seconds until it has to answer, and until it has to have ended. */
const patience = 30;

export const socketOf = (directory: string): string => `unix://${directory}/s`;

const noNetworks =
  "--bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false";

// Whoever of the two above it dies, it does too, and its containerd with it.
const namespaces =
  "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc".split(" ");

export interface DaemonSettings {
  /** Words that lead it to a network namespace, where it makes its bridge and rules; none without. */
  readonly networkBy?: readonly string[];
}

/** Its store is below `directory`; its state in a /run that nobody else sees. */
export async function startDockerd(
  docker: string,
  directory: string,
  { networkBy }: DaemonSettings = {},
): Promise<AsyncDisposable> {
  mkdirSync(`${directory}/data`);
  writeFileSync(`${directory}/daemon.json`, "{}"); // instead of the machine's own
  const words = `dockerd --config-file ${directory}/daemon.json --host ${socketOf(directory)}
    --data-root ${directory}/data --storage-driver overlay2
    ${networkBy === undefined ? noNetworks : ""}`;
  const script = `mount -t tmpfs run /run && exec ${words.trim().replace(/\s+/g, " ")}`;
  const log = `${directory}/log`;
  const file = openSync(log, "a");
  const [program = "", ...args] = [...(networkBy ?? []), ...namespaces, "sh", "-c", script];
  const child = spawn(program, args, { stdio: ["ignore", file, file] });
  closeSync(file);
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  for (let i = 0; i < patience * 10; i++) {
    await wait(100);
    if (child.exitCode !== null) break;
    const asked = spawn(docker, ["-H", socketOf(directory), "version"], { stdio: "ignore" });
    const [code] = (await once(asked, "exit")) as [number | null];
    if (code === 0) return { [Symbol.asyncDispose]: stop };
  }
  await stop();
  const said = readFileSync(log, "utf8").trim().split("\n").at(-1);
  throw new Error(`dockerd does not answer: ${said}`);
}
