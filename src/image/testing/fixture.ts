/** What the tests of images share: the unpacker built from source, and trees described completely. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isWritable } from "../../host/writable.ts";
import { LayerTranslator } from "../layer.ts";
import { removeTrees, startUnpacker, type UnpackerOptions, type UnpackReport } from "../unpack.ts";

export const isRoot = process.getuid?.() === 0;

const project = new URL("../../..", import.meta.url).pathname;
const native = `${project}native`;

function sources(): readonly string[] {
  const files = readdirSync(native).filter((name) => /^(unpack.*|overlay)\.[ch]$/.test(name));
  return [...files.map((name) => `${native}/${name}`), `${native}/test/unpack-main.c`];
}

/**
 * Builds the unpacker as a program of its own, once for each state of its source.
 * PIVOT_TEST_SANITISED=0: without sanitisers, whatever kind is asked for. On an emulated processor one
 * with them takes seconds to start, and what they find no kernel has a word in.
 */
export function unpackerProgram(kind: "plain" | "sanitised"): string {
  const flags =
    kind === "plain" || process.env["PIVOT_TEST_SANITISED"] === "0"
      ? ["-O2", "-static"]
      : ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const hash = createHash("sha256").update(flags.join(" "));
  for (const file of sources()) hash.update(readFileSync(file));
  const name = `unpack-${hash.digest("hex").slice(0, 16)}`;
  // A user who may read the clone alone keeps it among temporary files.
  const built = isWritable(`${project}build`) ? `${project}build/test` : `${tmpdir()}/pivot-test`;
  const program = `${built}/${name}`;
  if (existsSync(program)) return program;
  mkdirSync(built, { recursive: true });
  const temporary = `${program}.${process.pid}`;
  const c = sources().filter((file) => file.endsWith(".c"));
  const args = ["-std=c11", "-Wall", "-Wextra", "-Werror", ...flags, "-o", temporary, ...c];
  const compiled = spawnSync("cc", args, { encoding: "utf8" });
  if (compiled.status !== 0) throw new Error(`cc: ${compiled.stderr}${compiled.error ?? ""}`);
  renameSync(temporary, program);
  return program;
}

export function unpackerOptions(kind: "plain" | "sanitised" = "plain"): UnpackerOptions {
  return { executor: unpackerProgram(kind) };
}

/** A directory of its own for a test. */
export function makeDirectory(): string {
  return mkdtempSync(`${tmpdir()}/pivot-image-`);
}

/** Removes a test's directory. */
export async function dropDirectory(directory: string): Promise<void> {
  await removeTrees(unpackerOptions(), [directory]);
}

/** Unpacks a tar into an empty directory, in chunks of a given size. */
export async function applyTar(
  tar: Buffer,
  directory: string,
  options: UnpackerOptions & { readonly lower?: readonly string[]; readonly chunk?: number },
): Promise<UnpackReport> {
  const chunk = options.chunk ?? 65_536;
  mkdirSync(directory, { recursive: true });
  const translator = new LayerTranslator();
  const unpacker = startUnpacker(options, directory, options.lower ?? []);
  try {
    for (let at = 0; at < tar.length; at += chunk) {
      for (const piece of translator.push(tar.subarray(at, at + chunk)))
        await unpacker.write(piece);
    }
    for (const piece of translator.finish()) await unpacker.write(piece);
    return await unpacker.finish();
  } catch (error) {
    await unpacker.abort();
    throw error;
  }
}

const libc = dlopen("libc.so.6", {
  llistxattr: { args: [FFIType.ptr, FFIType.ptr, FFIType.u64], returns: FFIType.i64 },
  lgetxattr: { args: [FFIType.ptr, FFIType.ptr, FFIType.ptr, FFIType.u64], returns: FFIType.i64 },
}).symbols;

/** The extended attributes of a file itself, value in hex. */
export function readXattrs(path: Buffer | string): Record<string, string> {
  const file = Buffer.concat([Buffer.from(path), Buffer.alloc(1)]);
  const list = Buffer.alloc(65_536);
  const length = Number(libc.llistxattr(ptr(file), ptr(list), list.length));
  const names = list.toString("latin1", 0, Math.max(0, length)).split("\0").filter(Boolean).sort();
  const value = Buffer.alloc(65_536);
  return Object.fromEntries(
    names.map((name) => {
      const size = libc.lgetxattr(
        ptr(file),
        ptr(Buffer.from(`${name}\0`)),
        ptr(value),
        value.length,
      );
      return [name, value.toString("hex", 0, Math.max(0, Number(size)))];
    }),
  );
}

/** All that can be known of a file without its directory. */
export interface Description {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtime: bigint;
  readonly links: number;
  readonly size: bigint;
  /** Of devices. */
  readonly device: string;
  /** Digest of a file's content, or where a symbolic link leads, one character per byte. */
  readonly content: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const types: Readonly<Record<number, string>> = {
  0o100000: "file",
  0o040000: "directory",
  0o120000: "symlink",
  0o020000: "character",
  0o060000: "block",
  0o010000: "fifo",
  0o140000: "socket",
};

function describe(path: Buffer): Description {
  const st = lstatSync(path, { bigint: true });
  const type = types[Number(st.mode) & 0o170000] ?? "unknown";
  const isDevice = type === "character" || type === "block";
  const rdev = Number(st.rdev);
  return {
    type,
    mode: (Number(st.mode) & 0o7777).toString(8),
    owner: `${st.uid}:${st.gid}`,
    mtime: st.mtimeNs,
    links: type === "directory" ? 0 : Number(st.nlink),
    size: type === "directory" ? 0n : st.size,
    device: isDevice ? `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}` : "",
    content:
      type === "file"
        ? createHash("sha256").update(readFileSync(path)).digest("hex")
        : type === "symlink"
          ? readlinkSync(path, { encoding: "buffer" }).toString("latin1")
          : "",
    xattrs: readXattrs(path),
  };
}

/** A tree's files by their path in it ("" is the root), one character per byte. */
export function describeTree(root: string): Map<string, Description> {
  const found = new Map<string, Description>();
  const visit = (path: Buffer, name: string) => {
    const description = describe(path);
    found.set(name, description);
    if (description.type !== "directory") return;
    for (const entry of readdirSync(path, { encoding: "buffer" })) {
      const below = Buffer.concat([path, Buffer.from("/"), entry]);
      visit(below, name === "" ? entry.toString("latin1") : `${name}/${entry.toString("latin1")}`);
    }
  };
  visit(Buffer.from(root), "");
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** "path type" per line, for readable expectations. */
export function outline(root: string): readonly string[] {
  return [...describeTree(root)].slice(1).map(([name, d]) => {
    const extra =
      d.type === "symlink" ? ` -> ${d.content}` : d.type === "character" ? ` ${d.device}` : "";
    const opaque = Object.keys(d.xattrs).some((x) => x.endsWith(".overlay.opaque"))
      ? " opaque"
      : "";
    return `${name} ${d.type}${extra}${opaque}`;
  });
}
