/* What files have besides a name and content, as far as it belongs to their owner. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "view.h"

char view_type(const struct stat *st) {
    switch (st->st_mode & S_IFMT) {
    case S_IFREG:
        return 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    case S_IFCHR:
        return 'c';
    default:
        return 'b';
    }
}

int64_t view_ctime(const struct stat *st) {
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

/* overlayfs's own notes, and what the host's security modules say of each file by themselves. */
static int is_ours(const char *name) {
    return strncmp(name, "user.", 5) == 0 ? strncmp(name, "user.overlay.", 13) != 0
                                          : strcmp(name, "security.capability") == 0 ||
                                                strncmp(name, "system.posix_acl_", 17) == 0;
}

static ssize_t list(int fd, char *names) {
    ssize_t length = flistxattr(fd, names, VIEW_XATTRS);
    return length < 0 && errno == ENOTSUP ? 0 : length;
}

/* Whether each attribute of a is one of b, too. */
static int has_all(int a, int b) {
    static char names[VIEW_XATTRS], one[VIEW_XATTRS], other[VIEW_XATTRS];
    ssize_t length = list(a, names);
    if (length < 0)
        return -errno;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        if (!is_ours(names + at))
            continue;
        ssize_t n = fgetxattr(a, names + at, one, sizeof one);
        if (n < 0)
            return -errno;
        if (fgetxattr(b, names + at, other, sizeof other) != n || memcmp(one, other, (size_t)n) != 0)
            return 0;
    }
    return 1;
}

int view_xattrs_differ(int a, int b) {
    int rc = has_all(a, b);
    if (rc > 0)
        rc = has_all(b, a);
    return rc < 0 ? rc : !rc;
}

/* `to` gets those of `from`, and loses its others. */
int view_copy_xattrs(int from, int to) {
    static char names[VIEW_XATTRS], value[VIEW_XATTRS];
    ssize_t length = list(to, names);
    if (length < 0)
        return -errno;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
        if (is_ours(names + at) && fgetxattr(from, names + at, NULL, 0) < 0 &&
            fremovexattr(to, names + at) < 0 && errno != ENODATA)
            return -errno;
    length = list(from, names);
    if (length < 0)
        return -errno;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        if (!is_ours(names + at))
            continue;
        ssize_t n = fgetxattr(from, names + at, value, sizeof value);
        if (n < 0 || fsetxattr(to, names + at, value, (size_t)n, 0) < 0)
            return -errno;
    }
    return 0;
}

/* fd is -1 for what is no regular file. */
int view_is_privileged(int fd, const struct stat *st) {
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        return 1;
    if (!S_ISREG(st->st_mode))
        return 0;
    if (st->st_mode & (S_ISUID | S_ISGID))
        return 1;
    return fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) >= 0;
}
