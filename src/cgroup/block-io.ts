// Limits of block devices (config-linux.md, Block IO; cgroup-v1/blkio-controller.rst; bfq-iosched.rst).

import type { LinuxBlockIO } from "../spec/mod.ts";
import type { Limits } from "./limits.ts";

const WHY = "linux.resources.blockIO";

/** The file that weighs version 2's cgroups: BFQ's where that scheduler is there, else iocost's. */
export type IoWeightFile = "io.bfq.weight" | "io.weight";

const throttles = [
  ["throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"],
  ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"],
  ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"],
  ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"],
] as const;

/** BFQ's range; what version 1 calls a weight has this range too. */
const MOST_WEIGHT = 1000;

/** The io.weight (1 to 10000) for a weight of the configuration (10 to 1000), as runc converts it. */
export const ioWeightOf = (weight: number): number =>
  Math.max(1, 1 + Math.floor(((weight - 10) * 9999) / 990));

/** Adds weights and rates of block devices. */
export function addBlockIO(blockIO: LinuxBlockIO, limits: Limits, weightFile: IoWeightFile): void {
  const { weight, leafWeight, weightDevice = [] } = blockIO;
  if (weight !== undefined && weight !== 0) {
    addWeight("", weight, `${WHY}.weight`, limits, weightFile);
  }
  if (leafWeight !== undefined && leafWeight !== 0) {
    addLeafWeight("", leafWeight, `${WHY}.leafWeight`, limits);
  }
  weightDevice.forEach((device, i) => {
    const number = `${device.major}:${device.minor} `;
    const why = `${WHY}.weightDevice[${i}]`;
    if (device.weight !== undefined && device.weight !== 0) {
      addWeight(number, device.weight, `${why}.weight`, limits, weightFile);
    }
    if (device.leafWeight !== undefined && device.leafWeight !== 0) {
      addLeafWeight(number, device.leafWeight, `${why}.leafWeight`, limits);
    }
  });
  for (const [field, file, key] of throttles) {
    blockIO[field]?.forEach(({ major, minor, rate }, i) => {
      const why = `${WHY}.${field}[${i}]`;
      const version = limits.version("blkio", why);
      if (version === 1) limits.write(file, `${major}:${minor} ${rate}`, why);
      // Zero lifts a limit in version 1; version 2 has a word for it.
      const most = rate === 0n ? "max" : rate;
      if (version === 2) limits.write("io.max", `${major}:${minor} ${key}=${most}`, why);
    });
  }
}

/** `device` is empty for the weight on all devices, else `MAJOR:MINOR `. */
function addWeight(
  device: string,
  weight: number,
  why: string,
  limits: Limits,
  weightFile: IoWeightFile,
): void {
  const version = limits.version("blkio", why);
  if (version === undefined) return;
  if (weight > MOST_WEIGHT) {
    limits.refuse(why, `a weight of at most ${MOST_WEIGHT}`, `the number ${weight}`);
  } else if (version === 2) {
    const value = weightFile === "io.weight" ? ioWeightOf(weight) : weight;
    limits.write(weightFile, `${device}${value}`, why);
  } else {
    // The scheduler that had blkio.weight, CFQ, went with Linux 5.0; BFQ took its place.
    const name = limits.isSince([5, 0]) ? "blkio.bfq.weight" : "blkio.weight";
    limits.write(device === "" ? name : `${name}_device`, `${device}${weight}`, why);
  }
}

/** CFQ's alone: how a cgroup's own processes weigh against its children. */
function addLeafWeight(device: string, weight: number, why: string, limits: Limits): void {
  const version = limits.version("blkio", why);
  if (version === undefined) return;
  if (version === 2 || limits.isSince([5, 0])) {
    limits.refuse(
      why,
      "Linux before 5.0 with cgroups of version 1 and the scheduler CFQ",
      "a newer kernel: leave this out",
    );
    return;
  }
  const file = device === "" ? "blkio.leaf_weight" : "blkio.leaf_weight_device";
  limits.write(file, `${device}${weight}`, why);
}
