/*
 * Removes a directory tree of any depth with two open directories and no
 * recursion: a subdirectory that is not empty has its own subdirectories
 * moved up beside it, so the tree only ever gets flatter.
 *
 * Nothing follows a symbolic link: names are given to unlinkat and openat
 * with O_NOFOLLOW, relative to a directory that is held open.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unpack-internal.h"

static bool is_dot(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* unlinkat says EISDIR for a directory; EPERM is what POSIX has for it. */
static bool means_directory(int error) {
    return error == EISDIR || error == EPERM;
}
static bool means_not_empty(int error) {
    return error == ENOTEMPTY || error == EEXIST;
}

/* Without privilege a directory that its image made unreadable has to be opened up first.
 * Only called on a name that has just been seen to be a directory, in a tree that is ours. */
static DIR *open_directory(int parent, const char *name) {
    if (geteuid() != 0)
        (void)fchmodat(parent, name, 0700, 0);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    DIR *d = fdopendir(fd);
    if (d == NULL)
        close(fd);
    return d;
}

/* Moves a directory to a free name in top. */
static int hoist(int from, const char *name, int top, uint64_t *counter) {
    for (;;) {
        char free_name[40];
        snprintf(free_name, sizeof free_name, ".removing-%llu", (unsigned long long)(*counter)++);
        /* By number: not every C library has renameat2(2). */
        if (syscall(SYS_renameat2, from, name, top, free_name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST)
            return -1;
    }
}

/* Empties one directory: files and empty directories go, other directories move to top. */
static int empty_into(int from, DIR *d, int top, uint64_t *counter) {
    for (bool found = true; found;) {
        found = false;
        rewinddir(d);
        for (;;) {
            errno = 0;
            const struct dirent *e = readdir(d);
            if (e == NULL && errno != 0)
                return -1;
            if (e == NULL)
                break;
            if (is_dot(e->d_name))
                continue;
            found = true;
            if (unlinkat(from, e->d_name, 0) == 0)
                continue;
            if (!means_directory(errno))
                return -1;
            if (unlinkat(from, e->d_name, AT_REMOVEDIR) == 0)
                continue;
            if (!means_not_empty(errno))
                return -1;
            if (geteuid() != 0)
                (void)fchmodat(from, e->d_name, 0700, 0);
            if (hoist(from, e->d_name, top, counter) < 0)
                return -1;
        }
    }
    return 0;
}

static int remove_child(int top, const char *name, uint64_t *counter) {
    if (unlinkat(top, name, 0) == 0)
        return 0;
    if (!means_directory(errno))
        return -1;
    if (unlinkat(top, name, AT_REMOVEDIR) == 0)
        return 0;
    if (!means_not_empty(errno) && errno != EACCES)
        return -1;
    DIR *d = open_directory(top, name);
    if (d == NULL)
        return -1;
    int result = empty_into(dirfd(d), d, top, counter);
    int error = errno;
    closedir(d);
    errno = error;
    return result < 0 ? -1 : unlinkat(top, name, AT_REMOVEDIR);
}

/* Removes a file, or a directory and all below it. 0, or -1 with errno; gone already is no error.
 */
int unpack_remove_tree(int parent, const char *name) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (!means_directory(errno))
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
        return 0;
    if (!means_not_empty(errno) && errno != EACCES)
        return -1;
    DIR *d = open_directory(parent, name);
    if (d == NULL)
        return -1;
    uint64_t counter = 0;
    int result = 0;
    for (bool found = true; found && result == 0;) {
        found = false;
        rewinddir(d);
        for (;;) {
            errno = 0;
            const struct dirent *e = readdir(d);
            if (e == NULL) {
                if (errno != 0)
                    result = -1;
                break;
            }
            if (is_dot(e->d_name))
                continue;
            found = true;
            result = remove_child(dirfd(d), e->d_name, &counter);
            if (result < 0)
                break;
        }
    }
    int error = errno;
    closedir(d);
    errno = error;
    return result < 0 ? -1 : unlinkat(parent, name, AT_REMOVEDIR);
}
