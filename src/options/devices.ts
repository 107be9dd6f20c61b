// The devices of a container's configuration: nodes, and the rules of its cgroup.

import type { LinuxDevice, LinuxDeviceCgroup } from "../spec/mod.ts";
import { accessProblem, type DeviceOption } from "./device.ts";
import type { ContainerFacts, HostDevice } from "./facts.ts";
import type { RunOptions } from "./options.ts";
import { cleanPath, targetProblem } from "./path.ts";
import type { Findings } from "./problem.ts";

export interface ContainerDevices {
  /** Beside those that every container has. */
  readonly nodes: readonly LinuxDevice[];
  /** Those that no node can be made for, by their paths on the host and in the container. */
  readonly shown: readonly (readonly [source: string, destination: string])[];
  /** In the order of their application; undefined: nothing is forbidden. */
  readonly rules: readonly LinuxDeviceCgroup[] | undefined;
}

/** Character devices that every container may use, by major and minor number. */
const DEFAULTS: readonly (readonly [major: number, minor: number | undefined])[] = [
  [1, 3], // null
  [1, 5], // zero
  [1, 7], // full
  [1, 8], // random
  [1, 9], // urandom
  [5, 0], // tty
  [5, 1], // console
  [5, 2], // ptmx
  [136, undefined], // pts
];

/**
 * All is forbidden but to make nodes, which is no use of what they stand for, and to use the devices
 * that every container has (moby, daemon/pkg/oci/defaults.go; runc, libcontainer/specconv).
 */
const DEFAULT_RULES: readonly LinuxDeviceCgroup[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...DEFAULTS.map(([major, minor]): LinuxDeviceCgroup => {
    const numbers = minor === undefined ? { major } : { major, minor };
    return { allow: true, type: "c", ...numbers, access: "rwm" };
  }),
];

/**
 * The devices of a container.
 *
 * In a user namespace no node can be made, and those of the host are of no more use than to the
 * caller: an ordinary user gets rules there only by asking for some, since not everybody can set them.
 */
export function containerDevices(
  options: RunOptions,
  facts: ContainerFacts,
  inUserNamespace: boolean,
  findings: Findings,
): ContainerDevices {
  const asked = options.devices ?? [];
  const extra = options.deviceCgroupRules ?? [];
  if (options.privileged === true) {
    const host = facts.hostDevices ?? [];
    const there = new Set(host.map(({ path }) => path));
    const moved = asked.flatMap((device) => found(device, facts, findings));
    return {
      nodes: [
        ...host.map((device) => nodeOf(device, device.path)),
        ...moved
          .filter(({ node, isShown }) => !isShown && !there.has(node.path))
          .map(({ node }) => node),
      ],
      shown: shownOf(moved),
      rules: inUserNamespace ? undefined : [{ allow: true, access: "rwm" }],
    };
  }
  const devices = asked.flatMap((device) => found(device, facts, findings));
  // Who is not root of the machine can make no node, and set no rule.
  const isRoots = !facts.rootless && facts.userNamespace === undefined;
  const isGuarded = !inUserNamespace || isRoots || extra.length > 0;
  return {
    nodes: devices.filter(({ isShown }) => !isShown).map(({ node }) => node),
    shown: shownOf(devices),
    rules: isGuarded ? [...DEFAULT_RULES, ...devices.map(({ rule }) => rule), ...extra] : undefined,
  };
}

interface FoundDevice {
  readonly source: string;
  /** By a bind mount: in the engine's own user namespace nodes cannot be made, nor found by number. */
  readonly isShown: boolean;
  readonly node: LinuxDevice;
  readonly rule: LinuxDeviceCgroup;
}

const shownOf = (devices: readonly FoundDevice[]) =>
  devices.filter(({ isShown }) => isShown).map(({ source, node }) => [source, node.path] as const);

/** The devices that the host has at the place that an option names. */
function found(option: DeviceOption, facts: ContainerFacts, findings: Findings): FoundDevice[] {
  const { source, target = source, access = "rwm" } = option;
  const problem = accessProblem(access) ?? targetProblem(target);
  if (problem !== null) {
    findings.problem("--device", source, problem);
    return [];
  }
  const there = devicesAt(source, facts);
  if (there.length === 0) {
    findings.problem(
      "--device",
      source,
      "the host has no device, and no directory with devices, there",
    );
  }
  return there.map((device) => {
    const path = cleanPath(`${target}/${device.path.slice(source.length)}`);
    const { type, major, minor } = device;
    const isShown = facts.userNamespace !== undefined && path !== device.path;
    return {
      source: device.path,
      isShown,
      node: nodeOf(device, path),
      rule: { allow: true, type, major, minor, access },
    };
  });
}

function devicesAt(path: string, { devices = {} }: ContainerFacts): readonly HostDevice[] {
  return (Object.hasOwn(devices, path) ? devices[path] : undefined) ?? [];
}

/** The one block device at a path, for limits of its use. */
export function blockDeviceAt(path: string, facts: ContainerFacts): HostDevice | undefined {
  const [device, ...others] = devicesAt(path, facts);
  return device?.type === "b" && others.length === 0 ? device : undefined;
}

function nodeOf({ type, major, minor, mode, uid, gid }: HostDevice, path: string): LinuxDevice {
  return { path, type, major, minor, fileMode: mode, uid, gid };
}
