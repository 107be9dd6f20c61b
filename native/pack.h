/*
 * Packs what is in a directory tree: as a tar (POSIX pax) on standard output.
 *
 * The tree may belong to a container that runs and means harm. So it is walked by descriptors: each
 * name is one component, opened in the descriptor of its directory and without following a link;
 * what a name was a moment ago is never believed of what was opened. Nothing of the tree is
 * executed or read as configuration, and no C library's look-up of users or of anything else is
 * called. Memory does not grow with sizes or with the number of files, but for a note of each file
 * with several names, up to a limit.
 *
 * On standard error, one line each, as the unpacker's (unpack.h):
 *   skip INDEX ERRNO WORDS: PATH     left out, the first few only
 *   ok ENTRIES SKIPPED BYTES         all is packed; exit status 0
 *   fail INDEX ERRNO WORDS: PATH     stopped there; exit status 1
 */
#ifndef PIVOT_PACK_H
#define PIVOT_PACK_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct pack_wish {
    /* A descriptor of the root, which is also this process's own root directory. */
    int root;
    /* What is packed, as a process in that root would find it; its parents may be links. */
    const char *path;
    /* What it is called in the archive: no slash at either end; empty: "." */
    const char *name;
    /* A symbolic link in the last place is followed; so it is when a slash is behind it. */
    bool follow;
    /* The directory's own entry is left out: it is an image's root. */
    bool bare;
    /* The tree is the upper directory of an overlay: whiteouts and opaque directories are written
     * as the OCI's layers have them. */
    bool layer;
    /* Whose the files are to be in the archive, and ids in their attributes, if not whose they are. */
    void (*shift_owner)(struct stat *st);
    ssize_t (*shift_xattr)(const char *name, void *value, size_t length);
};

int pack_run(const struct pack_wish *wish);

/*
 * Lists what an overlay's upper directory changes of the layers below it: `A`, `C` or `D`, the path
 * from the root on, and a NUL for each. A directory is listed only when it differs itself.
 *
 * @param lower descriptors of the layers, the uppermost first
 */
int pack_list_changes(int upper, const int *lower, unsigned count);

#endif
