/** Logs in to registries and out again, where docker keeps it: `config.json`, or a credential program. */

import { mkdir, realpath } from "node:fs/promises";
import { replaceFile } from "../image/blob.ts";
import { type JsonObject, readObject } from "../image/document.ts";
import { codeOf, ImageError, quote } from "../image/error.ts";
import { removeStaleBeside } from "../image/stale-beside.ts";
import { endpointOf } from "./address.ts";
import { RegistryClient } from "./client.ts";
import { eraseByHelper, storeByHelper } from "./credential-program.ts";
import {
  type Credentials,
  credentialKey,
  dockerConfigPath,
  type Environment,
  helperFor,
  readCredentialFile,
  registryOfKey,
} from "./credentials.ts";
import { clientOptions, type RegistryOptions, settingsOf } from "./pull.ts";
import { describeRefusal } from "./refusal.ts";
import { basicAuthorization, fetchToken } from "./token.ts";

export type Password = Extract<Credentials, { kind: "password" }>;

/** Where credentials went: a file that anybody can read who is us, or a credential program. */
export type Kept = { readonly file: string; readonly helper: string | undefined };

/**
 * Asks the registry whether it takes the credentials.
 *
 * @returns what is to be kept: an identity token if the registry gives one
 * @throws ImageError `unauthorized`
 */
export async function checkLogin(
  registry: string,
  given: Password,
  options: RegistryOptions,
): Promise<Credentials> {
  const endpoint = endpointOf(registry, settingsOf(options));
  const own = clientOptions({ ...options, findCredentials: async () => given });
  const client = new RegistryClient(endpoint, "", [], own);
  const { base, challenge, authorities } = await client.reach();
  if (challenge?.scheme === "bearer") {
    const { isUnverified } = endpoint;
    const { patience, signal } = client;
    const { token, identity } = await fetchToken({
      challenge,
      scopes: [],
      credentials: given,
      registry: base,
      isUnverified,
      authorities,
      wantsIdentity: true,
      patience,
      signal,
    });
    await checkAuthorization(client, `Bearer ${token}`);
    return identity === undefined ? given : { kind: "identity", token: identity };
  }
  await checkAuthorization(client, basicAuthorization(given.username, given.password));
  return given;
}

async function checkAuthorization(client: RegistryClient, authorization: string): Promise<void> {
  const answer = await client.probe(authorization);
  if (answer.status === 401 || answer.status === 403) {
    const why = await describeRefusal(answer);
    throw new ImageError("unauthorized", `${client.endpoint.host} refuses the login: ${why}`);
  }
  await answer.discard();
  if (answer.status === 404) {
    throw new ImageError("registry", `${client.endpoint.host} answers, but not as a registry does`);
  }
}

/** Writes the whole file anew, readable by its owner alone; a link to it stays one. */
async function writeConfig(path: string, config: JsonObject): Promise<void> {
  let target = path;
  try {
    target = await realpath(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const directory = target.slice(0, target.lastIndexOf("/")) || "/";
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeStaleBeside(directory);
    await replaceFile(directory, target, `${JSON.stringify(config, null, "\t")}\n`);
  } catch (cause) {
    throw new ImageError("unsupported", `cannot write ${quote(target)}: ${codeOf(cause)}`, {
      cause,
    });
  }
}

function authsOf(config: JsonObject, path: string): JsonObject {
  return readObject(config, "auths", { document: path, field: "" }) ?? {};
}

function entryOf(credentials: Credentials): JsonObject {
  if (credentials.kind === "identity") {
    return { auth: "", identitytoken: credentials.token };
  }
  const { username, password } = credentials;
  return { auth: Buffer.from(`${username}:${password}`, "utf8").toString("base64") };
}

/** Keeps credentials for all that come later, docker and podman among them. */
export async function keepCredentials(
  registry: string,
  credentials: Credentials,
  env: Environment,
): Promise<Kept> {
  const file = dockerConfigPath(env);
  const config = readCredentialFile(file) ?? {};
  const key = credentialKey(registry);
  const helper = helperFor(config, registry, file);
  if (helper !== undefined) await storeByHelper(helper, key, credentials);
  // As docker has it, the file names the registry even then.
  const entry = helper === undefined ? entryOf(credentials) : {};
  await writeConfig(file, { ...config, auths: { ...authsOf(config, file), [key]: entry } });
  return { file, helper };
}

/** @returns false if nothing was kept of the registry */
export async function forgetCredentials(registry: string, env: Environment): Promise<boolean> {
  const file = dockerConfigPath(env);
  const config = readCredentialFile(file);
  if (config === undefined) return false;
  const auths = authsOf(config, file);
  const helper = helperFor(config, registry, file);
  const keys = Object.keys(auths).filter((key) => registryOfKey(key) === registry);
  if (helper !== undefined) await eraseByHelper(helper, credentialKey(registry));
  if (keys.length === 0) return false;
  const left = Object.fromEntries(Object.entries(auths).filter(([key]) => !keys.includes(key)));
  await writeConfig(file, { ...config, auths: left });
  return true;
}
