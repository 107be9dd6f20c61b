/** The flags of `run` as the options that the library takes; all that is wrong comes out at once. */

import { readFileSync } from "node:fs";
import { parseDeviceWeight, parseThrottle } from "../options/block-device.ts";
import { parseBytes } from "../options/bytes.ts";
import { parseCapability } from "../options/capability.ts";
import { parseCpus, parseIdList } from "../options/cpu.ts";
import { parseDevice, parseDeviceCgroupRule } from "../options/device.ts";
import { parseEgress } from "../options/egress.ts";
import { type EnvEntry, parseEnv, parseEnvFile } from "../options/environment.ts";
import {
  parseAddHost,
  parseDnsOption,
  parseDnsSearch,
  parseDnsServer,
} from "../options/host-entry.ts";
import { parseLabel } from "../options/label.ts";
import { parseMount } from "../options/mount.ts";
import type { MountOption } from "../options/mount-option.ts";
import { parseContainerName, parseDomainname, parseHostname } from "../options/name.ts";
import {
  type NamespaceMode,
  type NamespaceOption,
  parseIpcMode,
  parseNamespaceMode,
  parseNetworkMode,
} from "../options/namespace-mode.ts";
import { parseAlias, parseIp4, parseIp6, parseMac } from "../options/network.ts";
import type { RootSwitch, RunOptions } from "../options/options.ts";
import { accept, Findings, formatOptionProblem, type Result, refuse } from "../options/problem.ts";
import { parseExpose, parsePublish } from "../options/publish.ts";
import {
  type ProcOptions,
  parseSecurityOpt,
  type SecurityOptions,
  type SecuritySetting,
} from "../options/security.ts";
import { parseVolumesFrom } from "../options/settle-volumes.ts";
import { parseSignal } from "../options/signal.ts";
import { parseSysctl } from "../options/sysctl.ts";
import { parseTmpfs } from "../options/tmpfs.ts";
import { parseUlimit } from "../options/ulimit.ts";
import { parseGroup, parseUser } from "../options/user.ts";
import { parseIdMap, parseUserns } from "../options/userns.ts";
import { parseVolume } from "../options/volume.ts";
import type { ParsedArguments } from "./arguments.ts";

/** What the parsers need to know of the caller. */
export type Caller = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

type Parse<T> = (given: string) => Result<T>;

/** One flag after the other, problems noted and passed over. */
class FlagReader {
  readonly findings = new Findings();
  readonly #given: ParsedArguments;

  constructor(given: ParsedArguments) {
    this.#given = given;
  }

  isOn(name: string, standard = false): boolean {
    const value = this.#given.flags.get(name)?.at(-1);
    return value === undefined ? standard : value === "true";
  }

  /** The last one counts. */
  last<T>(name: string, parse: Parse<T>): T | undefined {
    const value = this.#given.flags.get(name)?.at(-1);
    return value === undefined ? undefined : this.findings.take(parse(value));
  }

  all<T>(name: string, parse: Parse<T>): T[] | undefined {
    const values = this.#given.flags.get(name);
    if (values === undefined) return undefined;
    return values.flatMap((value) => {
      const taken = this.findings.take(parse(value));
      return taken === undefined ? [] : [taken];
    });
  }
}

const text: Parse<string> = (given) => accept(given);

/** A whole number within bounds. */
const wholeNumber =
  (option: string, least: bigint, most = 2n ** 63n - 1n): Parse<bigint> =>
  (given) => {
    const value = /^-?\d{1,19}$/.test(given) ? BigInt(given) : null;
    if (value !== null && value >= least && value <= most) return accept(value);
    const range = most === 2n ** 63n - 1n ? `from ${least} on` : `from ${least} to ${most}`;
    return refuse(option, given, `it is a whole number ${range}`);
  };

const smallNumber = (option: string, least: bigint, most: bigint): Parse<number> => {
  const parse = wholeNumber(option, least, most);
  return (given) => {
    const parsed = parse(given);
    return parsed.ok ? accept(Number(parsed.value)) : parsed;
  };
};

