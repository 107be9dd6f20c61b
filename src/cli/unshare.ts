/** `pivot unshare`: a command in the user namespace of an ordinary user's containers. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { WishError } from "../container/wish-error.ts";
import { whyOf } from "../host/file-error.ts";
import { rootlessUser } from "../host/rootless.ts";
import type { ParsedArguments } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";

/** Of the launcher, and without meaning for another program. */
const notHandedOn = ["PIVOT_GO_FD", "PIVOT_NO_CWD", "PIVOT_PLAN_FD", "NODE_CHANNEL_FD"];

export async function unshareCommand(
  { words }: ParsedArguments,
  { logFormat }: Globals,
): Promise<number> {
  const user = rootlessUser(process.env);
  if (user === null) {
    throw new WishError(["you are root already: pivot unshare is for ordinary users"]);
  }
  const [program = process.env["SHELL"] ?? "/bin/sh", ...args] = words;
  // The descriptor that keeps the namespace is ours, and we stay.
  const env = { ...process.env, PIVOT_ROOTLESS: `${user.uid}:${user.gid}` };
  for (const name of notHandedOn) delete (env as NodeJS.ProcessEnv)[name];
  const child = spawn(program, args, { stdio: "inherit", env });
  // A terminal's signals reach it by themselves.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {});
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      // As of a shell: who calls it can tell them from what a program says itself.
      const isGone = error.code === "ENOENT";
      if (!isGone && error.code !== "EACCES") return reject(error);
      report("error", `${program}: ${isGone ? "no such program" : whyOf(error)}`, logFormat);
      resolve(isGone ? 127 : 126);
    });
    child.once("exit", (code, signal) => {
      resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
    });
  });
}
