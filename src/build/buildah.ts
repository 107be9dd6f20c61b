/**
 * Runs buildah, with storage of its own below the engine's data.
 *
 * Each call has a mount and a PID namespace of its own: nothing that it mounts or starts stays behind,
 * however it ends. It ends with us, and as long as it works, it holds a lock on its directory, so that
 * nobody takes that away meanwhile.
 */

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { findProgram } from "../host/find-program.ts";
import { fileSystemOf } from "../host/machine.ts";
import { rootlessUser } from "../host/rootless.ts";

export type Builder = {
  /** Holds everything that is here; an absolute path. */
  readonly directory: string;
  /** For this build alone: what it leaves there is thrown away. */
  readonly temporary: string;
  /** The OCI runtime of RUN lines. */
  readonly runtime: string;
};

/** util-linux: a part of every distribution. */
const aids = ["setpriv", "flock", "unshare"] as const;

/** @throws WishError that says what to install */
export function checkBuildah(find: (program: string) => string | null = findProgram): void {
  if (find("buildah") === null) {
    throw new WishError(["pivot build uses buildah, which is not here: apt-get install buildah"]);
  }
  const missing = aids.filter((program) => find(program) === null);
  if (missing.length > 0) {
    throw new WishError([
      `pivot build needs ${missing.join(", ")}, which ${missing.length > 1 ? "are" : "is"} not here: apt-get install util-linux`,
    ]);
  }
}

/** The words before buildah's own. */
function prefix({ directory, temporary }: Builder): readonly string[] {
  // An overlay cannot have its writable layer on another. In a user namespace buildah 1.28 writes
  // overlayfs's own attributes into the layers that it makes.
  const isPlain = fileSystemOf(directory) !== "overlayfs" && rootlessUser(process.env) === null;
  const driver = isPlain ? "overlay" : "vfs";
  return [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "flock",
    "--shared",
    "--no-fork",
    directory,
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "buildah",
    "--root",
    `${directory}/storage`,
    "--runroot",
    `${temporary}/run`,
    "--storage-driver",
    driver,
  ];
}

/** So that it takes a namespace that it is in for one of its own making; containers/storage, pkg/unshare. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const user = rootlessUser(env);
  if (user === null) return env;
  return {
    ...env,
    _CONTAINERS_USERNS_CONFIGURED: "done",
    _CONTAINERS_ROOTLESS_UID: String(user.uid),
    _CONTAINERS_ROOTLESS_GID: String(user.gid),
  };
}

export type BuildahOutput = {
  /** null: a signal ended it. */
  readonly code: number | null;
  /** Of both streams, when it was to be kept. */
  readonly text: string;
};

/**
 * Its working directory is the temporary one.
 *
 * @param show its output goes to our standard error; else it is kept
 */
export async function buildah(
  builder: Builder,
  words: readonly string[],
  { show }: { readonly show: boolean },
): Promise<BuildahOutput> {
  mkdirSync(builder.directory, { recursive: true, mode: 0o700 });
  const [program = "", ...args] = [...prefix(builder), ...words];
  const output = show ? 2 : "pipe";
  const child = spawn(program, args, {
    cwd: builder.temporary,
    stdio: ["ignore", output, output],
    env: environment(process.env),
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  // A terminal's interrupt reaches it by itself, and we stay to put things in order. What ends us is
  // passed on: as the first process of a namespace it heeds nothing less, so a second interrupt too.
  let interrupts = 0;
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGINT" || ++interrupts > 1) child.kill("SIGKILL");
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, pass);
  try {
    return await new Promise<BuildahOutput>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, text }));
    });
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}

/** As `buildah`, kept; its words are the error. @throws WishError */
export async function buildahText(builder: Builder, words: readonly string[]): Promise<string> {
  const { code, text } = await buildah(builder, words, { show: false });
  if (code === 0) return text.trim();
  const said = text.trim().split("\n").at(-1) ?? "";
  throw new WishError([`buildah ${words[0]} failed (${code ?? "by a signal"}): ${said}`]);
}
