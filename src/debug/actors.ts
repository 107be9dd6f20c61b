/** The two processes of a plan as the kernel shows them between two steps: mounts and descriptors. */

import { ProcessHandle } from "../verify/process-handle.ts";

/** A table of the most mounts that Linux allows has some 20 MB. */
const mountBytesMax = 64 << 20;
const descriptorsMax = 1024;

function withProcess<T>(pid: number | null, look: (process: ProcessHandle) => T): T | null {
  if (pid === null || pid === 0) return null;
  try {
    const process = new ProcessHandle(pid);
    try {
      return look(process);
    } finally {
      process.close();
    }
  } catch {
    return null; // it is gone, or may not be looked at
  }
}

/** The text of its mountinfo, or null when there is no such process. */
export const mountInfoOf = (pid: number | null): string | null =>
  withProcess(pid, (process) => process.read("mountinfo", mountBytesMax));

export type OpenDescriptor = {
  readonly number: number;
  readonly target: string;
  readonly mount: string;
};

export const descriptorsOf = (pid: number | null): OpenDescriptor[] =>
  withProcess(pid, (process) =>
    process
      .names("fd", descriptorsMax)
      .map(Number)
      .sort((a, b) => a - b)
      .flatMap((number) => {
        const target = process.link(`fd/${number}`);
        const mount = /^mnt_id:\s*(\d+)/m.exec(process.read(`fdinfo/${number}`, 65536) ?? "")?.[1];
        return target === null ? [] : [{ number, target, mount: mount ?? "" }];
      }),
  ) ?? [];
