/**
 * Writes tar archives whose bytes depend on nothing but their entries: ustar
 * headers, with PAX records for what does not fit in them.
 */
import { blockBytes } from "./tar-header.ts";
import type { TarEntryType } from "./tar-reader.ts";

/** An entry to write. Strings have one character per byte; what is absent is 0 or empty. */
export interface TarMember {
  readonly name: string;
  readonly type?: TarEntryType;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeSeconds?: number;
  readonly mtimeNanoseconds?: number;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: ReadonlyMap<string, string>;
  readonly content?: Uint8Array;
}

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

function paxRecord(key: string, value: string): string {
  // The length counts its own digits.
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length += 1;
  return `${length} ${key}=${value}\n`;
}

const octalMax = (digits: number) => 8 ** digits - 1;

/** The records for what a ustar header cannot hold. */
function paxRecords(member: TarMember, size: number): string {
  const { mtimeSeconds = 0, mtimeNanoseconds = 0 } = member;
  let records = "";
  if (member.name.length > 100) records += paxRecord("path", member.name);
  if ((member.link ?? "").length > 100) records += paxRecord("linkpath", member.link ?? "");
  if (size > octalMax(11)) records += paxRecord("size", String(size));
  if ((member.uid ?? 0) > octalMax(7)) records += paxRecord("uid", String(member.uid));
  if ((member.gid ?? 0) > octalMax(7)) records += paxRecord("gid", String(member.gid));
  if (mtimeNanoseconds !== 0 || mtimeSeconds < 0 || mtimeSeconds > octalMax(11)) {
    records += paxRecord("mtime", formatTime(mtimeSeconds, mtimeNanoseconds));
  }
  for (const [name, value] of member.xattrs ?? []) {
    records += paxRecord(`SCHILY.xattr.${name}`, value);
  }
  return records;
}

function formatTime(seconds: number, nanoseconds: number): string {
  const isNegative = seconds < 0;
  const whole = isNegative && nanoseconds > 0 ? -(seconds + 1) : Math.abs(seconds);
  const part = isNegative && nanoseconds > 0 ? 1_000_000_000 - nanoseconds : nanoseconds;
  const decimals = part === 0 ? "" : `.${String(part).padStart(9, "0")}`;
  return `${isNegative ? "-" : ""}${whole}${decimals}`;
}

function putOctal(block: Buffer, start: number, length: number, value: number): void {
  const shown = value >= 0 && value <= octalMax(length - 1) ? value : 0; // PAX has the right one
  block.write(shown.toString(8).padStart(length - 1, "0"), start, "latin1");
}

function headerBlock(member: TarMember, flag: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(member.name.slice(0, 100), 0, "latin1");
  putOctal(block, 100, 8, member.mode ?? 0);
  putOctal(block, 108, 8, member.uid ?? 0);
  putOctal(block, 116, 8, member.gid ?? 0);
  putOctal(block, 124, 12, size);
  putOctal(block, 136, 12, member.mtimeSeconds ?? 0);
  block.fill(0x20, 148, 156);
  block.write(flag, 156, "latin1");
  block.write((member.link ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  putOctal(block, 329, 8, member.deviceMajor ?? 0);
  putOctal(block, 337, 8, member.deviceMinor ?? 0);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function padded(bytes: Uint8Array): Buffer {
  const whole = Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes);
  whole.set(bytes);
  return whole;
}

/** What stands before an entry's content. `size` in bytes of what follows it. */
export function tarHeader(member: TarMember, size: number): Buffer {
  const type = member.type ?? "file";
  const records = Buffer.from(paxRecords(member, size), "latin1");
  const extension =
    records.length === 0
      ? []
      : [
          headerBlock({ name: "././@PaxHeader", mode: 0o644 }, "x", records.length),
          padded(records),
        ];
  return Buffer.concat([...extension, headerBlock(member, typeFlags[type], size)]);
}

/** What follows an entry's content, up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

/** The blocks of one entry. */
export function tarEntry(member: TarMember): Buffer {
  const type = member.type ?? "file";
  const content = type === "file" ? (member.content ?? new Uint8Array()) : new Uint8Array();
  return Buffer.concat([tarHeader(member, content.length), padded(content)]);
}

/** What marks the end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

/** A whole archive. */
export function tarArchive(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.map(tarEntry), tarEnd()]);
}
