// `restore`: a container from the files that `checkpoint` has written.

import { existsSync, readFileSync, statSync } from "node:fs";
import { joinFile } from "../cgroup/join.ts";
import type { Flag, ParsedArguments } from "../cli/arguments.ts";
import { readConfig, withAbsoluteSources } from "../container/bundle.ts";
import { planResources } from "../container/resources.ts";
import { checkRootDirectory } from "../container/root-directory.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { executorPath } from "../executor/locate.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { readStreams } from "../host/streams.ts";
import type { CgroupLayout, Facts } from "../planner/facts.ts";
import type { Spec } from "../spec/mod.ts";
import { carryOutSteps, warnOf } from "./carry-out.ts";
import { type RestoreOptions, type RestoreTarget, restoreArguments } from "./checkpoint.ts";
import { criuContainer, externalNamespaces } from "./checkpoint-command.ts";
import {
  checkCriu,
  checkOwnMounts,
  criuFlags,
  criuProgram,
  ENDS_WITH_PARENT_FILE,
  pathOf,
  readCriuOptions,
  STREAMS_FILE,
} from "./criu-flags.ts";
import { onlyId, readLast, readSwitch } from "./flags.ts";
import { type Globals, workingDirectory } from "./globals.ts";
import { planRestore, RESTORE_HOOKS } from "./plan-restore.ts";
import { checkId, keptPlans, recordOf, recordText } from "./prepare.ts";

export const restoreFlags: readonly Flag[] = [
  ...criuFlags,
  { name: "bundle", short: "b", value: "DIR", help: "the bundle; default: the working directory" },
  { name: "detach", short: "d", help: "leave the container to itself once it runs" },
  { name: "pid-file", value: "FILE", help: "write the process id there" },
  { name: "console-socket", value: "SOCKET", help: "refused: CRIU hands no terminal over" },
  { name: "no-subreaper", help: "accepted: pivot is none" },
  { name: "no-pivot", help: "accepted: it is CRIU that changes the root" },
  { name: "lsm-profile", value: "KIND:NAME", help: "another profile, such as apparmor:NAME" },
  { name: "lsm-mount-context", value: "CONTEXT", help: "another SELinux context of mounts" },
];

const FIRST_STREAM = 10;

/** Pipes of the container, each with the stream of ours that takes its place. */
function pipesOf(images: string): RestoreTarget["pipes"] {
  let names: unknown;
  try {
    names = JSON.parse(readFileSync(`${images}/${STREAMS_FILE}`, "utf8"));
  } catch (error) {
    throw new WishError([
      `--image-path ${images}: no checkpoint is there: ${(error as Error).message}`,
    ]);
  }
  if (!Array.isArray(names)) return [];
  return names.flatMap((name: unknown, i) =>
    typeof name === "string" && name.startsWith("pipe:") && names.indexOf(name) === i && i < 3
      ? [{ name, fd: FIRST_STREAM + i }]
      : [],
  );
}

/** The container's cgroups as CRIU names them: from the hierarchy's root. */
function cgroupRoots(paths: readonly string[], { v1, v2 }: CgroupLayout) {
  const below = (mount: string): string | undefined =>
    paths.find((path) => path.startsWith(`${mount}/`))?.slice(mount.length);
  const hierarchies = v2 === null ? v1 : [...v1, { controllers: [], mount: v2.mount }];
  return hierarchies.flatMap(({ controllers, mount }) => {
    const path = below(mount);
    return path === undefined ? [] : [{ controllers: controllers.join(","), path }];
  });
}

function checkTerminal({ process }: Spec, given: ParsedArguments): void {
  if (readLast(given, "console-socket") === null && process?.terminal !== true) return;
  throw new WishError([
    "process.terminal: CRIU's command line cannot hand the other end of a terminal over: restore a container without one",
  ]);
}

