/**
 * What an entry of a layer's tar means: which record it becomes, or why it is refused.
 *
 * Names come from strangers. Here they are brought to one form, relative and
 * without "." and "..", whatever was written; that they then stay inside the
 * layer is the unpacker's work, which resolves them in the kernel.
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
import { ImageError } from "./error.ts";
import { showBytes } from "./tar-header.ts";
import type { TarEntry } from "./tar-reader.ts";
import {
  makeRecord,
  pathBytesMax,
  type UnpackRecord,
  xattrsBytes,
  xattrsBytesMax,
} from "./unpack-record.ts";

const whiteoutPrefix = ".wh.";
/** Of aufs, for its own bookkeeping; only the opaque marker is of use to others. */
const whiteoutMetaPrefix = ".wh..wh.";
const opaqueMarker = ".wh..wh..opq";

const nameBytesMax = 255;
/** The highest ID means "leave it" to chown(2). */
const idMax = 0xffff_fffe;
/** Linux: 12 bits of major and 20 of minor number. */
const deviceMajorMax = 0xfff;
const deviceMinorMax = 0xf_ffff;
const xattrNameBytesMax = 255;
const xattrValueBytesMax = 65_536;

function refuse(entry: TarEntry, why: string): ImageError {
  return new ImageError("invalid-image", `entry ${showBytes(entry.name)} of the layer ${why}`);
}

/** Brings a name to its components. A leading slash means the image's root, as in tar(1). */
function components(entry: TarEntry, name: string, what: string): string[] {
  if (name.includes("\0")) throw refuse(entry, `has ${what} that holds a NUL byte`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refuse(entry, `has ${what} that goes up with ".."`);
  const long = parts.find((part) => part.length > nameBytesMax);
  if (long !== undefined) throw refuse(entry, `has ${what} with a part over ${nameBytesMax} bytes`);
  if (parts.join("/").length > pathBytesMax) {
    throw refuse(entry, `has ${what} longer than ${pathBytesMax} bytes`);
  }
  return parts;
}

/** A whiteout, an opaque marker, or undefined for what is not applied. */
function whiteout(
  entry: TarEntry,
  parent: readonly string[],
  base: string,
): UnpackRecord | undefined {
  if (base === opaqueMarker) return makeRecord({ type: "opaque", path: parent.join("/") });
  if (base.startsWith(whiteoutMetaPrefix)) return undefined;
  const target = base.slice(whiteoutPrefix.length);
  if (target === "" || target === "." || target === "..") {
    throw refuse(entry, "is a whiteout of nothing that can be removed");
  }
  return makeRecord({ type: "whiteout", path: [...parent, target].join("/") });
}

function checkIds(entry: TarEntry): void {
  for (const [what, id] of [
    ["user", entry.uid],
    ["group", entry.gid],
  ] as const) {
    if (id < 0 || id > idMax) throw refuse(entry, `has the ${what} ID ${id}, beyond 0 to ${idMax}`);
  }
}

function checkDevice(entry: TarEntry): void {
  if (entry.type !== "character" && entry.type !== "block") return;
  const { deviceMajor: major, deviceMinor: minor } = entry;
  if (entry.type === "character" && major === 0 && minor === 0) {
    throw refuse(entry, "is the character device 0:0, which would hide files from overlayfs");
  }
  if (major < 0 || major > deviceMajorMax || minor < 0 || minor > deviceMinorMax) {
    throw refuse(entry, `is the device ${major}:${minor}, which Linux cannot have`);
  }
}

function checkXattrs(entry: TarEntry): void {
  for (const [name, value] of entry.xattrs) {
    if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) {
      throw refuse(entry, `sets the attribute ${showBytes(name)}, which would redirect overlayfs`);
    }
    if (name.length === 0 || name.length > xattrNameBytesMax || value.length > xattrValueBytesMax) {
      throw refuse(
        entry,
        `has an extended attribute ${showBytes(name)} of a length Linux cannot have`,
      );
    }
  }
  if (xattrsBytes(entry.xattrs) > xattrsBytesMax) {
    throw refuse(entry, `has more than ${xattrsBytesMax} bytes of extended attributes`);
  }
}

function linkTarget(entry: TarEntry): string {
  if (entry.type === "hardlink") {
    const parts = components(entry, entry.link, "a hard link's target");
    if (parts.length === 0) throw refuse(entry, "is a hard link to the root directory");
    return parts.join("/");
  }
  if (entry.type !== "symlink") return "";
  // Kept as it is: what it means is decided inside the container.
  if (entry.link === "") throw refuse(entry, "is a symbolic link to nothing");
  if (entry.link.includes("\0")) throw refuse(entry, "is a symbolic link that holds a NUL byte");
  if (entry.link.length > pathBytesMax) {
    throw refuse(entry, `is a symbolic link longer than ${pathBytesMax} bytes`);
  }
  return entry.link;
}

/**
 * The record for an entry; undefined for aufs's bookkeeping, which is left out.
 *
 * @throws ImageError `invalid-image`, one line that names the entry
 */
export function recordOf(entry: TarEntry): UnpackRecord | undefined {
  const parts = components(entry, entry.name, "a name");
  const parent = parts.slice(0, -1);
  const base = parts.at(-1) ?? "";
  const reserved = parent.find((part) => part.startsWith(whiteoutPrefix));
  if (reserved !== undefined) {
    if (reserved.startsWith(whiteoutMetaPrefix)) return undefined;
    throw refuse(entry, `lies below ${showBytes(reserved)}, a name that marks a removal`);
  }
  if (base.startsWith(whiteoutPrefix)) return whiteout(entry, parent, base);
  return recordAt(entry, parts);
}

/**
 * The record for an entry of an archive that is no layer: a name is only a name.
 *
 * @throws ImageError `invalid-image`, one line that names the entry
 */
export const plainRecordOf = (entry: TarEntry): UnpackRecord =>
  recordAt(entry, components(entry, entry.name, "a name"));

function recordAt(entry: TarEntry, parts: readonly string[]): UnpackRecord {
  if (parts.length === 0 && entry.type !== "directory") throw refuse(entry, "has no name");
  checkIds(entry);
  checkDevice(entry);
  checkXattrs(entry);
  return makeRecord({
    type: entry.type,
    path: parts.join("/"),
    link: linkTarget(entry),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanoseconds: entry.mtimeNanoseconds,
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    size: entry.size,
    xattrs: entry.type === "hardlink" ? new Map() : entry.xattrs,
    segments: entry.segments,
  });
}
