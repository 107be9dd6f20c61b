// Debian's docker-registry on a port of this machine, for tests that need a registry that others made.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

const has = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Why there can be none, in words; undefined: there can. */
export function whyNoRegistry(...others: readonly string[]): string | undefined {
  const missing = ["docker-registry", ...others].filter((program) => !has(program));
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export class DockerRegistry {
  readonly host: string;
  readonly #child: ChildProcess;

  private constructor(host: string, child: ChildProcess) {
    this.host = host;
    this.#child = child;
  }

  /**
   * Starts one that keeps everything below a directory.
   *
   * @param login whom alone it lets in; absent: everybody
   */
  static async start(
    directory: string,
    login?: { readonly username: string; readonly password: string },
  ): Promise<DockerRegistry> {
    mkdirSync(`${directory}/storage`, { recursive: true });
    const host = `127.0.0.1:${await freePort()}`;
    let auth = "";
    if (login !== undefined) {
      const hash = await Bun.password.hash(login.password, { algorithm: "bcrypt", cost: 4 });
      writeFileSync(`${directory}/htpasswd`, `${login.username}:${hash}\n`);
      auth = `auth: {htpasswd: {realm: test, path: ${directory}/htpasswd}}\n`;
    }
    writeFileSync(
      `${directory}/config.yml`,
      `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${directory}/storage}}\n${auth}http: {addr: "${host}"}\n`,
    );
    const child = spawn("docker-registry", ["serve", `${directory}/config.yml`], {
      stdio: "ignore",
    });
    const registry = new DockerRegistry(host, child);
    for (let i = 0; i < 200; i++) {
      if (await registry.#answers()) return registry;
      await Bun.sleep(25);
    }
    await registry.stop();
    throw new Error("docker-registry does not answer");
  }

  async #answers(): Promise<boolean> {
    try {
      return [200, 401].includes((await fetch(`http://${this.host}/v2/`)).status);
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}
