/** References as people read them: `docker.io/library/busybox:latest` is `busybox:latest`. */
import { parseReference } from "./reference.ts";

/** The repository and what tells its images apart. */
export interface FamiliarName {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** A repository without the host and the path that are implied. */
export function familiarRepository(domain: string, path: string): string {
  if (domain !== "docker.io") return `${domain}/${path}`;
  return path.startsWith("library/") ? path.slice("library/".length) : path;
}

/** The parts of a normal form. An image in a file has its transport and file as repository. */
export function splitName(name: string): FamiliarName {
  const reference = parseReference(name);
  if (reference.transport === "registry") {
    const { domain, path, tag, digest } = reference;
    return { repository: familiarRepository(domain, path), tag, digest };
  }
  const { transport, file, select } = reference;
  return { repository: `${transport}:${file}`, tag: select, digest: undefined };
}

/** A normal form as it would be typed. */
export function familiarName(name: string): string {
  const { repository, tag, digest } = splitName(name);
  if (digest !== undefined) return `${repository}@${digest}`;
  return tag === undefined ? repository : `${repository}:${tag}`;
}

/** The digest references that docker lists beside tags: one for each repository in a registry. */
export function repoDigests(digests: ReadonlyMap<string, string>): readonly string[] {
  const found = [...digests].flatMap(([name, digest]) => {
    const reference = parseReference(name);
    if (reference.transport !== "registry") return [];
    return [`${familiarRepository(reference.domain, reference.path)}@${digest}`];
  });
  return [...new Set(found)].sort();
}
