// The document by which a runtime tells engines what it can do (features.md, features-linux.md).
//
// Every list comes from the table that the code itself goes by, so the document cannot promise what a
// container would be refused.

import { knownMountOptions } from "../planner/mount-options.ts";
import { isArchitecture } from "../seccomp/abi.ts";
import { ACTIONS } from "../seccomp/action.ts";
import { FLAGS, hasFlag } from "../seccomp/flags.ts";
import { OPERATORS } from "../seccomp/read-profile.ts";
import {
  CAPABILITIES,
  type Hooks,
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
  NAMESPACES,
  OCI_VERSION,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "../spec/mod.ts";

/** What the document depends on besides the code. */
export type FeatureOptions = {
  /** Of pivot. */
  readonly version: string;
  /** Major and minor version of the running kernel, which may lack flags of seccomp. */
  readonly kernel: readonly [major: number, minor: number];
  /** Whether checkpoint and restore can be tried, which takes CRIU. */
  readonly checkpoint: boolean;
};

type Enabled = { readonly enabled: boolean };

/** The document, as its specification names the fields. */
export type Features = {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly cgroup: {
      readonly v1: boolean;
      readonly v2: boolean;
      readonly systemd: boolean;
      readonly systemdUser: boolean;
      readonly rdma: boolean;
    };
    readonly seccomp: Enabled & {
      readonly actions: readonly string[];
      readonly operators: readonly string[];
      readonly archs: readonly string[];
      readonly knownFlags: readonly string[];
      readonly supportedFlags: readonly string[];
    };
    readonly apparmor: Enabled;
    readonly selinux: Enabled;
    readonly intelRdt: Enabled & { readonly schemata: boolean; readonly monitoring: boolean };
    readonly memoryPolicy: {
      readonly modes: readonly string[];
      readonly flags: readonly string[];
    };
    readonly mountExtensions: { readonly idmap: Enabled };
    readonly netDevices: Enabled;
  };
  readonly annotations: Readonly<Record<string, string>>;
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
};

/** The first version of the specification; the parser reads all of the 1.x line. */
const FIRST_VERSION = "1.0.0";

/** A record and not a list, so that a hook that is new in the specification cannot be forgotten. */
const hookNames: Readonly<Record<keyof Hooks, true>> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
};

/** What an engine could ask for by annotations that would weaken a container: there is none. */
const unsafeAnnotations: readonly string[] = [];

const seccomp = (kernel: FeatureOptions["kernel"]): Features["linux"]["seccomp"] => {
  const known = SECCOMP_FLAGS.filter((flag) => Object.hasOwn(FLAGS, flag)).toSorted();
  const operators = new Set<string>(OPERATORS.map((name) => `SCMP_CMP_${name}`));
  return {
    enabled: true,
    actions: SECCOMP_ACTIONS.filter((name) => Object.hasOwn(ACTIONS, name)).toSorted(),
    operators: SECCOMP_OPERATORS.filter((name) => operators.has(name)).toSorted(),
    archs: SECCOMP_ARCHITECTURES.filter(isArchitecture).toSorted(),
    knownFlags: known,
    supportedFlags: known.filter((flag) => hasFlag(kernel, flag)),
  };
};

function annotationsOf({ version, checkpoint }: FeatureOptions): Record<string, string> {
  const all: Record<string, string> = { "pivot.version": version };
  // runc's own name for it, under which engines look.
  if (checkpoint) all["org.opencontainers.runc.checkpoint.enabled"] = "true";
  return all;
}

/** The document; it says what pivot can do, whether or not this machine can too. */
export function features(options: FeatureOptions): Features {
  return {
    ociVersionMin: FIRST_VERSION,
    ociVersionMax: OCI_VERSION,
    hooks: Object.keys(hookNames),
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: NAMESPACES.toSorted(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: seccomp(options.kernel),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: {
        modes: MEMORY_POLICIES.toSorted(),
        flags: MEMORY_POLICY_FLAGS.toSorted(),
      },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: annotationsOf(options),
    potentiallyUnsafeConfigAnnotations: unsafeAnnotations,
  };
}
