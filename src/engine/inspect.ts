/** A container as docker's `inspect` shows it, as far as there is such a thing here. */

import type { RecordedMount } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import type { IdMappings } from "../options/facts.ts";
import { hasMaps } from "../options/namespaces.ts";
import type { RunOptions } from "../options/options.ts";
import { usernsText } from "../options/userns.ts";
import { type Health, noChecksYet, readHealth } from "./health-log.ts";
import { exposedPorts, networkSettings, portBindings } from "./network-settings.ts";
import { logFile } from "./start.ts";
import { type Container, shownStatus } from "./status.ts";

/** Go's zero time. */
const never = "0001-01-01T00:00:00Z";

const timeText = (milliseconds: number | null): string =>
  milliseconds === null ? never : new Date(milliseconds).toISOString();

const numberOf = (amount: number | bigint | undefined): number => Number(amount ?? 0);

/** With docker a container that has ended is unhealthy: who waits for it to be healthy hears so. */
const healthOf = ({ status, process, directory }: Container): Health =>
  process === null && status !== "created"
    ? { ...noChecksYet, Status: "unhealthy" }
    : readHealth(directory);

function stateOf(container: Container) {
  const { process, end, started, record, error } = container;
  const status = shownStatus(container);
  const { engine } = record;
  return {
    Status: status,
    Running: process !== null,
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: end?.outOfMemory ?? false,
    Dead: status === "dead",
    Pid: process?.pid ?? 0,
    ExitCode: end?.code ?? 0,
    Error: error,
    StartedAt: timeText(started),
    FinishedAt: timeText(process === null ? (end?.at ?? null) : null),
    ...(engine === null || engine.health === null ? {} : { Health: healthOf(container) }),
  };
}

function mountOf({ type, source, destination, readonly, volume }: RecordedMount) {
  return {
    Type: type,
    ...(volume === undefined ? {} : { Name: volume }),
    Source: source,
    ...(volume === undefined ? {} : { Driver: "local" }),
    Destination: destination,
    Mode: readonly ? "ro" : "",
    RW: !readonly,
    Propagation: type === "bind" ? "rprivate" : "",
  };
}

const modeText = (mode: RunOptions["pid"] | RunOptions["ipc"]): string => {
  if (mode === undefined) return "private";
  if (typeof mode === "string") return mode;
  return "container" in mode ? `container:${mode.container}` : `ns:${mode.path}`;
};

