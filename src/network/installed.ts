/** Whether netavark and aardvark-dns are on this machine. Asked at each start, so it loads nothing. */

import { existsSync } from "node:fs";

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

/** Its path, or null; PIVOT_PASTA says another. */
export const pastaPath = (env: NodeJS.ProcessEnv = process.env): string | null =>
  findSystemProgram("pasta", env["PIVOT_PASTA"]);

export const howToInstall =
  "netavark is not installed: `apt-get install netavark aardvark-dns` does (dnf has the same names)";

/** A container of which nobody says anything has loopback alone, and so its plan is any other's. */
export function isLoopbackByDefault(env: NodeJS.ProcessEnv = process.env): boolean {
  const given = env["PIVOT_NETWORK"] ?? "";
  return given === "none" || (given === "" && netavarkPath(env) === null);
}
