// A benchmark as a command: interrupts, undoing, failures in one line, where the result goes.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { insertResult } from "./report.ts";
import { summaryOf, summaryScript } from "./summary.ts";
import { Cleanup, enterPrivateMountNamespace } from "./workbench.ts";

const documentPath = join(import.meta.dirname, "../docs/benchmarks.md");

/**
 * Runs a benchmark in a mount namespace of its own and undoes what it made, however it ends. The
 * first interrupt aborts the signal, and so lets the current run end; the second does not wait.
 */
async function interruptible<T>(
  benchmark: (cleanup: Cleanup, interrupted: AbortSignal) => Promise<T>,
): Promise<T> {
  enterPrivateMountNamespace();
  const cleanup = new Cleanup();
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) {
        cleanup.run();
        process.exit(130);
      }
      interrupt.abort(new Error(`ended by ${signal}`));
    });
  }
  try {
    return await benchmark(cleanup, interrupt.signal);
  } finally {
    cleanup.run();
  }
}

/**
 * Runs a benchmark as a command: prints its help, or its result, which takes its place in
 * docs/benchmarks.md on request.
 *
 * @param options undefined when help is asked for
 * @param file the script's, by which its result is marked
 */
export async function measureAndPublish<Options extends { readonly write: boolean }>(
  file: string,
  usage: string,
  options: Options | undefined,
  benchmark: (options: Options, cleanup: Cleanup, interrupted: AbortSignal) => Promise<string>,
): Promise<void> {
  if (options === undefined) return void process.stdout.write(usage);
  const result = await interruptible((cleanup, interrupted) =>
    benchmark(options, cleanup, interrupted),
  );
  publish(result, options.write, `bench/${basename(file)}`);
}

/** The command line of a benchmark as a result says it: without `--write`, which measures nothing. */
export function asCalled(file: string): string {
  const asked = process.argv.slice(2).filter((argument) => argument !== "--write");
  const runtime = process.env["PIVOT_WORLD"] === undefined ? "bun" : "tools/world.sh bun";
  return [runtime, `bench/${basename(file)}`, ...asked].join(" ");
}

/**
 * The directory of the world (tools/world.sh) that a benchmark runs in.
 *
 * @param script of package.json, which makes one
 * @throws Error when there is none
 */
export function worldDirectory(script: string): string {
  const world = process.env["PIVOT_WORLD"];
  if (world === undefined) throw new Error(`run it by tools/world.sh: npm run ${script}`);
  return world;
}

/** Prints a result; on request it also takes its place in docs/benchmarks.md. */
export function publish(result: string, write: boolean, script: string): void {
  process.stdout.write(result);
  if (!write) return;
  const document = existsSync(documentPath) ? readFileSync(documentPath, "utf8") : "";
  const written = insertResult(document || "# Benchmarks\n", result, script);
  writeFileSync(documentPath, insertResult(written, summaryOf(written), summaryScript));
}

export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

export async function failInOneLine(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
