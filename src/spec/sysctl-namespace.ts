// Which kernel settings below /proc/sys belong to a namespace, and so can be one container's.

/** The kind of namespace that a kernel setting belongs to, by its name in `linux.namespaces`. */
export type SysctlNamespace = "ipc" | "network" | "uts";

const IPC: ReadonlySet<string> = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/**
 * The namespace that a setting belongs to; undefined if it is one of the whole machine.
 *
 * @param name with dots between its parts: `net.ipv4.ip_forward`
 */
export function namespaceOf(name: string): SysctlNamespace | undefined {
  if (IPC.has(name) || name.startsWith("fs.mqueue.")) return "ipc";
  if (name.startsWith("net.")) return "network";
  return name === "kernel.domainname" || name === "kernel.hostname" ? "uts" : undefined;
}
