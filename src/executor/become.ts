/**
 * Becomes the executor: for a command that only waits for its container from here on. The
 * JavaScript runtime is gone then; what stays has the same pid and a hundredth of the memory.
 */

/** The launcher's descriptor; see `native/launch.h`. */
const executorFd = 4;

/** execve(2), MAX_ARG_STRLEN: what one string of the environment may hold, and a bit less. */
const partLength = 120_000;

/** Names of variables; see `native/envelope.c`. */
export const planVariable = (part: number): string => `PIVOT_PLAN_${part}`;
export const eventsVariable = "PIVOT_EVENTS";

/**
 * Never returns. When there is something to tell, the executor becomes this program again, with
 * the arguments of `reporter` and with plan and events in the environment.
 *
 * The environment, since the runtime lets no descriptor through execve: and nobody but the owner
 * can read that of another process, unlike its arguments.
 *
 * @param plan encoded, a character for each byte
 * @throws Error when this process was not started by the launcher.
 */
export function becomeExecutor(plan: string, reporter: readonly string[]): never {
  if (process.env["PIVOT_NOFILE"] === undefined || process.execve === undefined) {
    throw new Error("this program is started by its launcher: call `pivot`, not `pivot-program`");
  }
  const text = btoa(plan);
  const env: Record<string, string> = {};
  for (let part = 0; part * partLength < text.length; part++) {
    env[planVariable(part)] = text.slice(part * partLength, (part + 1) * partLength);
  }
  const argv = ["pivot-executor", "run", "env", "env", process.execPath, ...reporter];
  process.execve(`/proc/self/fd/${executorFd}`, argv, env);
  throw new Error("execve returned");
}
