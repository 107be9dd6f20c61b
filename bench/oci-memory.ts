// What an OCI runtime keeps in memory when its command has returned.

import { Calls, type Runtime } from "./oci-cases.ts";
import { commandLine, descendants, memoryOf } from "./process-tree.ts";
import { type Site, stays } from "./site.ts";
import { startStopwatch } from "./stopwatch.ts";

export interface Left {
  readonly runtime: string;
  /** `created`: the process that waits to become the payload; `running`: all but the payload. */
  readonly status: "created" | "running";
  /** The programs that stay, by argv[0]. */
  readonly programs: readonly string[];
  /** KiB, summed over these programs. */
  readonly rss: number;
  readonly pss: number;
}

const settleTime = 300;

/**
 * Makes a container, by the stopwatch as by an engine, and sums up the memory of what is there for
 * it; then removes it. Throws when there is nothing at all.
 */
export async function measureLeft(
  site: Site,
  runtime: Runtime,
  status: Left["status"],
): Promise<Left> {
  const calls = new Calls(site, runtime, "full");
  const id = `memory-${status}`;
  const argv =
    status === "created"
      ? calls.make("create", stays, id)
      : calls.make("run", stays, id, "--detach");
  const file = `${site.bench.dir}/oci-memory`;
  const stopwatch = startStopwatch(site.programs.stopwatch, file, [argv], site.env);
  try {
    const [run] = await stopwatch.runLine([{ index: 0, wait: "left" }]);
    if (run?.status !== 0) throw new Error(`${argv.join(" ")}: status ${run?.status}`);
    await Bun.sleep(settleTime);
    const all = descendants(stopwatch.pid);
    const isPayload = (pid: number) => commandLine(pid).join("\0") === stays.argv.join("\0");
    if (all.some(isPayload) !== (status === "running")) throw new Error(`${id} is not ${status}`);
    const rest = all.filter((pid) => !isPayload(pid));
    const memory = rest.map(memoryOf);
    const sum = (field: "rss" | "pss") => memory.reduce((total, each) => total + each[field], 0);
    const programs = rest.map((pid) => commandLine(pid)[0]?.split("/").at(-1) ?? "");
    return { runtime: runtime.name, status, programs, rss: sum("rss"), pss: sum("pss") };
  } finally {
    calls.remove(id);
    stopwatch.close();
  }
}
