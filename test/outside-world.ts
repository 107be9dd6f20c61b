// A machine with pivot, and another one outside of it with names and servers (outside.ts); and why there
// may be none here.

import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { Host, Machine, whyNoNetworks } from "./network-world.ts";
import { patience } from "./patience.ts";
import { type Ground, pivotPath } from "./pivot.ts";

const isThere = (name: string): boolean =>
  ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].some((each) => existsSync(`${each}/${name}`));

export const whyNoEgress: string | undefined =
  whyNoNetworks ?? (isThere("nft") ? undefined : "nft is not installed");

export const whyNoPasta: string | undefined =
  whyNoNetworks ?? (isThere("pasta") ? undefined : "pasta is not installed");

const zone = {
  "example.com": ["203.0.113.7", "2001:db8::7"],
  "www.example.com": ["example.com"],
  "other.example.org": ["203.0.113.8"],
  "a.wild.example": ["203.0.113.8"],
  "near.wild.example": ["10.1.2.3"],
  "meta.example": ["169.254.169.254"],
};

/** The machine outside is reached by these addresses. */
export const outsideAddresses = [
  "203.0.113.1",
  "203.0.113.7",
  "203.0.113.8",
  "2001:db8::1",
  "2001:db8::7",
] as const;

export class OutsideWorld {
  readonly machine: Machine;
  readonly outside: Machine;
  readonly host: Host;
  readonly #servers: ChildProcess;
  readonly #log: string;

  private constructor(
    host: Host,
    outside: Machine,
    { servers, log }: { servers: ChildProcess; log: string },
  ) {
    this.host = host;
    this.machine = host.machine;
    this.outside = outside;
    this.#servers = servers;
    this.#log = log;
  }

  static async make(ground: Ground): Promise<OutsideWorld> {
    const machine = await Machine.make();
    const outside = await Machine.make();
    machine.connect(
      outside,
      ["203.0.113.2/24", "2001:db8::2/64"],
      [...outsideAddresses].map((each) => `${each}/${each.includes(":") ? 64 : 24}`),
    );
    machine.say(["ip", "route", "add", "default", "via", "203.0.113.1"]);
    machine.say(["ip", "-6", "route", "add", "default", "via", "2001:db8::1"]);
    mkdirSync(ground.directory, { recursive: true });
    const log = `${ground.directory}/outside.log`;
    const program = [process.execPath, new URL("outside.ts", import.meta.url).pathname];
    const words = [...program, outsideAddresses.join(","), JSON.stringify(zone)];
    const servers = outside.start(["sh", "-c", `exec "$@" >${log} 2>&1`, "sh", ...words]);
    const world = new OutsideWorld(new Host(ground, machine), outside, { servers, log });
    for (let i = 0; i < 500 * patience && !world.heard().includes("ready"); i++)
      await Bun.sleep(20);
    return world;
  }

  /** What the servers outside have printed: the names that they were asked for. */
  heard(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  /** A container that goes with its program; what it printed, and pivot's own words. */
  run(flags: readonly string[], script: string): { readonly out: string; readonly err: string } {
    const dns = flags.includes("--dns") ? [] : ["--dns", "203.0.113.1"];
    const words = ["run", "--rm", ...dns, ...flags, "busybox", "sh", "-c", script];
    const { stdout, stderr } = this.machine.ran([pivotPath, ...this.host.ground.roots(), ...words]);
    return { out: stdout, err: stderr };
  }

  /** Lines that tell of refusals. */
  static refusals(text: string): string[] {
    return text.split("\n").filter((line) => line.startsWith("egress refused: "));
  }

  close(): void {
    this.#servers.kill("SIGKILL");
    this.outside.close();
    this.machine.close();
  }
}

/** Until it is so; false: not in five seconds, or longer on a slow machine. */
export async function soon(isSo: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100 * patience && !isSo(); i++) await Bun.sleep(50);
  return isSo();
}

export const title = (name: string, why: string | undefined) => (why ? `${name}: ${why}` : name);