const bytes =
  (option: string, unlimited = false): Parse<bigint> =>
  (given) =>
    parseBytes(given, option, unlimited);

const parseUmask: Parse<number> = (given) =>
  /^[0-7]{1,4}$/.test(given)
    ? accept(Number.parseInt(given, 8))
    : refuse("--umask", given, "it is octal, such as 0022");

const parseRootSwitch: Parse<RootSwitch> = (given) =>
  given === "pivot" || given === "chroot" || given === "move"
    ? accept(given)
    : refuse("--root-switch", given, "it is pivot, chroot or move");

/** `boottime=3600`: seconds, as `unshare` of util-linux takes them. */
const parseTimeOffset: Parse<readonly [clock: string, seconds: number]> = (given) => {
  const match = /^(boottime|monotonic)=(-?\d{1,12})$/.exec(given);
  return match?.[1] === undefined
    ? refuse("--time-offset", given, "it looks like boottime=SECONDS or monotonic=SECONDS")
    : accept([match[1], Number(match[2])]);
};

/** docker takes the path of a namespace only with `ns:` in front; a bare path is clear enough. */
const asNamespace = (given: string): string => (given.startsWith("/") ? `ns:${given}` : given);

const namespaceMode =
  (option: NamespaceOption): Parse<NamespaceMode> =>
  (given) =>
    parseNamespaceMode(asNamespace(given), option);

/** A name as in the first column of /etc/subuid. */
const ownerName =
  (option: string): Parse<string> =>
  (given) =>
    /^[^:\s]+$/.test(given)
      ? accept(given)
      : refuse(option, given, "it is a user's name, or a uid, as in /etc/subuid");

function readEnvFile(path: string, lookup: (name: string) => string | undefined) {
  try {
    return parseEnvFile(readFileSync(path, "utf8"), lookup, path);
  } catch (error) {
    // Without the call and the path once more: `ENOENT: no such file or directory, open 'x'`.
    return refuse("--env-file", path, (error as Error).message.replace(/, \w+( '.*')?$/s, ""));
  }
}

function readEnvironment(flags: FlagReader, { env }: Caller): RunOptions["env"] {
  const lookup = (name: string) => env[name];
  const fromFiles = flags.all<readonly EnvEntry[]>("env-file", (path) => readEnvFile(path, lookup));
  const given = flags.all("env", (word) => parseEnv(word, lookup));
  if (fromFiles === undefined && given === undefined) return undefined;
  return Object.fromEntries([...(fromFiles ?? []).flat(), ...(given ?? [])]);
}

/** The profile of `--security-opt seccomp=FILE`. */
function readProfile(path: string): Result<SecuritySetting> {
  try {
    return accept({ kind: "seccomp", profile: JSON.parse(readFileSync(path, "utf8")) });
  } catch (error) {
    return refuse("--security-opt", `seccomp=${path}`, (error as Error).message);
  }
}

function readSecurity(flags: FlagReader): { security: SecurityOptions; proc: ProcOptions } {
  const settings = flags.all("security-opt", (given) => {
    const parsed = parseSecurityOpt(given);
    return parsed.ok && parsed.value.kind === "seccomp-file"
      ? readProfile(parsed.value.path)
      : parsed;
  });
  let security: SecurityOptions = {};
  let proc: ProcOptions = {};
  for (const setting of settings ?? []) {
    switch (setting.kind) {
      case "seccomp":
        security = { ...security, seccomp: setting.profile };
        break;
      case "no-new-privileges":
        security = { ...security, noNewPrivileges: setting.on };
        break;
      case "apparmor":
        security = { ...security, apparmor: setting.profile };
        break;
      case "label":
        security = { ...security, labels: [...(security.labels ?? []), setting.label] };
        break;
      case "systempaths":
        security = { ...security, systemPaths: "unconfined" };
        break;
      case "mask":
        security = { ...security, mask: [...(security.mask ?? []), ...setting.paths] };
        break;
      case "unmask": {
        const before = security.unmask ?? [];
        const all = before === "ALL" || setting.paths === "ALL";
        security = { ...security, unmask: all ? "ALL" : [...before, ...setting.paths] };
        break;
      }
      case "proc-opts":
        proc = { ...proc, ...setting.options };
        break;
      case "seccomp-file":
        break; // read above
    }
  }
  return { security, proc };
}

