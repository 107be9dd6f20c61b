// The kernel settings of a container's configuration.

import { namespaceOf } from "../spec/mod.ts";
import { isOwn, type NamespaceModes } from "./namespaces.ts";
import type { RunOptions } from "./options.ts";
import type { Findings } from "./problem.ts";
import { sysctlProblem } from "./sysctl.ts";

/** docker's settings for a network of the container's own, and those asked for over them. */
export function containerSysctls(
  { sysctls = {} }: RunOptions,
  modes: NamespaceModes,
  inUserNamespace: boolean,
  findings: Findings,
): Readonly<Record<string, string>> {
  const settings: Record<string, string> = Object.create(null);
  if (isOwn(modes.network)) {
    // What CAP_NET_RAW and CAP_NET_BIND_SERVICE allow anyway, now for any user. Groups that are not
    // mapped cannot be named.
    if (!inUserNamespace) settings["net.ipv4.ping_group_range"] = "0 2147483647";
    settings["net.ipv4.ip_unprivileged_port_start"] = "0";
  }
  for (const [name, value] of Object.entries(sysctls)) {
    const problem = sysctlProblem(name, value) ?? foreignProblem(name, modes);
    if (problem !== null) findings.problem("--sysctl", `${name}=${value}`, problem);
    settings[name] = value;
  }
  return settings;
}

/** A setting of the host's own namespace is not the container's to change. */
function foreignProblem(name: string, modes: NamespaceModes): string | null {
  const type = namespaceOf(name);
  const isHosts = type !== undefined && modes[type] === "host";
  return isHosts ? `sysctl ${name} is not allowed in the host's ${type} namespace` : null;
}
