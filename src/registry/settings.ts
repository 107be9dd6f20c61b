/**
 * What this machine and this user say of registries: mirrors, and which may be insecure.
 *
 * ```json
 * {
 *   "mirrors": { "docker.io": ["https://mirror.example", "10.0.0.5:5000"] },
 *   "insecure": ["10.0.0.5:5000"]
 * }
 * ```
 * in `/etc/pivot/registries.json`, and in `pivot/registries.json` of the user's configuration, whose
 * mirrors of a registry replace those of the machine. An insecure registry is asked by HTTPS without
 * a look at its certificate, then by HTTP.
 */
import { readFileSync } from "node:fs";
import { parseObject, readObject, readStrings } from "../image/document.ts";
import { codeOf, ImageError, quote } from "../image/error.ts";

export interface RegistrySettings {
  /** By the registry's name as references have it: the mirrors to ask before it, in order. */
  readonly mirrors: ReadonlyMap<string, readonly string[]>;
  readonly insecure: ReadonlySet<string>;
}

export const noSettings: RegistrySettings = { mirrors: new Map(), insecure: new Set() };

type Environment = Readonly<Record<string, string | undefined>>;

/** The files that are read, the machine's first. */
export function settingsFiles(env: Environment): readonly string[] {
  const home = env["HOME"];
  const own = env["XDG_CONFIG_HOME"] ?? (home === undefined ? undefined : `${home}/.config`);
  return [
    "/etc/pivot/registries.json",
    ...(own === undefined ? [] : [`${own}/pivot/registries.json`]),
  ];
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ImageError("unsupported", `cannot read ${quote(path)}: ${code}`, { cause });
  }
}

/** @throws ImageError naming the file and the field that is wrong */
export function readSettings(env: Environment): RegistrySettings {
  const mirrors = new Map<string, readonly string[]>();
  const insecure = new Set<string>();
  for (const path of settingsFiles(env)) {
    const bytes = readIfThere(path);
    if (bytes === undefined) continue;
    const place = { document: path, field: "" };
    const object = parseObject(bytes, path);
    const unknown = Object.keys(object).find((key) => key !== "mirrors" && key !== "insecure");
    if (unknown !== undefined) {
      throw new ImageError(
        "unsupported",
        `${path}: ${quote(unknown)} is unknown; there are mirrors and insecure`,
      );
    }
    const listed = readObject(object, "mirrors", place) ?? {};
    for (const name of Object.keys(listed)) {
      const field = { document: path, field: "mirrors" };
      mirrors.set(name, readStrings(listed, name, field) ?? []);
    }
    for (const host of readStrings(object, "insecure", place) ?? []) insecure.add(host);
  }
  return { mirrors, insecure };
}
