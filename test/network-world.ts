// Machines for tests of networks: network namespaces that are joined by veth pairs, each held by a
// process that sleeps. Whatever pivot changes in one, the machine that runs the tests keeps its own.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import { findProgram, netavarkPath } from "../src/network/installed.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";

const hasProgram = (name: string): boolean =>
  ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].some((each) => existsSync(`${each}/${name}`));

/** Why there are no networks here, in words for a test's name; undefined: there are. */
export const whyNoNetworks: string | undefined =
  whyNot ??
  (netavarkPath() === null
    ? "netavark is not installed"
    : ["ip", "unshare", "nsenter", "iptables-save"].every(hasProgram)
      ? undefined
      : "ip, unshare, nsenter or iptables is not installed");

/** Why names of containers do not resolve here. */
export const whyNoNames: string | undefined =
  whyNoNetworks ??
  (findProgram("aardvark-dns", process.env["PIVOT_AARDVARK"]) === null
    ? "aardvark-dns is not installed"
    : undefined);

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs a program of the machine itself; anything but success throws. */
export function say(words: readonly string[]): string {
  const [program = "", ...args] = words;
  const env = { ...process.env, PATH: path };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${status}: ${stderr}`);
  return stdout;
}

/** A machine of its own, as far as its network goes. */
export class Machine {
  readonly #holder: ChildProcess;
  readonly pid: number;

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.pid = pid;
  }

  static async make(): Promise<Machine> {
    const own = readlinkSync("/proc/self/ns/net");
    const holder = spawn("unshare", ["-n", "sleep", "1000"], { stdio: "ignore" });
    const pid = holder.pid ?? 0;
    for (let i = 0; i < 500 * patience && readlinkSync(`/proc/${pid}/ns/net`) === own; i++)
      await Bun.sleep(10);
    const machine = new Machine(holder, pid);
    machine.say(["ip", "link", "set", "lo", "up"]);
    return machine;
  }

  /** Words that lead a command to it. */
  get through(): string[] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`];
  }

  say(words: readonly string[]): string {
    return say([...this.through, ...words]);
  }

  /** Any command line on it, with pivot's default network. */
  ran(words: readonly string[], timeout = 60_000 * patience): Ran {
    const [program = "", ...args] = [...this.through, ...words];
    const env = { ...process.env, PATH: path, PIVOT_NETWORK: "" };
    const { status, signal, stdout, stderr } = spawnSync(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      env,
      timeout,
      killSignal: "SIGKILL",
    });
    return { code: status, signal, stdout, stderr };
  }

  /** A program that goes on; to be killed by who started it. */
  start(words: readonly string[]): ChildProcess {
    const [program = "", ...args] = [...this.through, ...words];
    const env = { ...process.env, PATH: path, PIVOT_NETWORK: "" };
    return spawn(program, args, { stdio: "ignore", env });
  }

  /** The exit code of one of many that run at once. */
  finished(words: readonly string[]): Promise<number | null> {
    const child = this.start(words);
    return new Promise((resolve) => child.once("close", (code) => resolve(code)));
  }

  /** Joins the two by a cable with these addresses at its ends. */
  connect(other: Machine, own: readonly string[], others: readonly string[]): void {
    const name = `to${other.pid}`;
    const back = `to${this.pid}`;
    this.say([
      "ip",
      "link",
      "add",
      name,
      "type",
      "veth",
      "peer",
      "name",
      back,
      "netns",
      `${other.pid}`,
    ]);
    for (const [machine, link, addresses] of [
      [this, name, own],
      [other, back, others],
    ] as const) {
      for (const address of addresses) {
        const nodad = address.includes(":") ? ["nodad"] : [];
        machine.say(["ip", "address", "add", address, "dev", link, ...nodad]);
      }
      machine.say(["ip", "link", "set", link, "up"]);
    }
  }

  close(): void {
    this.#holder.kill("SIGKILL");
  }
}

/** What a machine's network is: its interfaces, and the rules for packets without their counters. */
export function networkState(run: (words: readonly string[]) => string): string {
  const rules = ["iptables-save", "ip6tables-save"].map((each) =>
    run([each])
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .map((line) => line.replace(/\[\d+:\d+\]/, ""))
      .join("\n"),
  );
  const links = run(["ip", "-brief", "link"]).replace(/@\S+/g, "");
  const tables = hasProgram("nft") ? run(["nft", "list", "tables", "inet"]) : "";
  return [links, ...rules, tables].join("\n");
}

/** pivot on a machine, with roots of its own. */
export class Host {
  readonly ground: Ground;
  readonly machine: Machine;

  constructor(ground: Ground, machine: Machine) {
    this.ground = ground;
    this.machine = machine;
  }

  ran(words: readonly string[]): Ran {
    return this.machine.ran([pivotPath, ...this.ground.roots(), ...words]);
  }

  /** What it prints, without the last line end; anything but success throws. */
  pivot(...words: string[]): string {
    const { code, stdout, stderr } = this.ran(words);
    if (code !== 0) throw new Error(`pivot ${words.join(" ")}: ${code}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** The last line of what goes wrong. */
  refused(...words: string[]): string {
    const { code, stderr } = this.ran(words);
    if (code === 0) throw new Error(`pivot ${words.join(" ")} went well`);
    return stderr.trimEnd().split("\n").at(-1) ?? "";
  }
}
