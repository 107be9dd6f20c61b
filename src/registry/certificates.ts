/**
 * Whose certificates are trusted, beyond what the runtime brings: those that docker and podman are
 * told of for one registry, and those of the machine, where a company puts its own.
 *
 * @see https://docs.docker.com/engine/security/certificates/
 */
import { readdirSync, readFileSync } from "node:fs";

const directories = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/** Where distributions keep all that the machine trusts, in one file. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // one that cannot be read trusts nobody
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** All authorities that the machine trusts, as PEM. */
export function machineAuthorities(): readonly string[] {
  for (const bundle of bundles) {
    const text = readIfThere(bundle);
    if (text !== undefined) return [text];
  }
  return [];
}

/**
 * The authorities for a registry, the machine's among them; undefined: nothing is said of it.
 *
 * @param host with the port if there is one, as the directory is called
 */
export function authoritiesOf(
  host: string,
  below: readonly string[] = directories,
): readonly string[] | undefined {
  const own = below.flatMap((directory) =>
    namesIn(`${directory}/${host}`)
      .filter((name) => name.endsWith(".crt"))
      .flatMap((name) => readIfThere(`${directory}/${host}/${name}`) ?? []),
  );
  return own.length === 0 ? undefined : [...machineAuthorities(), ...own];
}