function readMounts(flags: FlagReader, { cwd }: Caller): MountOption[] {
  return [
    ...(flags.all<MountOption>("volume", (given) => parseVolume(given, cwd)) ?? []),
    ...(flags.all("mount", (given) => parseMount(given, cwd)) ?? []),
  ];
}

const record = <T>(entries: readonly (readonly [string, T])[] | undefined) =>
  entries === undefined ? undefined : Object.fromEntries(entries);

function readResources(flags: FlagReader): RunOptions {
  const rates = (name: string, unit: "bytes" | "operations") =>
    flags.all(name, (given) => parseThrottle(given, `--${name}`, unit));
  return {
    memory: flags.last("memory", bytes("-m, --memory")),
    memorySwap: flags.last("memory-swap", bytes("--memory-swap", true)),
    memoryReservation: flags.last("memory-reservation", bytes("--memory-reservation")),
    memorySwappiness: flags.last(
      "memory-swappiness",
      smallNumber("--memory-swappiness", -1n, 100n),
    ),
    oomKillDisable: flags.isOn("oom-kill-disable") || undefined,
    cpus: flags.last("cpus", parseCpus),
    cpuShares: flags.last("cpu-shares", wholeNumber("-c, --cpu-shares", 0n)),
    cpuPeriod: flags.last("cpu-period", wholeNumber("--cpu-period", 0n)),
    cpuQuota: flags.last("cpu-quota", wholeNumber("--cpu-quota", -1n)),
    cpusetCpus: flags.last("cpuset-cpus", (given) => parseIdList(given, "--cpuset-cpus")),
    cpusetMems: flags.last("cpuset-mems", (given) => parseIdList(given, "--cpuset-mems")),
    pidsLimit: flags.last("pids-limit", wholeNumber("--pids-limit", -1n)),
    blkioWeight: flags.last("blkio-weight", smallNumber("--blkio-weight", 0n, 1000n)),
    blkioWeightDevice: flags.all("blkio-weight-device", parseDeviceWeight),
    deviceReadBps: rates("device-read-bps", "bytes"),
    deviceWriteBps: rates("device-write-bps", "bytes"),
    deviceReadIops: rates("device-read-iops", "operations"),
    deviceWriteIops: rates("device-write-iops", "operations"),
  };
}

function readNamespaces(flags: FlagReader): RunOptions {
  return {
    pid: flags.last("pid", namespaceMode("--pid")),
    ipc: flags.last("ipc", (given) => parseIpcMode(asNamespace(given))),
    uts: flags.last("uts", namespaceMode("--uts")),
    cgroupns: flags.last("cgroupns", namespaceMode("--cgroupns")),
    userns: flags.last("userns", (given) => parseUserns(asNamespace(given))),
    uidMap: flags.all("uidmap", (given) => parseIdMap(given, "--uidmap")),
    gidMap: flags.all("gidmap", (given) => parseIdMap(given, "--gidmap")),
    subuidName: flags.last("subuidname", ownerName("--subuidname")),
    subgidName: flags.last("subgidname", ownerName("--subgidname")),
    timeOffsets: record(flags.all("time-offset", parseTimeOffset)),
    sysctls: record(flags.all("sysctl", parseSysctl)),
    hostname: flags.last("hostname", parseHostname),
    domainname: flags.last("domainname", parseDomainname),
  };
}

