/** Whether netavark and aardvark-dns are on this machine. Asked at each start, so it loads nothing. */

import { accessSync, constants, existsSync } from "node:fs";
import { rootlessUser } from "../host/rootless.ts";

/** Of Debian, Fedora, Arch and Alpine, and of a build by hand. */
const directories = [
  "/usr/lib/podman",
  "/usr/libexec/podman",
  "/usr/local/libexec/podman",
  "/usr/local/lib/podman",
] as const;

export function findProgram(name: string, given: string | undefined): string | null {
  const paths = given === undefined ? directories.map((each) => `${each}/${name}`) : [given];
  return paths.find((path) => existsSync(path)) ?? null;
}

/** Its path, or null; PIVOT_NETAVARK says another. */
export const netavarkPath = (env: NodeJS.ProcessEnv = process.env): string | null =>
  findProgram("netavark", env["PIVOT_NETAVARK"]);

const systemDirectories = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/sbin", "/bin"] as const;

/** One of root's own programs, whatever the caller's path says; null when it is not there. */
export function findSystemProgram(name: string, given: string | undefined): string | null {
  const paths = given === undefined ? systemDirectories.map((each) => `${each}/${name}`) : [given];
  return paths.find((path) => existsSync(path)) ?? null;
}

/** PIVOT_PASTA says another. */
export const pastaPath = (env: NodeJS.ProcessEnv = process.env): string | null =>
  findSystemProgram("pasta", env["PIVOT_PASTA"]);

export const howToInstallPasta =
  "pasta is not installed: `apt-get install passt` does (dnf has the same name)";

/** Why pasta cannot connect a container, and what to do; null: it can. */
export function whyNoPasta(env: NodeJS.ProcessEnv = process.env): string | null {
  if (pastaPath(env) === null) return howToInstallPasta;
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return existsSync("/dev/net/tun")
      ? "pasta may not open /dev/net/tun: sudo chmod 0666 /dev/net/tun"
      : "pasta needs /dev/net/tun, which is not there: sudo modprobe tun";
  }
}

/**
 * What `--network` is when nobody says it. Bridges are made in the machine's own network namespace, by
 * its root alone: ordinary users have pasta. Without the program that makes it, it is loopback alone.
 */
export function defaultNetwork(
  isRootless: boolean,
  env: NodeJS.ProcessEnv = process.env,
): "none" | { readonly network: string } | { readonly pasta: readonly string[] } {
  if (isRootless) return whyNoPasta(env) === null ? { pasta: [] } : "none";
  return netavarkPath(env) === null ? "none" : { network: "bridge" };
}

export const isRootless = (env: NodeJS.ProcessEnv = process.env): boolean =>
  rootlessUser(env) !== null;

export const noBridge =
  "networks by name are root's: use --network pasta, or host for the machine's own";

export const howToInstall =
  "netavark is not installed: `apt-get install netavark aardvark-dns` does (dnf has the same names)";

/** A container of which nobody says anything has loopback alone, and so its plan is any other's. */
export function isLoopbackByDefault(env: NodeJS.ProcessEnv = process.env): boolean {
  const given = env["PIVOT_NETWORK"] ?? "";
  return given === "none" || (given === "" && defaultNetwork(isRootless(env), env) === "none");
}
