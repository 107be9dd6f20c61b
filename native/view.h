/*
 * What a copy-on-write view has changed, and how that gets to the host: the program behind
 * `pivot try diff` and `pivot try apply`.
 *
 * The upper directory of a view is the work of a program that nobody trusts. Nothing here resolves
 * a path through it that could lead elsewhere: a directory is entered name by name without
 * following links, or by openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; the host's tree
 * likewise, and never across a mount.
 *
 *   view list UPPER HOST
 *       Compares overlayfs's upper directory with the directory of the host that it covers. On
 *       standard output four strings for each difference, every one ended by NUL:
 *         "LETTER NEW OLD FLAGS MODE OLDMODE UID GID OLDUID OLDGID SIZE OLDSIZE LINKS
 *          INODE CTIME OLDINODE OLDCTIME", path, link, old link
 *       LETTER is A (made), M (changed), D (gone), T (of another type now), = (the same, but with
 *       several names in the upper directory) or ! (not to be compared, FLAGS is the errno); NEW and
 *       OLD are a letter of the type as in find(1), or -; times are nanoseconds. Of what is made,
 *       OLDCTIME is that of the directory in which it is. At the end "end".
 *   view apply [--check] [--privileged] LOCK [UPPER HOST]...
 *       Takes from standard input three strings for each step:
 *         "LETTER NEW OLD PART FLAGS HOST INODE CTIME OLDINODE OLDCTIME", path, link
 *       and looks first that both sides are still what they were; then, without --check, does them
 *       in order. PART counts the pairs; HOST has bit 1 below a directory that an earlier step makes,
 *       bit 2 where an earlier step is about another name of the same file of the host; link is another path of the host that is to be the same file, or empty. One line for each:
 *         done STEP INODE CTIME          what the host has now
 *         fail STEP ERRNO WORDS
 *       and "ok" when nothing failed. LOCK is locked meanwhile: "fail 0 11 busy" if it is taken.
 *   view patch UPPER HOST LETTER LABEL LABEL
 *       Becomes diff(1) of two files, or of one and nothing; standard input is their path.
 */
#ifndef PV_VIEW_H
#define PV_VIEW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum view_flag {
    VIEW_CONTENT = 1,
    VIEW_MODE = 2,
    VIEW_OWNER = 4,
    VIEW_XATTR = 8,
    VIEW_TIMES = 16,
    VIEW_PRIVILEGED = 32, /* setuid, setgid, file capabilities, a device node */
    VIEW_COPIED = 64,     /* of what is made: it began as a copy of a file of the host */
};

#define VIEW_XATTRS 65536 /* XATTR_LIST_MAX */

/* view-compare.c */
int view_list(const char *upper, const char *host);

/* view-apply.c */
int view_apply(int argc, char **argv);

/* view-attributes.c */
int view_xattrs_differ(int a, int b);
int view_copy_xattrs(int from, int to);
int view_is_privileged(int fd, const struct stat *st);
char view_type(const struct stat *st);
int64_t view_ctime(const struct stat *st);

/* view.c: negative errno, or a descriptor */
int view_open_root(const char *path);
int view_open_below(int root, const char *path, int flags);
int view_open_parent(int root, const char *path, const char **base);
int view_main(int argc, char **argv);

#endif
