/**
 * The 512-byte header of a tar entry: v7, ustar, GNU and star.
 *
 * Names are bytes without an encoding. They are kept as strings of one character
 * per byte (latin1), so that nothing is lost; messages decode them (showBytes).
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
import { ImageError, quote } from "./error.ts";

export const blockBytes = 512;

export interface TarHeader {
  /** One character per byte, up to the first NUL. */
  readonly name: string;
  readonly link: string;
  /** The type flag; "0" for the NUL of v7. */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow. */
  readonly size: number;
  /** Seconds since 1970; may be negative. */
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Whether it is GNU's own format, in which the end of the header means other things. */
  readonly gnu: boolean;
}

/** Shows the bytes of a name in a message. */
export function showBytes(bytes: string): string {
  return quote(Buffer.from(bytes, "latin1").toString("utf8"));
}

export function malformed(why: string): ImageError {
  return new ImageError("invalid-image", `the archive is malformed: ${why}`);
}

function text(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString("latin1", start, end < 0 ? start + length : Math.min(end, start + length));
}

/** GNU's binary form: the high bit of the first byte is set, the rest is two's complement. */
function binaryNumber(block: Buffer, start: number, length: number): bigint {
  const first = block[start] ?? 0;
  let value = BigInt(first & 0x40 ? (first & 0xff) - 0x100 : first & 0x7f);
  for (let i = start + 1; i < start + length; i++) value = value * 256n + BigInt(block[i] ?? 0);
  return value;
}

function octalNumber(block: Buffer, start: number, length: number, what: string): number {
  const digits = block.toString("latin1", start, start + length).replace(/^[ \0]+|[ \0].*$/gs, "");
  if (!/^[0-7]*$/.test(digits)) throw malformed(`${what} is ${quote(digits)}, not an octal number`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** A number of a header, octal or binary, that a double holds exactly. */
export function readNumber(block: Buffer, start: number, length: number, what: string): number {
  const isBinary = ((block[start] ?? 0) & 0x80) !== 0;
  const value = isBinary
    ? Number(binaryNumber(block, start, length))
    : octalNumber(block, start, length, what);
  if (!Number.isSafeInteger(value)) throw malformed(`${what} is beyond 2^53`);
  return value;
}

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < blockBytes; i++) if (block[i] !== 0) return false;
  return true;
}

/** The sum of all bytes with the checksum's own taken as spaces. Old tars summed signed bytes. */
function checksumIsRight(block: Buffer): boolean {
  let unsigned = 8 * 0x20;
  let negative = 0;
  for (let i = 0; i < blockBytes; i++) {
    if (i === 148) i = 156;
    const byte = block[i] ?? 0;
    unsigned += byte;
    if (byte > 127) negative += 256;
  }
  const stored = readNumber(block, 148, 8, "the checksum of a header");
  return stored === unsigned || stored === unsigned - negative;
}

/**
 * Decodes a header. The block must not be all zero, which marks the end.
 *
 * @throws ImageError `invalid-image`
 */
export function parseTarHeader(block: Buffer): TarHeader {
  if (!checksumIsRight(block)) {
    throw malformed(`the checksum of the header of ${showBytes(text(block, 0, 100))} is wrong`);
  }
  const magic = block.toString("latin1", 257, 263);
  const isPosix = magic === "ustar\0";
  const isGnu = magic === "ustar ";
  const isStar = isPosix && block.toString("latin1", 508, 512) === "tar\0";
  const prefix = isPosix ? text(block, 345, isStar ? 131 : 155) : "";
  const name = text(block, 0, 100);
  const type = String.fromCharCode(block[156] || 0x30);
  const hasDevice = (isPosix || isGnu) && (type === "3" || type === "4");
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    type,
    mode: readNumber(block, 100, 8, "a mode"),
    uid: readNumber(block, 108, 8, "a user ID"),
    gid: readNumber(block, 116, 8, "a group ID"),
    size: readNumber(block, 124, 12, "a size"),
    mtime: readNumber(block, 136, 12, "a modification time"),
    deviceMajor: hasDevice ? readNumber(block, 329, 8, "a device's major number") : 0,
    deviceMinor: hasDevice ? readNumber(block, 337, 8, "a device's minor number") : 0,
    gnu: isGnu,
  };
}