/** As podman's: `inside:outside:size`. */
function mappingsOf({ uid, gid }: IdMappings) {
  const lines = (maps: IdMappings["uid"]) =>
    maps.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`);
  return { UidMap: lines(uid), GidMap: lines(gid) };
}

function hostConfigOf({ record }: Container) {
  const { options, engine, mounts, networkMode, idMappings } = record;
  const ownMaps = hasMaps(options) ? "private" : "";
  return {
    Binds: mounts
      .filter(({ type }) => type !== "tmpfs")
      .map(
        ({ source, volume, destination, readonly }) =>
          `${volume ?? source}:${destination}${readonly ? ":ro" : ""}`,
      ),
    LogConfig: {
      Type: engine?.log.driver ?? "none",
      Config:
        engine === null || engine.log.maxBytes === 0
          ? {}
          : { "max-size": String(engine.log.maxBytes), "max-file": String(engine.log.files) },
    },
    NetworkMode: networkMode,
    PortBindings: portBindings(options),
    PublishAllPorts: options.publishAll === true,
    RestartPolicy: {
      Name: engine?.restart.name ?? "no",
      MaximumRetryCount: engine?.restart.retries ?? 0,
    },
    AutoRemove: options.rm === true,
    CapAdd: options.capAdd ?? null,
    CapDrop: options.capDrop ?? null,
    CgroupnsMode: modeText(options.cgroupns),
    IpcMode: modeText(options.ipc),
    PidMode: options.pid === undefined || options.pid === "private" ? "" : modeText(options.pid),
    UTSMode: options.uts === undefined || options.uts === "private" ? "" : modeText(options.uts),
    UsernsMode: options.userns === undefined ? ownMaps : usernsText(options.userns),
    ...(idMappings ? { IDMappings: mappingsOf(idMappings) } : {}),
    Privileged: options.privileged === true,
    ReadonlyRootfs: options.readOnly === true,
    Init: options.init === true,
    OomScoreAdj: options.oomScoreAdj ?? 0,
    OomKillDisable: options.oomKillDisable === true,
    Memory: numberOf(options.memory),
    MemoryReservation: numberOf(options.memoryReservation),
    MemorySwap: numberOf(options.memorySwap),
    NanoCpus: Math.round((options.cpus ?? 0) * 1e9),
    CpuShares: numberOf(options.cpuShares),
    CpuPeriod: numberOf(options.cpuPeriod),
    CpuQuota: numberOf(options.cpuQuota),
    CpusetCpus: options.cpusetCpus ?? "",
    CpusetMems: options.cpusetMems ?? "",
    PidsLimit: options.pidsLimit === undefined ? null : numberOf(options.pidsLimit),
    ShmSize: numberOf(options.shmSize) || 64 * 1024 * 1024,
    Tmpfs: options.tmpfs ?? {},
    Sysctls: options.sysctls ?? {},
    Dns: options.dns ?? [],
    DnsSearch: options.dnsSearch ?? [],
    DnsOptions: options.dnsOptions ?? [],
    ExtraHosts: (options.addHosts ?? []).map(({ name, address }) => `${name}:${address}`),
    GroupAdd: options.groupAdd ?? null,
  };
}

function configOf(container: Container) {
  const { id, record } = container;
  const exposed = exposedPorts(container);
  const { process, options, source, labels, args, image } = record;
  const config = source.kind === "stored" ? source.config : null;
  const entrypoint = options.entrypoint ?? config?.Entrypoint ?? [];
  return {
    Hostname: record.hostname === "" ? id.slice(0, 12) : record.hostname,
    Domainname: options.domainname ?? "",
    User: options.user ?? config?.User ?? "",
    ...(exposed.length === 0
      ? {}
      : { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: process.tty,
    OpenStdin: process.interactive,
    StdinOnce: false,
    Env: process.env,
    Cmd: args.slice(entrypoint.filter((word) => word !== "").length),
    Image: image,
    Volumes: config?.Volumes ?? null,
    WorkingDir: process.cwd,
    Entrypoint: entrypoint.length === 0 ? null : entrypoint,
    Labels: labels,
    StopSignal: String(process.stopSignal),
  };
}

/** The document, with docker's names. */
export function inspectContainer(container: Container, roots: Roots) {
  const { id, name, record, restarts, directory } = container;
  const { args, source, engine } = record;
  const data = `${roots.dataRoot}/containers/${id}`;
  return {
    Id: id,
    Created: timeText(record.created),
    Path: args[0] ?? "",
    Args: args.slice(1),
    State: stateOf(container),
    Image: source.kind === "stored" ? source.id : "",
    ResolvConfPath: `${directory}/resolv.conf`,
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    LogPath: engine === null || engine.log.driver === "none" ? "" : logFile(roots, id),
    Name: `/${name}`,
    RestartCount: restarts,
    Driver: source.kind === "stored" ? "overlay2" : "directory",
    Platform: "linux",
    HostConfig: hostConfigOf(container),
    GraphDriver:
      source.kind === "stored"
        ? {
            Name: "overlay2",
            Data: {
              LowerDir: source.chainIds
                .map((chainId) => `${roots.dataRoot}/layers/${chainId}`)
                .reverse()
                .join(":"),
              UpperDir: `${data}/upper`,
              WorkDir: `${data}/work`,
            },
          }
        : { Name: "directory", Data: { Dir: source.directory } },
    Mounts: record.mounts.map(mountOf),
    Config: configOf(container),
    NetworkSettings: networkSettings(container),
  };
}
