/*
 * Applies one image layer below a directory: the public face of the unpacker.
 *
 * The caller parses the tar and sends one record per entry on standard input;
 * this program owns every system call that touches the layer. The two sides
 * agree on the wire format below, which src/image/unpack-record.ts mirrors (a
 * test compares the two files).
 *
 *   stream  := UNPACK_MAGIC record* end-record
 *   record  := header path link xattrs segments content
 *   header  := 64 bytes, little-endian:
 *     0 u32 type        4 u32 mode (07777)   8 u32 uid         12 u32 gid
 *    16 i64 mtime, s   24 u32 mtime, ns     28 u32 dev major   32 u32 dev minor
 *    36 u32 path bytes 40 u32 link bytes    44 u32 xattr bytes 48 u32 segments
 *    52 u32 zero       56 u64 size of the file
 *   path    := relative, canonical (no empty, "." or ".." component, no NUL);
 *              empty for the root directory itself
 *   xattrs  := { u16 name bytes, u16 zero, u32 value bytes, name, value }*; a name ends with NUL
 *   segments:= { u64 offset, u64 length }*   data of a sparse file, ascending
 *   content := `size` bytes, or the sum of the segments' lengths if there are any
 *
 * What comes back on standard output, one line each:
 *   skip INDEX ERRNO WORDS: PATH     not applied, harmless, the first few only
 *   ok ENTRIES SKIPPED               all applied; exit status 0
 *   fail INDEX ERRNO WORDS: PATH     stopped at record INDEX; exit status 1
 * PATH has control bytes and backslashes written as \xHH.
 */
#ifndef PIVOT_UNPACK_H
#define PIVOT_UNPACK_H

#include <stdbool.h>

#define UNPACK_MAGIC "pivotun1"
#define UNPACK_HEADER_BYTES 64
#define UNPACK_PATH_BYTES_MAX 4095
#define UNPACK_XATTRS_BYTES_MAX 1048576
#define UNPACK_SEGMENTS_MAX 65536
#define UNPACK_LOWER_MAX 500

#define UNPACK_FILE 1
#define UNPACK_DIRECTORY 2
#define UNPACK_SYMLINK 3
#define UNPACK_HARDLINK 4
#define UNPACK_CHAR 5
#define UNPACK_BLOCK 6
#define UNPACK_FIFO 7
#define UNPACK_WHITEOUT 8
#define UNPACK_OPAQUE 9
#define UNPACK_END 10

/*
 * unpack [--rootless] [--ignore-owner] [--sync] [--lower DIR]... DIR
 *     applies the stream on standard input to the empty directory DIR.
 *     --lower names the layers below, uppermost first: attributes of parent
 *     directories that the stream leaves out and targets of hard links are
 *     taken from there. --rootless writes user.overlay.* instead of
 *     trusted.overlay.* and skips device nodes. --ignore-owner leaves every
 *     file to the caller. --sync flushes the file system at the end.
 * unpack --remove DIR...
 *     removes directory trees without following a symbolic link.
 *
 * Returns an exit status: 0, 1 (reported on standard output), 2 (usage).
 */
int unpack_main(int argc, char **argv);

/*
 * Makes files below a directory that is there already: for `cp`. The stream comes on standard
 * input as before. First of all it is told what `path` is, in one line:
 *   at 0 0 dir:                a directory, below which the stream's paths are
 *   at 0 0 file: NAME          a file of that name; the stream's paths are below its directory
 *   at 0 0 none: NAME          nothing yet, likewise
 *
 * root    a descriptor of this process's own root directory
 * follow  links on the way to an entry are followed: the stream is an archive of somebody's
 */
int unpack_into(int root, const char *path, bool follow);

#endif
