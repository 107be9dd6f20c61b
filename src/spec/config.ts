// The configuration as a whole (config.md): types and shape.

import { idMappingShape, type Linux, type LinuxIDMapping, linuxShape } from "./linux.ts";
import { type Process, processShape } from "./process.ts";
import { absolutePath, boolean, integer, nonEmpty, text, textThat } from "./scalar.ts";
import { checked, lazy, list, map, object, optional, required, type Shape } from "./shape.ts";

/**
 * The configuration of a container: the `config.json` of a bundle, as far as it concerns Linux.
 *
 * Fields have the names of the OCI runtime specification 1.3.0, types those of its Go bindings. An
 * integer of 64 bits is a bigint, so that none is ever rounded; one that is narrower, or of which the
 * valid values are (a device number, a swappiness), is a number. Objects that are maps (annotations,
 * sysctl, …) have no prototype.
 */
export interface Spec {
  /** SemVer 2.0.0, of the 1.x line. */
  readonly ociVersion: string;
  readonly root: Root;
  /** In the order in which to mount them. */
  readonly mounts?: readonly Mount[];
  /** Needed by `start`, not by `create`. */
  readonly process?: Process;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

/** The root filesystem. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

/** A mount beside the root filesystem. */
export interface Mount {
  /** A path in the container; if relative, then to `/`. */
  readonly destination: string;
  readonly type?: string;
  /** For a bind mount, a path that is absolute or relative to the bundle. */
  readonly source?: string;
  readonly options?: readonly string[];
  /** An ID-mapped mount has these two, or takes those of the user namespace. */
  readonly uidMappings?: readonly LinuxIDMapping[];
  readonly gidMappings?: readonly LinuxIDMapping[];
}

/** The programs to run at points in the life of a container, each list in its order. */
export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

/** A program that gets the state of the container on its standard input. */
export interface Hook {
  /** Absolute. */
  readonly path: string;
  /** From argv[0] on. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds, at least 1; absent: no end. */
  readonly timeout?: number;
}

export const specShape: Shape<Spec> = lazy(() =>
  object<Spec>({
    ociVersion: required(textThat("a SemVer 2.0.0 version of the 1.x line", isSupported)),
    root: required(root),
    mounts: optional(list(mount)),
    process: optional(processShape),
    hostname: optional(text),
    domainname: optional(text),
    hooks: optional(hooks),
    annotations: optional(map(text, { expected: "a key that is not empty" })),
    linux: optional(linuxShape),
  }),
);

/** Whether the version is one this reads: the specification is compatible within a major version. */
function isSupported(version: string): boolean {
  const semver =
    /^1(?:\.(?:0|[1-9]\d*)){2}(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?(?:\+[\da-zA-Z-]+(?:\.[\da-zA-Z-]+)*)?$/;
  return semver.test(version);
}

const root = lazy(() =>
  object<Root>({
    path: required(nonEmpty("a path")),
    readonly: optional(boolean),
  }),
);

const mount = lazy(() =>
  checked(
    object<Mount>({
      destination: required(nonEmpty("a path")),
      type: optional(text),
      source: optional(text),
      options: optional(list(text)),
      uidMappings: optional(list(idMappingShape)),
      gidMappings: optional(list(idMappingShape)),
    }),
    ({ uidMappings = [], gidMappings = [] }, report) => {
      // An empty list is no mapping, and may stand alone.
      if (uidMappings.length > 0 && gidMappings.length === 0) {
        report.problem("mappings, since uidMappings has some", "none", "gidMappings");
      }
      if (gidMappings.length > 0 && uidMappings.length === 0) {
        report.problem("mappings, since gidMappings has some", "none", "uidMappings");
      }
    },
  ),
);

const hooks = lazy(() => {
  const programs = optional(list(hook));
  return object<Hooks>({
    prestart: programs,
    createRuntime: programs,
    createContainer: programs,
    startContainer: programs,
    poststart: programs,
    poststop: programs,
  });
});

const hook = lazy(() =>
  object<Hook>({
    path: required(absolutePath),
    args: optional(list(text)),
    env: optional(list(text)),
    timeout: optional(integer("a whole number of seconds", 1, Number.MAX_SAFE_INTEGER)),
  }),
);
