/**
 * The library's view of the host: programs run over a copy-on-write view of the machine's own
 * files, and what they changed is looked at, applied or forgotten.
 *
 * ```ts
 * import { openView } from "pivot-runtime";
 *
 * const view = openView({ cwd: "/home/me/project" });
 * const { exitCode } = await view.run({ command: ["npm", "test"], network: "none" });
 * for (const { change, path } of view.changes()) … // "M", "/home/me/project/package.json"
 * await view.apply({ paths: ["src"] });
 * await view.discard();
 * ```
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { checkApply, checkView, checkViewRun } from "../check-request.ts";
import { defaultRoots, ownRunRoot } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import type { RunOptions } from "../options/options.ts";
import {
  givenRoots,
  type RunRequest,
  type RunResult,
  runPrepared,
  type StreamRequest,
} from "../run.ts";
import { beginTry } from "./begin.ts";
import type { Change } from "./changes.ts";
import { tryNamed } from "./choose.ts";
import { type ApplyOptions, applyMeant, findMeant, type Meant } from "./outcome.ts";
import { decode, patchOf } from "./show.ts";
import { removeTry, type Try } from "./store.ts";

export type ViewRequest = {
  /** Go on with the view of this name, or begin it; absent: a new one. */
  readonly name?: string | undefined;
  /** Where programs start, and from where paths are meant; default: the present directory. */
  readonly cwd?: string | undefined;
  /** Where views and state are kept; default: as the command line has them. */
  readonly roots?: RunRequest["roots"];
};

/** What to run; its network is the host's unless `network` says otherwise. */
export type ViewRunRequest = StreamRequest &
  Pick<RunOptions, "network" | "memory" | "cpus" | "pidsLimit"> & {
    readonly command: readonly string[];
    /** The whole environment; default: the caller's. */
    readonly env?: Readonly<Record<string, string>> | undefined;
    /** Paths shown as they are, to be written to. */
    readonly share?: readonly string[] | undefined;
    /** Paths that are covered, beside those of keys in the home directory. */
    readonly hide?: readonly string[] | undefined;
    /** Paths of keys that are not covered. */
    readonly show?: readonly string[] | undefined;
  };

/** One difference between a view and the host. */
export type FoundChange = {
  /** Made, changed, gone, of another type; `!`: it cannot be compared. */
  readonly change: "A" | "M" | "D" | "T" | "!";
  readonly path: string;
  /** Why applying it would undo what happened on the host since the view began, or null. */
  readonly conflict: string | null;
};

export type ApplyRequest = Omit<ApplyOptions, "keep"> & {
  /** From the view's directory on; absent: everything but temporary directories. */
  readonly paths?: readonly string[] | undefined;
};

export type HostView = {
  /** Null until a program was run in it, unless it was given one. */
  readonly name: string | null;
  /** @throws WishError; RunError when a step failed */
  readonly run: (request: ViewRunRequest) => Promise<RunResult>;
  /** By path. @throws WishError when nothing changed at one of the paths */
  readonly changes: (paths?: readonly string[]) => FoundChange[];
  /** What changed in files and links, as `git diff` writes it; each byte a character (latin1). */
  readonly patch: (paths?: readonly string[]) => string;
  /**
   * Applies changes and gives those that were, or with `dryRun` would be. The view stays.
   *
   * @throws WishError when one is refused: then none is applied, unless the message says otherwise
   */
  readonly apply: (request?: ApplyRequest) => Promise<FoundChange[]>;
  /** Forgets the view. @throws WishError when a program runs in it */
  readonly discard: () => Promise<void>;
};

const found = ({ letter, path, conflict }: Change): FoundChange => ({
  change: letter as FoundChange["change"],
  path: decode(path),
  conflict,
});

function callersEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/**
 * A view of the host. Nothing is made before a program is run in it.
 *
 * @throws WishError when the request makes no sense
 */
export function openView(request: ViewRequest = {}): HostView {
  checkView(request);
  const uid = process.geteuid?.() ?? 0;
  const roots = { ...defaultRoots(uid, process.env), ...givenRoots(request.roots) };
  const cwd = resolve(request.cwd ?? ".");
  let name = request.name ?? null;
  const stored = (): Try | null => (name === null ? null : tryNamed(roots.dataRoot, name));
  const meant = (paths: readonly string[]): Meant | null => {
    const of = stored();
    return of === null ? null : findMeant(of, roots, paths, cwd);
  };
  const absolute = (paths: readonly string[] = []): string[] =>
    paths.map((path) => resolve(cwd, path));
  return {
    get name() {
      return name;
    },
    run: async (wanted) => {
      checkViewRun(wanted);
      const { command, env, share, hide, show, network, memory, cpus, pidsLimit, ...streams } =
        wanted;
      // Later on it may be the view's alone.
      if (stored() === null && !existsSync(cwd)) {
        throw new WishError([`there is no directory ${cwd} to start in`]);
      }
      return runPrepared(streams, async (facts) => {
        if (request.roots?.runRoot === undefined) ownRunRoot(uid, process.env);
        const begun = await beginTry({
          name,
          command,
          options: { network, memory, cpus, pidsLimit },
          roots,
          cwd,
          env: env ?? callersEnvironment(),
          streams: facts,
          share: absolute(share),
          hide: absolute(hide),
          show: absolute(show),
          endWithCaller: true,
        });
        name = begun.of.name;
        return begun;
      });
    },
    changes: (paths = []) => meant(paths)?.chosen.map(found) ?? [],
    patch: (paths = []) => {
      const known = meant(paths);
      if (known === null) return "";
      const shown = known.chosen.filter(({ letter }) => letter !== "!");
      return shown.map((change) => patchOf(known.of, change)).join("");
    },
    apply: async (wanted = {}) => {
      checkApply(wanted);
      const { paths = [], ...options } = wanted;
      const known = meant(paths);
      if (known === null) return [];
      const outcome = await applyMeant(known, { ...options, keep: true });
      if (outcome.kind === "busy") throw new WishError([`a program runs in the view ${name}`]);
      if (outcome.kind === "done") return outcome.steps.map(({ change }) => found(change));
      const lines = outcome.failures.map(({ path, why }) => `${decode(path)}: ${why}`);
      const end = outcome.kind === "stopped" ? ["what comes before it is applied"] : [];
      throw new WishError([...lines, ...end]);
    },
    discard: async () => {
      const of = stored();
      if (of !== null && !(await removeTry(of))) {
        throw new WishError([`a program runs in the view ${name}`]);
      }
    },
  };
}
