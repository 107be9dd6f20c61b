/** `pivot info`: docker's layout, as far as there is such a thing here. */

import { type Container, listContainers, type Status } from "../engine/status.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { fileSystemOf, isInForce, machineWarnings, readMachine } from "../host/machine.ts";
import { rootlessUser } from "../host/rootless.ts";
import { writeAll } from "../host/write.ts";
import { listImages } from "../image/images.ts";
import { openStore } from "../image/store.ts";
import { isRootless, netavarkPath, whyNoPasta } from "../network/installed.ts";
import { version } from "../version.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { binarySize } from "./human.ts";
import { printDocument } from "./output.ts";

export const infoFlags: readonly Flag[] = [
  { name: "format", short: "f", value: "FORMAT", help: "json, or a Go template: '{{.Driver}}'" },
];

const count = (all: readonly Container[], ...which: readonly Status[]): number =>
  all.filter(({ status }) => which.includes(status)).length;

/** What `--network` takes here, sorted: bridges are root's, and made by netavark. */
const networkModes = (): readonly string[] => [
  ...(isRootless() || netavarkPath() === null ? [] : ["bridge"]),
  "host",
  "none",
  ...(whyNoPasta() === null ? ["pasta"] : []),
];

/** Docker's names, in docker's order. */
async function infoDocument(globals: Globals) {
  const roots = engineRoots(globals);
  const all = await listContainers(roots);
  const images = await listImages(openStore(roots.dataRoot));
  const layout = readCgroupLayout();
  const machine = readMachine();
  const modules = (["apparmor", "selinux"] as const).filter(isInForce);
  return {
    Containers: all.length,
    ContainersRunning: count(all, "running", "restarting"),
    ContainersPaused: count(all, "paused"),
    ContainersStopped: count(all, "created", "exited", "dead"),
    Images: images.length,
    ServerVersion: version,
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", fileSystemOf(roots.dataRoot)]],
    LoggingDriver: "json-file",
    CgroupDriver: layout.mode === "none" ? "none" : "cgroupfs",
    CgroupVersion: layout.mode === "v2" ? "2" : layout.mode === "none" ? "" : "1",
    CgroupMode: layout.mode,
    Plugins: { Volume: ["local"], Network: networkModes(), Log: ["json-file", "none"] },
    Runtimes: { pivot: { path: "pivot-oci" } },
    DefaultRuntime: "pivot",
    SecurityOptions: [
      ...modules.map((name) => `name=${name}`),
      "name=seccomp,profile=builtin",
      "name=cgroupns",
      ...(rootlessUser(process.env) === null ? [] : ["name=rootless"]),
    ],
    KernelVersion: machine.kernel,
    OperatingSystem: machine.operatingSystem,
    OSType: "linux",
    Architecture: machine.architecture,
    NCPU: machine.cpus,
    MemTotal: machine.memory,
    Name: machine.name,
    DockerRootDir: roots.dataRoot,
    RunRootDir: roots.runRoot,
    Warnings: machineWarnings(layout),
    ClientInfo: { Version: version },
  };
}

type Info = Awaited<ReturnType<typeof infoDocument>>;

/** `name=seccomp,profile=builtin` on two lines. */
function securityLines(options: readonly string[]): readonly string[] {
  return options.flatMap((option) => {
    const [first = "", ...rest] = option.split(",").map((part) => part.split("="));
    return [
      `  ${first[1]}`,
      ...rest.map(([key = "", value]) => `   ${key[0]?.toUpperCase()}${key.slice(1)}: ${value}`),
    ];
  });
}

const infoText = (info: Info): string =>
  `${[
    "Client:",
    ` Version:    ${info.ClientInfo.Version}`,
    "",
    "Engine: (there is no daemon)",
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Version: ${info.ServerVersion}`,
    ` Storage Driver: ${info.Driver}`,
    ...info.DriverStatus.map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${info.LoggingDriver}`,
    ` Cgroup Driver: ${info.CgroupDriver}`,
    ` Cgroup Version: ${info.CgroupVersion}${info.CgroupMode === "hybrid" ? " (hybrid)" : ""}`,
    " Plugins:",
    `  Volume: ${info.Plugins.Volume.join(" ")}`,
    `  Network: ${info.Plugins.Network.join(" ")}`,
    `  Log: ${info.Plugins.Log.join(" ")}`,
    ` Runtimes: ${Object.keys(info.Runtimes).join(" ")}`,
    ` Default Runtime: ${info.DefaultRuntime}`,
    " Security Options:",
    ...securityLines(info.SecurityOptions),
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` Pivot Root Dir: ${info.DockerRootDir}`,
    ` Run Root Dir: ${info.RunRootDir}`,
  ].join("\n")}\n`;

export async function infoCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`info takes no arguments, received ${given.words.join(" ")}`);
  }
  const info = await infoDocument(globals);
  const format = lastValue(given, "format") ?? "";
  if (format !== "") {
    printDocument(info, format);
    return 0;
  }
  writeAll(1, infoText(info));
  for (const warning of info.Warnings) writeAll(2, `WARNING: ${warning}\n`);
  return 0;
}
