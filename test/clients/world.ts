// The ground that tests with real clients stand on: the machine of their own that tools/world.sh
// makes, the runtime under test behind a recorder of its calls, and what containers left behind.

import { test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";

/** A tmpfs with a short path: the paths of unix sockets are bounded. */
export const world = process.env["PIVOT_WORLD"] ?? "";
const runtimeUnderTest = process.env["PIVOT_TEST_RUNTIME"] ?? "";
const runtimeName = runtimeUnderTest.split("/").at(-1) ?? "";

const calls = new URL(`../../build/clients-${runtimeName}.log`, import.meta.url).pathname;

/**
 * The runtime as clients get to know it: a shell that notes the call and becomes the runtime. The
 * name of the program says nothing to any client.
 */
export const runtime = `${world}/bin/oci`;

if (world !== "" && !existsSync(runtime)) {
  mkdirSync(`${world}/bin`, { recursive: true });
  // Nothing but what the shell can do itself: some clients call without PATH.
  const script = `#!/bin/sh\necho "$*" >>'${calls}'\nexec '${runtimeUnderTest}' "$@"\n`;
  writeFileSync(runtime, script);
  chmodSync(runtime, 0o755);
}

const isInstalled = (program: string): boolean => Bun.which(program) !== null;

/** Why the tests of a client cannot be run here, in words; undefined: they can. */
export const whyNotWith = (...programs: readonly string[]): string | undefined => {
  if (world === "" || runtimeUnderTest === "")
    return "npm run test:clients makes what it stands on";
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length > 0 ? `not installed: ${missing.join(", ")}` : undefined;
};

const recorded = (): string => (existsSync(calls) ? readFileSync(calls, "utf8") : "");

/** The last calls, with ids as short as people write them. */
const shortened = (lines: string): string =>
  lines
    .replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1")
    .split("\n")
    .slice(-40)
    .join("\n");

export type TestSettings = {
  /** Seconds; 60 unless told. */
  readonly patience?: number;
  /** Why it cannot be done here, in words; undefined: it can. */
  readonly unless?: string | undefined;
};

/** A test that, when it fails, says which calls the runtime got meanwhile. */
export type ClientTest = (name: string, body: () => Promise<void>, settings?: TestSettings) => void;

/** Makes `test` for the tests of a client; they are skipped, with the reason, where it is missing. */
export function testsWith(client: string, ...programs: readonly string[]): ClientTest {
  const whyNone = whyNotWith(client, ...programs);
  return (name, body, { patience = 60, unless } = {}) => {
    const reason = whyNone ?? unless;
    const full = `${client}, ${name}${reason === undefined ? "" : ` (${reason})`}`;
    const marked = async (): Promise<void> => {
      const before = recorded().length;
      appendFileSync(calls, `# ${full}\n`);
      try {
        await body();
      } catch (error) {
        console.error(
          `what ${runtimeName} was called with:\n${shortened(recorded().slice(before))}`,
        );
        throw error;
      }
    };
    test.skipIf(reason !== undefined)(full, marked, patience * 1000);
  };
}

/** For what a runtime is known not to do, with the reason in words: undefined for all others. */
export const knownOf = (name: string, reason: string): string | undefined =>
  runtimeName === name ? reason : undefined;

/** The calls that the runtime got while something was done. */
export async function callsWhile(doing: () => Promise<unknown>): Promise<string[]> {
  const before = recorded().length;
  await doing();
  return recorded().slice(before).split("\n").filter(Boolean);
}

function namedBelow(directory: string, part: string, depth: number): string[] {
  return entriesIfThere(directory).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    const own = entry.name.includes(part) ? [path] : [];
    return entry.isDirectory() && depth > 0 ? [...own, ...namedBelow(path, part, depth - 1)] : own;
  });
}

const entriesIfThere = (directory: string) => {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // gone meanwhile
  }
};

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** What still carries a container's id: state below /run, cgroups, mounts, processes. */
export function leftOf(id: string): Record<string, readonly string[]> {
  if (id.length < 3) throw new Error(`this is no container's id: ${JSON.stringify(id)}`);
  const processes = readdirSync("/proc").filter(
    (pid) => /^\d+$/.test(pid) && readIfThere(`/proc/${pid}/cgroup`).includes(id),
  );
  return {
    state: namedBelow("/run", id, 7),
    cgroups: namedBelow("/sys/fs/cgroup", id, 6),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(id)),
    processes: processes.map((pid) => `${pid} ${readIfThere(`/proc/${pid}/comm`).trim()}`),
  };
}

/** Waits until a container has left nothing; what is still there otherwise, as an error. */
export async function nothingLeftOf(id: string): Promise<void> {
  let left = leftOf(id);
  for (let i = 0; i < 50 && Object.values(left).some((found) => found.length > 0); i++) {
    await Bun.sleep(100);
    left = leftOf(id);
  }
  const found = Object.values(left).flat();
  if (found.length > 0) throw new Error(`${id} left behind: ${JSON.stringify(left)}`);
}

/** Why what takes a capability of the host's cannot be done; undefined: it can. */
export function withoutCapability(name: string, bit: number): string | undefined {
  const bounding = /^CapBnd:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const isThere = ((BigInt(`0x${bounding ?? "0"}`) >> BigInt(bit)) & 1n) === 1n;
  return isThere ? undefined : `root does not have ${name} here`;
}

/** A container that waits, and ends at once when it is asked to. */
export const waiting = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"];

/** A line of /proc/PID/status, as the host sees a container's process. */
export const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ??
  "";

/** What a file of a container's cgroup says, in whichever hierarchy has it. */
export function cgroupFile(pid: number, v1: string, v2: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  for (const line of lines) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const top = controllers === "" ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controllers}`;
    const text = readIfThere(`${top}${path}/${controllers === "" ? v2 : v1}`);
    if (text !== "") return text.trim();
  }
  throw new Error(`no cgroup of ${pid} has ${v1} or ${v2}: ${lines.join(" ")}`);
}

/** Looks again until it is so; what was asked for, as an error, when that takes too long. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seconds = 15,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`in ${seconds} s it did not come about: ${what}`);
    await Bun.sleep(50);
  }
}
