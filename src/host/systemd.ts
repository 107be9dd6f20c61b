/** Which manager of systemd keeps this user's scopes, and where it is reached. */

import { existsSync, statSync } from "node:fs";
import type { Manager } from "../systemd/ask.ts";
import { read } from "./cgroups.ts";

/**
 * Who a user is outside of their user namespace: user_namespaces(7), `uid_map`.
 *
 * @param map its text: lines of the first id inside, the first one outside, and how many
 */
export function uidOutside(uid: number, map: string): number {
  for (const line of map.split("\n")) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    if (uid >= inside && uid < inside + count) return outside + uid - inside;
  }
  return uid;
}

/** The cgroup of the machine's manager: its own process is in `init.scope` below it. */
export function rootOf(cgroup: string): string {
  const line = cgroup.split("\n").find((each) => /^\d+:(name=systemd)?:/.test(each)) ?? "";
  const own = line.slice(line.indexOf(":", line.indexOf(":") + 1) + 1);
  return own.endsWith("/init.scope") ? own.slice(0, -"/init.scope".length) : "";
}

/** By the specification of D-Bus addresses; only sockets with a path are looked for. */
const busPath = (address: string | undefined): string | undefined =>
  /(?:^|;)unix:(?:[^;]*,)?path=([^,;]+)/.exec(address ?? "")?.[1];

function machineManager(): Manager | null {
  // sd_booted(3).
  const isBooted = statSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory();
  if (isBooted !== true) return null;
  const common = { uid: 0, user: false, root: rootOf(read("/proc/1/cgroup") ?? "") };
  const own = "/run/systemd/private";
  // Only root may speak to it without the bus, which need not run.
  return existsSync(own)
    ? { ...common, socket: own, bus: false }
    : { ...common, socket: "/run/dbus/system_bus_socket", bus: true };
}

export function findUserManager(uid: number, env: NodeJS.ProcessEnv): Manager | null {
  const given = env["XDG_RUNTIME_DIR"];
  const runtime = given === undefined || given === "" ? `/run/user/${uid}` : given;
  const root = `/user.slice/user-${uid}.slice/user@${uid}.service`;
  const own = `${runtime}/systemd/private`;
  if (existsSync(own)) return { socket: own, bus: false, uid, user: true, root };
  const bus = busPath(env["DBUS_SESSION_BUS_ADDRESS"]) ?? `${runtime}/bus`;
  return existsSync(bus) ? { socket: bus, bus: true, uid, user: true, root } : null;
}

/** The manager for who we are, or null when none runs. */
export function findManager(env: NodeJS.ProcessEnv = process.env): Manager | null {
  const uid = uidOutside(process.geteuid?.() ?? 0, read("/proc/self/uid_map") ?? "");
  return uid === 0 ? machineManager() : findUserManager(uid, env);
}
