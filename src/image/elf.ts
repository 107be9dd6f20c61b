/** Tells whether an ELF program runs alone: without a dynamic linker, which an empty image lacks. */

const interpreterSegment = 3; // PT_INTERP
const executableTypes: ReadonlySet<number> = new Set([2, 3]); // ET_EXEC, and ET_DYN for position-independent ones

/**
 * Looks at a program's headers.
 *
 * @param bytes the file, or its beginning with all program headers
 * @returns undefined if it is a static executable, else why it is not
 * @see elf(5)
 */
export function whyNotStatic(bytes: Buffer): string | undefined {
  if (bytes.length < 64 || bytes.toString("latin1", 0, 4) !== "\x7fELF")
    return "it is not an ELF file";
  const is64 = bytes[4] === 2;
  const isLittle = bytes[5] === 1;
  const half = (at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const word = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const long = (at: number) =>
    Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  if (!executableTypes.has(half(16))) return "it is not an executable";
  const offset = is64 ? long(32) : word(28);
  const entryBytes = half(is64 ? 54 : 42);
  const count = half(is64 ? 56 : 44);
  if (entryBytes < 32 || offset + entryBytes * count > bytes.length) {
    return "its program headers are beyond its end";
  }
  for (let i = 0; i < count; i++) {
    if (word(offset + i * entryBytes) === interpreterSegment) return "it is dynamically linked";
  }
  return undefined;
}