/** The first network is the one that its address and its ports belong to. */
function readNetworks(flags: FlagReader): RunOptions {
  const [network, ...more] =
    flags.all("network", (given) => parseNetworkMode(asNamespace(given))) ?? [];
  const networks = more.filter((mode) => typeof mode === "object" && "network" in mode);
  if (networks.length < more.length) {
    flags.findings.problem(
      "--network",
      null,
      "conflicting options: only networks by their names can be given several times",
    );
  }
  return {
    network,
    networks: networks.length > 0 ? networks : undefined,
    ip: flags.last("ip", (given) => parseIp4(given)),
    ip6: flags.last("ip6", (given) => parseIp6(given)),
    macAddress: flags.last("mac-address", (given) => parseMac(given)),
    networkAliases: flags.all("network-alias", (given) => parseAlias(given)),
    publish: flags.all("publish", parsePublish),
    publishAll: flags.isOn("publish-all") || undefined,
    expose: flags.all("expose", parseExpose),
    egress: flags.all("egress", parseEgress)?.flat(),
  };
}

function readProcess(flags: FlagReader, caller: Caller): RunOptions {
  const user = flags.last("user", (given) => {
    const parsed = parseUser(given);
    return parsed.ok ? accept(given) : parsed;
  });
  return {
    user,
    groupAdd: flags.all("group-add", parseGroup),
    workdir: flags.last("workdir", text),
    env: readEnvironment(flags, caller),
    entrypoint: flags.last("entrypoint", (given) => accept([given])),
    interactive: flags.isOn("interactive"),
    tty: flags.isOn("tty"),
    init: flags.isOn("init"),
    stopSignal: flags.last("stop-signal", (given) => parseSignal(given, "--stop-signal")),
    signalProxy: flags.isOn("sig-proxy", true),
    umask: flags.last("umask", parseUmask),
    ulimits: flags.all("ulimit", parseUlimit),
    oomScoreAdj: flags.last("oom-score-adj", smallNumber("--oom-score-adj", -1000n, 1000n)),
  };
}

/** The options, or every problem in a line of its own. */
export function readRunOptions(
  given: ParsedArguments,
  caller: Caller,
): { readonly options: RunOptions; readonly problems: readonly string[] } {
  const flags = new FlagReader(given);
  const { security, proc } = readSecurity(flags);
  const options: RunOptions = {
    ...readProcess(flags, caller),
    ...readNamespaces(flags),
    ...readNetworks(flags),
    ...readResources(flags),
    name: flags.last("name", parseContainerName),
    rm: flags.isOn("rm"),
    labels: record(flags.all("label", (word) => parseLabel(word, "-l, --label"))),
    annotations: record(flags.all("annotation", (word) => parseLabel(word, "--annotation"))),
    readOnly: flags.isOn("read-only"),
    privileged: flags.isOn("privileged"),
    rootSwitch: flags.last("root-switch", parseRootSwitch),
    mounts: readMounts(flags, caller),
    volumesFrom: flags.all("volumes-from", (word) => {
      const parsed = parseVolumesFrom(word);
      return parsed.ok ? accept(word) : parsed;
    }),
    tmpfs: record(
      flags.all("tmpfs", parseTmpfs)?.map(({ target, options: words }) => [target, words] as const),
    ),
    shmSize: flags.last("shm-size", bytes("--shm-size")),
    devices: flags.all("device", (word) => parseDevice(word, caller.cwd)),
    deviceCgroupRules: flags.all("device-cgroup-rule", parseDeviceCgroupRule),
    capAdd: flags.all("cap-add", (word) => parseCapability(word, "--cap-add")),
    capDrop: flags.all("cap-drop", (word) => parseCapability(word, "--cap-drop")),
    dns: flags.all("dns", parseDnsServer),
    dnsSearch: flags.all("dns-search", parseDnsSearch),
    dnsOptions: flags.all("dns-option", parseDnsOption),
    addHosts: flags.all("add-host", parseAddHost),
    securityOpt: security,
    procOptions: proc,
  };
  return { options, problems: flags.findings.problems.map(formatOptionProblem) };
}
