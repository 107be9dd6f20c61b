/** Registries of this machine are reached without the proxy that the environment names. */

const loopback = ["localhost", "127.0.0.1", "::1"];

/**
 * Adds this machine to what is reached directly, as Go's programs have it. fetch reads the
 * environment at each request.
 */
export function reachLoopbackDirectly(env: Record<string, string | undefined>): void {
  if (!Object.keys(env).some((name) => /^(?:https?|all)_proxy$/i.test(name))) return;
  const direct = env["NO_PROXY"] ?? env["no_proxy"] ?? "";
  const all = [...direct.split(",").filter((host) => host !== ""), ...loopback].join(",");
  env["NO_PROXY"] = all;
  env["no_proxy"] = all;
}
