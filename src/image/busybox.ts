/**
 * The image that is there before any has been pulled: made from this machine's
 * static busybox, and stored like any other as docker.io/library/busybox:latest.
 *
 * The same busybox gives the same bytes, hence the same digest, every time. Of the same it is what
 * the program's own time is too, which package managers give it from the package: the image is as old
 * as its program, and not from 1970, which lists would tell of and filters by age would act upon.
 */
import { spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { digestOf } from "./blob.ts";
import { memorySource } from "./blob-source.ts";
import { whyNotStatic } from "./elf.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { type ImportOptions, importImage, repairImage } from "./image-import.ts";
import { type Descriptor, ociConfigType, ociLayerType, ociManifestType } from "./manifest.ts";
import { platformOf } from "./platform.ts";
import { parseReference } from "./reference.ts";
import { type ResolvedImage, resolveImage, type Store } from "./store.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";

export const busyboxReference = "docker.io/library/busybox:latest";
/** Where distributions put it. */
export const busyboxCandidates: readonly string[] = ["/bin/busybox", "/usr/bin/busybox"];

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const directories: readonly (readonly [name: string, mode: number])[] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["lib", 0o755],
  ["mnt", 0o755],
  ["opt", 0o755],
  ["proc", 0o555],
  ["root", 0o700],
  ["run", 0o755],
  ["sbin", 0o755],
  ["srv", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/log", 0o755],
  ["var/spool", 0o755],
  ["var/tmp", 0o1777],
];

const files: readonly (readonly [name: string, mode: number, text: string])[] = [
  [
    "etc/passwd",
    0o644,
    "root:x:0:0:root:/root:/bin/sh\n" +
      "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n" +
      "bin:x:2:2:bin:/bin:/bin/false\n" +
      "www-data:x:33:33:www-data:/var/www:/bin/false\n" +
      "nobody:x:65534:65534:nobody:/home:/bin/false\n",
  ],
  [
    "etc/group",
    0o644,
    "root:x:0:\ndaemon:x:1:\nbin:x:2:\ntty:x:5:\ndisk:x:6:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
  ],
  // No password opens an account.
  [
    "etc/shadow",
    0o600,
    "root:*:::::::\ndaemon:*:::::::\nbin:*:::::::\nwww-data:*:::::::\nnobody:*:::::::\n",
  ],
  ["etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nhosts: files dns\n"],
  ["etc/profile", 0o644, `export PATH=${path}\n`],
];

export interface BusyboxOptions extends ImportOptions {
  /** Paths to try, in this order. */
  readonly candidates?: readonly string[];
}

async function readBusybox(
  candidates: readonly string[],
): Promise<{ readonly file: string; readonly bytes: Buffer }> {
  const reasons: string[] = [];
  for (const file of candidates) {
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      reasons.push(`${quote(file)}: ${codeOf(error) ?? "cannot be read"}`);
      continue;
    }
    const why = whyNotStatic(bytes);
    if (why === undefined) return { file, bytes };
    reasons.push(`${quote(file)}: ${why}`);
  }
  throw new ImageError(
    "not-found",
    `no static busybox to make the default image of (${reasons.join("; ")}): install the package busybox-static, or name an image`,
  );
}

/** The paths of its commands, as it lists them itself: "bin/ls". */
function listApplets(busybox: string): readonly string[] {
  const run = spawnSync(busybox, ["--list-full"], {
    encoding: "utf8",
    env: {},
    cwd: "/",
    timeout: 10_000,
    maxBuffer: 1024 * 1024,
  });
  const names = run.status === 0 ? run.stdout.split("\n").filter((line) => line !== "") : [];
  const strange = names.find(
    (name) => !/^(?:[\w.[\]-]+\/)*[\w.[\]-]+$/.test(name) || name.includes(".."),
  );
  if (names.length === 0 || strange !== undefined) {
    const why =
      strange === undefined ? `it ended with status ${run.status}` : `it lists ${quote(strange)}`;
    throw new ImageError("unsupported", `cannot learn the commands of ${quote(busybox)}: ${why}`);
  }
  // linuxrc is the first program of an initrd, which a container has not.
  return [...new Set(names)].filter((name) => name !== "bin/busybox" && name !== "linuxrc").sort();
}

/** The layer: the program, a hard link per command, and what a system needs around it. */
function busyboxLayer(program: Buffer, applets: readonly string[]): Buffer {
  const known = new Set(directories.map(([name]) => name));
  const parents = applets.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/"))));
  const strange = parents.find((parent) => parent !== "" && !known.has(parent));
  if (strange !== undefined) {
    throw new ImageError(
      "unsupported",
      `busybox has commands in ${quote(strange)}, which is unexpected`,
    );
  }
  const members: TarMember[] = [
    ...directories.map(([name, mode]) => ({ name: `${name}/`, type: "directory" as const, mode })),
    { name: "bin/busybox", mode: 0o755, content: program },
    ...applets.map((name) => ({
      name,
      type: "hardlink" as const,
      link: "bin/busybox",
      mode: 0o755,
    })),
    ...files.map(([name, mode, text]) => ({ name, mode, content: Buffer.from(text) })),
  ];
  return tarArchive(members);
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Makes the image's blobs from a busybox. */
function busyboxImage(program: Buffer, applets: readonly string[], created: string) {
  const layer = busyboxLayer(program, applets);
  const { os, architecture, variant } = platformOf(process.arch);
  const config = encode({
    created,
    os,
    architecture,
    variant,
    config: { Env: [`PATH=${path}`], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    history: [{ created, created_by: "pivot: the static busybox of this machine" }],
  });
  const manifest = encode({
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: describe(ociConfigType, config),
    layers: [describe(ociLayerType, layer)],
  });
  return {
    descriptor: describe(ociManifestType, manifest),
    source: memorySource("the busybox image", [layer, config, manifest]),
  };
}

/**
 * Gives the busybox image, which is made first if the store has no image of that name.
 *
 * @throws ImageError `not-found` if this machine has no static busybox
 */
export async function ensureBusybox(store: Store, options: BusyboxOptions): Promise<ResolvedImage> {
  const { name } = parseReference(busyboxReference);
  try {
    return resolveImage(store, name);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (error.code === "not-unpacked") await repairImage(store, name, options);
    else if (error.code === "not-found") await makeBusybox(store, name, options);
    else throw error;
  }
  return resolveImage(store, name);
}

async function makeBusybox(store: Store, name: string, options: BusyboxOptions): Promise<void> {
  const { file, bytes } = await readBusybox(options.candidates ?? busyboxCandidates);
  // To the second: not every file system and archive has more.
  const seconds = Math.floor((await stat(file)).mtimeMs / 1000);
  const created = new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  const { descriptor, source } = busyboxImage(bytes, listApplets(file), created);
  await importImage(store, source, descriptor, [name], options);
}
