// Devices: which nodes a container gets, and which rules hold for them.

import type { LinuxDeviceCgroup } from "../spec/mod.ts";
import { absoluteFrom, cleanPath, isAbsolute } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** A device of the host, or a directory with devices, that the container gets. */
export interface DeviceOption {
  /** Absolute, on the host. */
  readonly source: string;
  /** Absolute, in the container; absent: as on the host. */
  readonly target?: string | undefined;
  /** Of `r` read, `w` write, `m` mknod; absent: all three. */
  readonly access?: string | undefined;
}

/** What a rule says of whichever devices it names. */
export function accessProblem(access: string): string | null {
  const fits = /^[rwm]{1,3}$/.test(access) && new Set(access).size === access.length;
  return fits ? null : `bad mode specified: ${access} (it is made of r, w and m)`;
}

/** Parses `--device`: `SOURCE[:TARGET][:ACCESS]`, such as `/dev/sda:/dev/disk:r`. */
export function parseDevice(given: string, cwd: string): Result<DeviceOption> {
  const option = "--device";
  if (/^[^/]+\/[^/=]+=.+$/.test(given) && !given.startsWith(".")) {
    return refuse(
      option,
      given,
      "devices by their CDI name are not there yet: name them by their paths",
    );
  }
  const parts = given.split(":");
  const [source = "", second, third] = parts;
  if (parts.length > 3 || parts.includes("")) {
    return refuse(
      option,
      given,
      "it looks like SOURCE:TARGET:ACCESS, such as /dev/sda:/dev/disk:r",
    );
  }
  // As docker has it: a second part that reads as a mode is one.
  const isMode = second !== undefined && accessProblem(second) === null;
  if (isMode && third !== undefined) return refuse(option, given, `the target ${second} is a mode`);
  const access = isMode ? second : (third ?? "rwm");
  const problem = accessProblem(access);
  if (problem !== null) return refuse(option, given, problem);
  const from = absoluteFrom(source, cwd);
  const target = isMode || second === undefined ? from : second;
  if (!isAbsolute(target)) return refuse(option, given, `${target} is not an absolute path`);
  return accept({ source: from, target: cleanPath(target), access });
}

/** The largest numbers that a dev_t of the kernel holds (linux/kdev_t.h). */
const MAX_MAJOR = 2 ** 12 - 1;
const MAX_MINOR = 2 ** 20 - 1;

/** Parses `--device-cgroup-rule`: `c 1:3 rwm`, with `*` for any number, or `a` for all devices. */
export function parseDeviceCgroupRule(given: string): Result<LinuxDeviceCgroup> {
  const option = "--device-cgroup-rule";
  const text = given === "a" ? "a *:* rwm" : given;
  const found = /^([acb]) (\d{1,7}|\*):(\d{1,7}|\*) ([rwm]{1,3})$/.exec(text);
  const [, type, major = "*", minor = "*", access = ""] = found ?? [];
  const fits = (type === "a" || type === "b" || type === "c") && accessProblem(access) === null;
  if (!fits) return refuse(option, given, "invalid device cgroup format: it looks like c 1:3 rwm");
  const numbers = [Number(major), Number(minor)];
  if ((numbers[0] ?? 0) > MAX_MAJOR || (numbers[1] ?? 0) > MAX_MINOR) {
    return refuse(option, given, `device numbers go up to ${MAX_MAJOR}:${MAX_MINOR}`);
  }
  // The kernel takes all devices with all ways of access, whatever else the rule says.
  if (type === "a") return accept({ allow: true, type, access: "rwm" });
  return accept({
    allow: true,
    type,
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access,
  });
}
