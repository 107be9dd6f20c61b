// The OCI runtime under test: PIVOT_TEST_RUNTIME, or `pivot-oci` at the root of the repository; and
// the tests' own word for a demand that a peer does not meet.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { patience } from "../patience.ts";
import { differences } from "./differences.ts";

export { patience };

const named = process.env["PIVOT_TEST_RUNTIME"];
const own = new URL("../../pivot-oci", import.meta.url).pathname;
const path = named === undefined ? own : named.includes("/") ? named : Bun.which(named);

/** Why the runtime cannot be tested here, in words for a test's name; undefined: it can. */
export const whyNot: string | undefined =
  process.getuid?.() !== 0
    ? "only root can run containers"
    : path === null || !existsSync(path)
      ? `there is no ${named ?? "pivot-oci"}`
      : undefined;

const firstLine = (words: readonly string[]): string => {
  const [program = "", ...args] = words;
  return spawnSync(program, args, { encoding: "utf8" }).stdout?.split("\n")[0] ?? "";
};

export type RuntimeName = "pivot" | "runc" | "crun";
const version = whyNot === undefined && path !== null ? firstLine([path, "--version"]) : "";
export const runtimeName: RuntimeName =
  (["runc", "crun"] as const).find((name) => version.startsWith(`${name} `)) ?? "pivot";

/** The runtime's own file; empty when there is none. */
export const runtimePath = path ?? "";

/**
 * The words that start the runtime, in one process. crun 1.8 refuses cgroup v1 when a v2 is mounted
 * beside it: for it that goes, in a mount namespace of its own.
 */
export const runtimeWords: readonly string[] =
  runtimeName === "crun" && existsSync("/sys/fs/cgroup/unified")
    ? ["unshare", "-m", "sh", "-c", `umount -l /sys/fs/cgroup/unified; exec "$0" "$@"`, runtimePath]
    : [runtimePath];

/** The title of a file's tests. */
export const title = (theme: string): string => `${theme} (${whyNot ?? runtimeName})`;

/** Whether the test that runs now is one of which the runtime is known to differ. */
export let isKnownToDiffer = false;

/**
 * A demand on the runtime. Where the table says that a peer differs the test holds that it does, so
 * that the table stays true; its words are part of the name.
 */
export function demand(name: string, body: () => void | Promise<void>, usual = 20_000): void {
  const timeout = usual * patience;
  const difference = runtimeName === "pivot" ? undefined : differences[name]?.[runtimeName];
  if (difference === undefined) {
    test(
      name,
      async () => {
        isKnownToDiffer = false;
        await body();
      },
      timeout,
    );
    return;
  }
  const isRun = difference.run ?? true;
  test.skipIf(!isRun)(
    `${name} [${runtimeName} differs: ${difference.why}]`,
    async () => {
      isKnownToDiffer = true;
      const failure = await Promise.resolve()
        .then(body)
        .then(
          () => "none: take it out of differences.ts",
          () => "differs",
        );
      if (difference.always !== false) expect(failure).toBe("differs");
    },
    timeout,
  );
}
