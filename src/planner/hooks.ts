/**
 * Hooks: the programs of the configuration's author, at the moments that runtime.md ("Lifecycle")
 * and config.md ("POSIX-platform Hooks") give them.
 */

import type { Step } from "../plan/op.ts";
import type { Hook, Hooks, Spec } from "../spec/mod.ts";
import type { Setting } from "./setting.ts";
import { byInit, byParent } from "./step.ts";

export type HookPlan = {
  /** First of all: what is run at the end, however it comes. */
  readonly due: readonly Step[];
  /** When all is mounted, and the root is not yet `/`: of the host, then of the container. */
  readonly beforeSwitch: readonly Step[];
  /** By init, when it has given up what the program must not have. */
  readonly beforeProgram: readonly Step[];
  /** When the program runs. */
  readonly afterProgram: readonly Step[];
};

type Status = "creating" | "created" | "running" | "stopped";

/** What a hook reads: the state as runtime.md has it, up to the pid and after it. */
export function hookState(
  { ociVersion, annotations }: Spec,
  { id, bundle }: Pick<Setting, "id" | "bundle">,
  status: Status,
): { readonly before: string; readonly after: string } {
  const head = JSON.stringify({ ociVersion, id, status }).slice(0, -1);
  const tail = JSON.stringify({
    bundle: bundle?.directory ?? "/",
    ...(annotations === undefined ? {} : { annotations }),
  }).slice(1);
  if (status === "stopped") return { before: `${head},${tail}`, after: "" };
  return { before: `${head},"pid":`, after: `,${tail}` };
}

type HookSetting = Pick<Setting, "id" | "bundle" | "keep">;

/**
 * Whether the hooks of a kind end the container by failing. A poststart hook does since version 1.3 of
 * the specification; before, "the runtime MUST log a warning, but the remaining hooks and lifecycle
 * continue" (runtime.md, "Lifecycle", 9). A bundle says which version it complies with: config.md,
 * "Specification version".
 */
function mustSucceed(kind: keyof Hooks, { ociVersion }: Pick<Spec, "ociVersion">): boolean {
  if (kind !== "poststart") return kind !== "poststop"; // a warning too, in every version
  const [major = 0, minor = 0] = ociVersion.split(".").map(Number);
  return major > 1 || minor >= 3;
}

type View = { readonly spec: Spec; readonly setting: Pick<Setting, "id" | "bundle"> };

function hookOp(kind: keyof Hooks, i: number, hook: Hook, { spec, setting }: View) {
  const status = {
    prestart: "created", // by the letter: its step comes after the one that creates
    createRuntime: "creating",
    createContainer: "creating",
    startContainer: "created",
    poststart: "running",
    poststop: "stopped",
  } as const;
  return {
    op: "hook",
    name: `hooks.${kind}[${i}]`,
    path: hook.path,
    argv: hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args,
    env: hook.env ?? [],
    timeout: Math.min(hook.timeout ?? 0, 4_000_000) * 1000,
    ...hookState(spec, setting, status[kind]),
    required: mustSucceed(kind, spec),
  } as const;
}

/** The hooks of one kind, in their order. */
export function planHooksOf(kind: keyof Hooks, view: View): Step[] {
  const by = kind === "createContainer" || kind === "startContainer" ? byInit : byParent;
  return (view.spec.hooks?.[kind] ?? []).map((hook, i) =>
    by(hookOp(kind, i, hook, view), `hooks.${kind}[${i}]`),
  );
}

/** Undone last first: so the first is noted last. Of a container that is kept they are `delete`'s. */
const planDue = (view: View, keep: boolean): Step[] =>
  planHooksOf("poststop", view)
    .map(({ op, why }): Step => {
      const step = byParent({ op: "due" }, why, op);
      return keep ? { ...step, keep: true } : step;
    })
    .reverse();

export function planHooks(spec: Spec, setting: HookSetting): HookPlan {
  const view = { spec, setting };
  return {
    due: planDue(view, setting.keep),
    beforeSwitch: [
      ...planHooksOf("prestart", view),
      ...planHooksOf("createRuntime", view),
      ...planHooksOf("createContainer", view),
    ],
    beforeProgram: planHooksOf("startContainer", view),
    afterProgram: planHooksOf("poststart", view),
  };
}
