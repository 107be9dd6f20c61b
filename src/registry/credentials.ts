/**
 * Who we are to a registry: what docker and podman keep, and what their credential programs know.
 *
 * Read, in this order: `$REGISTRY_AUTH_FILE`; docker's `config.json` in `$DOCKER_CONFIG` or
 * `~/.docker`, with its `credHelpers` and `credsStore`; podman's `auth.json` in
 * `$XDG_RUNTIME_DIR/containers`.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import {
  type JsonObject,
  type Place,
  parseObject,
  readObject,
  readString,
  readStringMap,
} from "../image/document.ts";
import { codeOf, ImageError, quote } from "../image/error.ts";
import { askCredentialHelper } from "./credential-program.ts";

export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** What a token server gave in place of a password. */
  | { readonly kind: "identity"; readonly token: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Docker Hub's key, which is older than the registry's protocol. */
export const dockerHubKey = "https://index.docker.io/v1/";

/** The key by which docker keeps what it knows of a registry. */
export function credentialKey(registry: string): string {
  return registry === "docker.io" ? dockerHubKey : registry;
}

/** The registry that a key or what a person typed is about: `https://Host:5000/v1/` is `Host:5000`. */
export function registryOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//i, "").replace(/\/.*$/, "");
  const isHub = host === "index.docker.io" || host === "registry-1.docker.io";
  return isHub || host === "" ? "docker.io" : host;
}

export function dockerConfigPath(env: Environment): string {
  return `${env["DOCKER_CONFIG"] ?? `${env["HOME"] ?? homedir()}/.docker`}/config.json`;
}

/** Reads a file of credentials; undefined if there is none. */
export function readCredentialFile(path: string): JsonObject | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ImageError("unsupported", `cannot read ${quote(path)}: ${code}`, { cause });
  }
  return bytes.byteLength === 0 ? undefined : parseObject(bytes, path);
}

/** `base64(user:password)`, or the two beside each other, or an identity token. */
function readEntry(entry: JsonObject, place: Place): Credentials | undefined {
  const identity = readString(entry, "identitytoken", place);
  if (identity !== undefined && identity !== "") return { kind: "identity", token: identity };
  const auth = readString(entry, "auth", place) ?? "";
  if (auth !== "") {
    const text = Buffer.from(auth, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon < 1) {
      throw new ImageError(
        "unsupported",
        `${place.document}: ${place.field}.auth is not the base64 of USER:PASSWORD: log in again`,
      );
    }
    // Docker's own files have had a NUL at the end.
    const password = text.slice(colon + 1).replace(/\0+$/, "");
    return { kind: "password", username: text.slice(0, colon), password };
  }
  const username = readString(entry, "username", place) ?? "";
  const password = readString(entry, "password", place) ?? "";
  return username === "" ? undefined : { kind: "password", username, password };
}

/** Podman keeps credentials for parts of a registry too: `quay.io/team/app` before `quay.io`. */
function keysFor(registry: string, repository: string): readonly string[] {
  const parts = repository === "" ? [] : repository.split("/");
  const below = parts.map((_, i) => `${registry}/${parts.slice(0, parts.length - i).join("/")}`);
  return [...below, registry];
}

function findEntry(
  auths: JsonObject,
  registry: string,
  repository: string,
  document: string,
): Credentials | undefined {
  const exact = [...keysFor(registry, repository), credentialKey(registry)];
  // `https://HOST/v1/` and the like are about all of a registry; other paths are about a part of it.
  const alike = Object.keys(auths).filter(
    (key) =>
      registryOfKey(key) === registry &&
      /^[^/]*\/?(?:v[12]\/?)?$/.test(key.replace(/^https?:\/\//i, "")),
  );
  const hub = registry === "docker.io" ? [dockerHubKey] : [];
  for (const key of [...exact, ...hub, ...alike]) {
    const field = `auths[${quote(key)}]`;
    const entry = readObject(auths, key, { document, field: "auths" });
    const found = entry && readEntry(entry, { document, field });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The credential program that a config names for a registry. */
export function helperFor(config: JsonObject, registry: string, path: string): string | undefined {
  const place = { document: path, field: "" };
  const helpers = readStringMap(config, "credHelpers", place) ?? {};
  const keys = [registry, credentialKey(registry)];
  const own = keys.find((key) => Object.hasOwn(helpers, key));
  const helper = own === undefined ? readString(config, "credsStore", place) : helpers[own];
  return helper === "" ? undefined : helper;
}

async function findIn(
  path: string,
  registry: string,
  repository: string,
): Promise<Credentials | undefined> {
  const config = readCredentialFile(path);
  if (config === undefined) return undefined;
  const helper = helperFor(config, registry, path);
  if (helper !== undefined) {
    const found = await askCredentialHelper(helper, credentialKey(registry));
    if (found !== undefined) return found;
  }
  const auths = readObject(config, "auths", { document: path, field: "" });
  return auths && findEntry(auths, registry, repository, path);
}

/** Credentials by registry and repository; undefined: go there as nobody. */
export type FindCredentials = (
  registry: string,
  repository: string,
) => Promise<Credentials | undefined>;

/** @throws ImageError when a file or a credential program is broken */
export function credentialFinder(env: Environment): FindCredentials {
  const runtime = env["XDG_RUNTIME_DIR"];
  const paths = [
    ...(env["REGISTRY_AUTH_FILE"] ? [env["REGISTRY_AUTH_FILE"]] : []),
    dockerConfigPath(env),
    ...(runtime === undefined ? [] : [`${runtime}/containers/auth.json`]),
  ];
  return async (registry, repository) => {
    for (const path of paths) {
      const found = await findIn(path, registry, repository);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
