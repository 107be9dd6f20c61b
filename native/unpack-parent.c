/* The directory an entry goes into: opened inside the new layer, made if it is missing there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack-internal.h"

/* Gives a directory just made for a parent that the layer left out the attributes of
 * the directory below that it will cover, or root's 0755 if there is none. */
static int adopt(struct unpack *u, int made, const char *path, bool covers) {
    struct unpack_place place;
    enum unpack_found found = covers ? unpack_look_below(u, path, &place) : UNPACK_MASKED;
    if (found == UNPACK_FAILED)
        return -1;
    if (found == UNPACK_FOUND && S_ISDIR(place.st.st_mode)) {
        int from =
            openat(place.directory, place.base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(place.directory);
        if (from < 0)
            return unpack_fail(u, error, "cannot open the directory of the layer below");
        int result = unpack_copy_attributes(u, from, made, &place.st);
        close(from);
        if (result < 0)
            return -1;
        return unpack_later(u, made, path, place.st.st_mtim);
    }
    if (found == UNPACK_FOUND)
        close(place.directory);
    if (!u->ignore_owner && fchown(made, 0, 0) < 0)
        return unpack_fail(u, errno, "cannot set the owner of a missing parent directory");
    if (fchmod(made, 0755) < 0)
        return unpack_fail(u, errno, "cannot set the mode of a missing parent directory");
    return covers ? 0 : unpack_set_opaque(u, made);
}

/* One step of unpack_make_directories: the directory `name` of `at`, made if it is missing. */
static int make_directory(struct unpack *u, int at, const char *name, const char *path) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    bool covers = true;
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        /* A whiteout and then something below it: a new directory, hiding the old one. */
        if (!unpack_is_whiteout(&st))
            return unpack_fail(u, ENOTDIR, "a parent is not a directory");
        if (unlinkat(at, name, 0) < 0)
            return unpack_fail(u, errno, "cannot replace a whiteout");
        covers = false;
    }
    if (mkdirat(at, name, 0700) < 0)
        return unpack_fail(u, errno, "cannot make a missing parent directory");
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open a missing parent directory");
    if (adopt(u, fd, path, covers) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Opens the directory that a path leads to in the merged view, in the new layer: with
 * all that is missing on the way made. */
int unpack_make_directories(struct unpack *u, const char *path) {
    char canonical[UNPACK_PATH_BYTES_MAX + 1];
    char name[NAME_MAX + 1];
    if (unpack_follow(u, path, canonical) < 0)
        return -1;
    int at = fcntl(u->root, F_DUPFD_CLOEXEC, 3);
    if (at < 0)
        return unpack_fail(u, errno, "cannot open the root of the layer");
    for (size_t start = 0; canonical[start] != '\0';) {
        size_t n = strcspn(canonical + start, "/");
        size_t end = start + n;
        bool last = canonical[end] == '\0';
        if (n > NAME_MAX) {
            close(at);
            return unpack_fail(u, ENAMETOOLONG, "cannot make a missing parent directory");
        }
        memcpy(name, canonical + start, n);
        name[n] = '\0';
        canonical[end] = '\0';
        int next = make_directory(u, at, name, canonical);
        close(at);
        if (next < 0)
            return -1;
        at = next;
        if (!last)
            canonical[end++] = '/';
        start = end;
    }
    return at;
}

/* The descriptor may still be in the caller's hands, so it is closed when the next one is needed.
 */
void unpack_forget_parent(struct unpack *u) {
    u->parent_path[0] = '\0';
}

/* Moves the cache to a directory of the new layer that is there already: -1 with errno if it is
 * not. */
int unpack_existing_directory(struct unpack *u, const char *path, size_t length) {
    if (length == 0)
        return u->root;
    if (strlen(u->parent_path) == length && memcmp(u->parent_path, path, length) == 0)
        return u->parent;
    char wanted[UNPACK_PATH_BYTES_MAX + 1];
    memcpy(wanted, path, length);
    wanted[length] = '\0';
    unpack_forget_parent(u);
    if (u->parent >= 0)
        close(u->parent);
    u->parent = unpack_open_in_root(u->root, wanted);
    if (u->parent >= 0)
        memcpy(u->parent_path, wanted, length + 1);
    return u->parent;
}

static int directory(struct unpack *u, const char *path, size_t length) {
    int fd = unpack_existing_directory(u, path, length);
    if (fd >= 0)
        return fd;
    if (errno == ENOSYS)
        return unpack_fail(u, errno, "openat2 is missing, Linux 5.6 or later is needed");
    if (errno != ENOENT && errno != ENOTDIR)
        return unpack_fail(u, errno, "cannot open the parent directory");
    char wanted[UNPACK_PATH_BYTES_MAX + 1];
    memcpy(wanted, path, length);
    wanted[length] = '\0';
    u->parent = unpack_make_directories(u, wanted);
    if (u->parent < 0)
        return -1;
    memcpy(u->parent_path, wanted, length + 1);
    return u->parent;
}

/* The directory a path's last component is in, which belongs to the cache: not to be
 * closed, and good until the next call. */
int unpack_parent(struct unpack *u, const char *path, const char **base) {
    const char *slash = strrchr(path, '/');
    *base = slash == NULL ? path : slash + 1;
    return directory(u, path, slash == NULL ? 0 : (size_t)(slash - path));
}

/* The same for the directory that the whole path leads to. */
int unpack_directory(struct unpack *u, const char *path) {
    return directory(u, path, strlen(path));
}
