/**
 * The records that the unpacker (native/unpack.c) takes on its standard input.
 * native/unpack.h describes them; a test compares the numbers there with these.
 */
import type { SparseSegment } from "./tar-sparse.ts";

export const unpackMagic = "pivotun1";
export const unpackHeaderBytes = 64;
export const pathBytesMax = 4095;
export const xattrsBytesMax = 1_048_576;

export const recordTypes = {
  file: 1,
  directory: 2,
  symlink: 3,
  hardlink: 4,
  character: 5,
  block: 6,
  fifo: 7,
  whiteout: 8,
  opaque: 9,
  end: 10,
} as const;

export type RecordType = keyof typeof recordTypes;

/** One step of unpacking. Strings have one character per byte; paths are canonical and relative. */
export interface UnpackRecord {
  readonly type: RecordType;
  readonly path: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly size: number;
  readonly xattrs: ReadonlyMap<string, string>;
  readonly segments: readonly SparseSegment[];
}

const nothing: UnpackRecord = {
  type: "end",
  path: "",
  link: "",
  mode: 0,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  deviceMajor: 0,
  deviceMinor: 0,
  size: 0,
  xattrs: new Map(),
  segments: [],
};

/** A record with all that is not given zero or empty. */
export function makeRecord(fields: Partial<UnpackRecord>): UnpackRecord {
  return { ...nothing, ...fields };
}

/** Bytes that a record's attributes take: 8, a name with its NUL, and a value each. */
export function xattrsBytes(xattrs: ReadonlyMap<string, string>): number {
  let total = 0;
  for (const [name, value] of xattrs) total += 9 + name.length + value.length;
  return total;
}

/** A 64-bit number, in two's complement. Not with BigInt, which takes several times as long. */
function write64(bytes: Buffer, value: number, at: number): number {
  const high = Math.floor(value / 2 ** 32);
  bytes.writeUInt32LE(value - high * 2 ** 32, at);
  return bytes.writeInt32LE(high, at + 4);
}

/** Encodes a record, without the content that follows a file's. */
export function encodeRecord(record: UnpackRecord): Buffer {
  const { path, link, xattrs, segments } = record;
  const xattrsLength = xattrsBytes(xattrs);
  const variable = path.length + link.length + xattrsLength + segments.length * 16;
  const bytes = Buffer.allocUnsafe(unpackHeaderBytes + variable);
  bytes.writeUInt32LE(recordTypes[record.type], 0);
  bytes.writeUInt32LE(record.mode, 4);
  bytes.writeUInt32LE(record.uid, 8);
  bytes.writeUInt32LE(record.gid, 12);
  write64(bytes, record.mtimeSeconds, 16);
  bytes.writeUInt32LE(record.mtimeNanoseconds, 24);
  bytes.writeUInt32LE(record.deviceMajor, 28);
  bytes.writeUInt32LE(record.deviceMinor, 32);
  bytes.writeUInt32LE(path.length, 36);
  bytes.writeUInt32LE(link.length, 40);
  bytes.writeUInt32LE(xattrsLength, 44);
  bytes.writeUInt32LE(segments.length, 48);
  bytes.writeUInt32LE(0, 52);
  write64(bytes, record.size, 56);
  let at = unpackHeaderBytes;
  at += bytes.write(path, at, "latin1");
  at += bytes.write(link, at, "latin1");
  for (const [name, value] of xattrs) {
    at = bytes.writeUInt16LE(name.length + 1, at);
    at = bytes.writeUInt16LE(0, at);
    at = bytes.writeUInt32LE(value.length, at);
    at += bytes.write(`${name}\0${value}`, at, "latin1");
  }
  for (const { offset, length } of segments) {
    at = write64(bytes, offset, at);
    at = write64(bytes, length, at);
  }
  return bytes;
}
