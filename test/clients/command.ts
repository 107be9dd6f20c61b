// Commands of clients, run to their end or kept in the background.

import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { until, world } from "./world.ts";

/** What a command came to. */
export type Ended = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandSettings = {
  /** Standard input; absent: /dev/null. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds until it is killed, which is an error; 30 unless told. */
  readonly patience?: number;
};

/** Runs a command to its end. */
export async function command(
  words: readonly string[],
  { input, env = {}, patience = 30 }: CommandSettings = {},
): Promise<Ended> {
  const child = Bun.spawn([...words], {
    // conmon drops files where it is started.
    cwd: world,
    env: { ...process.env, ...env },
    stdin: input === undefined ? "ignore" : new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, patience * 1000);
  const outputs = Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  clearTimeout(timer);
  // What a killed client started may hold the pipes open for good.
  const none = ["", "(its output did not end)"] as const;
  const [stdout, stderr] = await Promise.race([outputs, Bun.sleep(5000).then(() => none)]);
  if (isLate) {
    throw new Error(`${words.join(" ")}: not ended after ${patience} s: ${stdout}${stderr}`);
  }
  return { code, stdout, stderr };
}

/** What a command that has to succeed prints, without the last line end. */
export async function printed(
  words: readonly string[],
  settings?: CommandSettings,
): Promise<string> {
  const { code, stdout, stderr } = await command(words, settings);
  if (code !== 0) throw new Error(`${words.join(" ")}: code ${code}: ${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** A daemon of the tests' own. */
export type Daemon = {
  readonly pid: number;
  /** The end of what it said, for an error. */
  readonly said: () => string;
  /** Asks it to end, kills it when it does not, and waits. */
  readonly stop: () => Promise<void>;
};

/** Starts a daemon and waits until it answers. */
export async function startDaemon(
  name: string,
  words: readonly string[],
  isReady: () => boolean | Promise<boolean>,
): Promise<Daemon> {
  const log = `${world}/${name}.log`;
  const file = openSync(log, "a");
  const child = Bun.spawn([...words], { stdio: ["ignore", file, file] });
  closeSync(file);
  const said = (): string =>
    (existsSync(log) ? readFileSync(log, "utf8") : "").split("\n").slice(-30).join("\n");
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await child.exited;
    clearTimeout(timer);
  };
  try {
    await until(`${name} answers`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return isReady();
    });
  } catch (error) {
    await stop();
    throw new Error(`${name} did not start: ${said()}`, { cause: error });
  }
  return { pid: child.pid, said, stop };
}