function readBundle(given: ParsedArguments) {
  const cwd = workingDirectory();
  const bundle = absolutePath(readLast(given, "bundle") ?? ".", cwd).replace(/(?<=.)(\/\.?)+$/, "");
  const config = readConfig(bundle);
  const spec = withAbsoluteSources(config.spec, bundle);
  const rootfs = absolutePath(spec.root.path, bundle);
  checkRootDirectory(rootfs, `${bundle}/config.json: root.path`);
  return { bundle, config, spec, rootfs };
}

/** Of hooks that a restore has no moment for. */
function ignored({ hooks = {} }: Spec): string[] {
  const known: ReadonlySet<string> = new Set([...RESTORE_HOOKS, "poststop"]);
  const others = Object.keys(hooks).filter((kind) => !known.has(kind));
  return others.length === 0
    ? []
    : [
        `hooks: restore has no moment for ${others.join(", ")}: it calls ${RESTORE_HOOKS.join(" and ")}`,
      ];
}

/** CRIU calls its script when there are namespaces: the launcher, which finds us by the socket. */
function scriptOf(spec: Spec, socket: string) {
  const hasHooks = RESTORE_HOOKS.some((kind) => (spec.hooks?.[kind] ?? []).length > 0);
  return hasHooks
    ? {
        told: socket,
        argv: ["--action-script", executorPath()],
        env: [`PIVOT_CRIU_SOCKET=${socket}`],
      }
    : { told: null, argv: [], env: [] };
}

export async function restoreCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const { root } = globals;
  const id = onlyId(given, "pivot-oci restore [OPTIONS] ID");
  const options: RestoreOptions = {
    ...readCriuOptions(given),
    lsmProfile: readLast(given, "lsm-profile"),
    lsmMountContext: readLast(given, "lsm-mount-context"),
  };
  checkId({ id, root });
  const { bundle, config, spec, rootfs } = readBundle(given);
  checkOwnMounts(spec, "restore");
  checkCriu();
  checkTerminal(spec, given);
  const pipes = pipesOf(options.images);
  const endsWithParent = existsSync(`${options.images}/${ENDS_WITH_PARENT_FILE}`);
  const isDetached = readSwitch(given, "detach");
  if (endsWithParent && isDetached) {
    throw new WishError([
      `--detach: the container of ${options.images} was run in the foreground, and so ends with who restores it: leave --detach out`,
    ]);
  }
  const layout = readCgroupLayout();
  const facts: Facts = readFacts(layout, readStreams());
  const scope = globals.systemdCgroup
    ? (await import("./scope.ts")).planScope(spec, id)
    : undefined;
  const cgroup = planResources(spec, id, facts, true, scope?.cgroup);
  const groups = {
    cgroups: cgroup.paths,
    ...(scope === undefined ? {} : { scope: scope.record, stop: scope.stop }),
  };
  const record = recordOf({ id, bundle, endsWithParent }, spec, rootfs, groups);
  const script = scriptOf(spec, `${root}/${id}/criu`);
  const program = criuProgram();
  const namespaces = externalNamespaces(spec, () => 0n);
  const pidFile = `${root}/${id}/restored`;
  const target: RestoreTarget = {
    ...criuContainer(spec, bundle, rootfs, namespaces),
    pidFile,
    cgroups: cgroupRoots(cgroup.paths, layout),
    pipes,
  };
  warnOf([...config.warnings, ...cgroup.warnings, ...ignored(spec)], globals);
  return carryOutSteps(
    planRestore(
      spec,
      {
        root,
        id,
        rootfs,
        config: { directory: bundle, config: config.text },
        state: recordText(record),
        keptPlans: isDetached
          ? keptPlans({ root, id, bundle, lifetime: "detached" }, spec, groups, record)
          : [],
        lifetime: isDetached ? "detached" : "supervised",
        pidFile: pathOf(given, "pid-file"),
        isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false,
      },
      cgroup,
      {
        paths: program.paths,
        env: [...program.env, ...script.env],
        argv: ["criu", ...restoreArguments(options, target), ...script.argv],
        told: script.told,
        options,
        pidFile,
        // Who is in a scope is there already.
        joins: scope === undefined ? cgroup.paths.map((path) => joinFile(path, layout)) : [],
      },
    ),
    globals,
  );
}
