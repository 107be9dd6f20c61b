/** Where a registry is: from the host of a reference to the addresses that are asked, in order. */

import { ImageError, quote } from "../image/error.ts";
import type { RegistrySettings } from "./settings.ts";

/** One address of a registry or of a mirror of it. */
export interface Endpoint {
  /** Host, with the port if there is one: what is connected to, and what messages say. */
  readonly host: string;
  /** How references name it, and credentials are kept: `docker.io` of `registry-1.docker.io`. */
  readonly name: string;
  /** What is tried, the safest first. */
  readonly schemes: readonly ("https" | "http")[];
  /** Its certificate is not looked at. */
  readonly isUnverified: boolean;
}

const dockerHub = "docker.io";
const dockerHubHost = "registry-1.docker.io";

/** The name without its port: `::1` of `[::1]:5000`. */
export function hostNameOf(host: string): string {
  if (host.startsWith("[")) return host.slice(1, host.indexOf("]"));
  const colon = host.indexOf(":");
  return colon < 0 ? host : host.slice(0, colon);
}

/** Whether a host, with or without a port, can only be this machine: nobody listens on the way. */
export function isLoopback(host: string): boolean {
  const name = hostNameOf(host).toLowerCase();
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** The address of a registry itself. */
export function endpointOf(name: string, settings: RegistrySettings): Endpoint {
  const isOpen = isLoopback(name) || settings.insecure.has(name);
  return {
    host: name === dockerHub ? dockerHubHost : name,
    name,
    schemes: isOpen ? ["https", "http"] : ["https"],
    isUnverified: isOpen,
  };
}

/** A mirror as the settings have it: `HOST[:PORT]`, or with the only scheme to use before it. */
function mirrorEndpoint(text: string, settings: RegistrySettings): Endpoint {
  const [, scheme, host] = /^(?:(https?):\/\/)?([^/\s?#@]+)\/?$/.exec(text) ?? [];
  if (host === undefined) {
    throw new ImageError(
      "unsupported",
      `the mirror ${quote(text)} is not a host: it looks like mirror.example:5000 or https://mirror.example`,
    );
  }
  const endpoint = endpointOf(host, settings);
  return scheme === "https" || scheme === "http" ? { ...endpoint, schemes: [scheme] } : endpoint;
}

/** Where an image is looked for: the mirrors of its registry, then the registry. */
export function pullEndpoints(name: string, settings: RegistrySettings): readonly Endpoint[] {
  const mirrors = settings.mirrors.get(name) ?? [];
  return [...mirrors.map((mirror) => mirrorEndpoint(mirror, settings)), endpointOf(name, settings)];
}
