// The document by which a runtime tells engines what it can do (features.md, features-linux.md).
//
// Every list comes from the table that the code itself goes by, and what may be missing altogether is
// asked of the planner; so the document cannot promise what a container would be refused.

import { knownMountOptions } from "../planner/mount-options.ts";
import { findUnsupported } from "../planner/unsupported.ts";
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
  type Spec,
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

/**
 * Whether a filter may hand system calls to a listener. Profiles are compiled outside of the planner,
 * so this stands here; a test compares it with what compiling one says.
 */
export const SECCOMP_NOTIFY: boolean = false;

const mapping = [{ containerID: 0, hostID: 0, size: 1 }];

const linux = (section: NonNullable<Spec["linux"]>): Partial<Spec> => ({ linux: section });

const process = (part: Partial<NonNullable<Spec["process"]>>): Partial<Spec> => ({
  process: { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/", ...part },
});

/** The least that a configuration asks for to need a feature. */
const probes = {
  apparmor: process({ apparmorProfile: "unconfined" }),
  selinux: process({ selinuxLabel: "system_u:system_r:container_t:s0" }),
  idmap: {
    mounts: [{ destination: "/mnt", source: "/", uidMappings: mapping, gidMappings: mapping }],
  },
  intelRdt: linux({ intelRdt: { closID: "a" } }),
  schemata: linux({ intelRdt: { schemata: ["MB:0=50"] } }),
  monitoring: linux({ intelRdt: { enableMonitoring: true } }),
  memoryPolicy: linux({ memoryPolicy: { mode: "MPOL_LOCAL" } }),
  netDevices: linux({ netDevices: { eth0: { name: "eth0" } } }),
} satisfies Readonly<Record<string, Partial<Spec>>>;

/** Whether the planner makes steps of what a configuration asks for. */
const isPlanned = (asked: Partial<Spec>): boolean =>
  findUnsupported({ ociVersion: OCI_VERSION, root: { path: "/" }, ...asked }).length === 0;

const has = (feature: keyof typeof probes): boolean => isPlanned(probes[feature]);

const seccomp = (kernel: FeatureOptions["kernel"]): Features["linux"]["seccomp"] => {
  const known = SECCOMP_FLAGS.filter((flag) => Object.hasOwn(FLAGS, flag)).toSorted();
  const operators = new Set<string>(OPERATORS.map((name) => `SCMP_CMP_${name}`));
  return {
    enabled: true,
    actions: SECCOMP_ACTIONS.filter(
      (name) => Object.hasOwn(ACTIONS, name) && (SECCOMP_NOTIFY || name !== "SCMP_ACT_NOTIFY"),
    ).toSorted(),
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
  const memoryPolicy = has("memoryPolicy");
  return {
    ociVersionMin: FIRST_VERSION,
    ociVersionMax: OCI_VERSION,
    hooks: Object.keys(hookNames).filter((name) =>
      isPlanned({ hooks: { [name]: [{ path: "/" }] } }),
    ),
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: NAMESPACES.toSorted(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: seccomp(options.kernel),
      apparmor: { enabled: has("apparmor") },
      selinux: { enabled: has("selinux") },
      intelRdt: {
        enabled: has("intelRdt"),
        schemata: has("schemata"),
        monitoring: has("monitoring"),
      },
      memoryPolicy: {
        modes: memoryPolicy ? MEMORY_POLICIES.toSorted() : [],
        flags: memoryPolicy ? MEMORY_POLICY_FLAGS.toSorted() : [],
      },
      mountExtensions: { idmap: { enabled: has("idmap") } },
      netDevices: { enabled: has("netDevices") },
    },
    annotations: annotationsOf(options),
    potentiallyUnsafeConfigAnnotations: unsafeAnnotations,
  };
}
