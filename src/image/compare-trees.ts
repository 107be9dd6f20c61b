/**
 * Compares two unpacked layers, file by file: type, mode, owner, size, time, links, content.
 * No symbolic link is followed. Extended attributes are not compared: this runtime cannot
 * read them.
 */
import { type BigIntStats, constants } from "node:fs";
import { lstat, open, readdir, readlink } from "node:fs/promises";

const chunkBytes = 256 * 1024;
const noFollow = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function sameContent(a: Buffer, b: Buffer): Promise<boolean> {
  const files = await Promise.all([open(a, noFollow), open(b, noFollow)]);
  try {
    const buffers = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
    for (let at = 0; ; ) {
      const reads = await Promise.all(
        files.map((file, i) => file.read(buffers[i] ?? buffers[0], 0, chunkBytes, at)),
      );
      const [first = 0, second = 0] = reads.map(({ bytesRead }) => bytesRead);
      if (first !== second) return false;
      if (first === 0) return true;
      if (!buffers[0].subarray(0, first).equals(buffers[1].subarray(0, first))) return false;
      at += first;
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/** What differs between two files as the kernel describes them, or undefined. */
function differenceOf(a: BigIntStats, b: BigIntStats): string | undefined {
  if ((a.mode & 0o170000n) !== (b.mode & 0o170000n)) return "is of another type";
  if (a.mode !== b.mode) return "has other permissions";
  if (a.uid !== b.uid || a.gid !== b.gid) return "has another owner";
  // A directory that the tar does not have an entry of has the time when it was unpacked, and so
  // has a whiteout.
  if (a.isDirectory() || (a.isCharacterDevice() && a.rdev === 0n && b.rdev === 0n))
    return undefined;
  if (a.mtimeNs !== b.mtimeNs) return "has another time of change";
  if (a.size !== b.size) return `has ${b.size} bytes in place of ${a.size}`;
  if (a.rdev !== b.rdev) return "is another device";
  if (a.nlink !== b.nlink) return "has another number of names";
  return undefined;
}

async function compareFiles(
  a: Buffer,
  b: Buffer,
  before: BigIntStats,
): Promise<string | undefined> {
  if (before.isFile()) return (await sameContent(a, b)) ? undefined : "has other content";
  if (!before.isSymbolicLink()) return undefined;
  const options = { encoding: "buffer" } as const;
  const [to, other] = await Promise.all([readlink(a, options), readlink(b, options)]);
  return to.equals(other) ? undefined : "leads elsewhere";
}

/**
 * The first difference, in words; undefined when the trees are the same.
 *
 * @param right what it should be, absolute
 * @param found what it is, absolute
 */
export async function compareTrees(right: string, found: string): Promise<string | undefined> {
  const visit = async (a: Buffer, b: Buffer, name: string): Promise<string | undefined> => {
    const shown = JSON.stringify(name === "" ? "/" : name);
    const [before, after] = await Promise.all([
      lstat(a, { bigint: true }),
      lstat(b, { bigint: true }),
    ]);
    const difference = differenceOf(before, after) ?? (await compareFiles(a, b, before));
    if (difference !== undefined) return `${shown} ${difference}`;
    if (!before.isDirectory()) return undefined;
    const options = { encoding: "buffer" } as const;
    const [names, others] = await Promise.all([readdir(a, options), readdir(b, options)]);
    const keys = new Set(names.map((each) => each.toString("latin1")));
    const extra = others.find((each) => !keys.delete(each.toString("latin1")));
    if (extra !== undefined) return `${shown} has ${JSON.stringify(extra.toString())} besides`;
    const [missing] = keys;
    if (missing !== undefined) {
      return `${shown} lacks ${JSON.stringify(Buffer.from(missing, "latin1").toString())}`;
    }
    for (const each of names) {
      const slash = Buffer.from("/");
      const below = await visit(
        Buffer.concat([a, slash, each]),
        Buffer.concat([b, slash, each]),
        `${name}/${each.toString()}`,
      );
      if (below !== undefined) return below;
    }
    return undefined;
  };
  return visit(Buffer.from(right), Buffer.from(found), "");
}
