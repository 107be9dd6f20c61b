/*
 * Where a path of a layer leads.
 *
 * A layer is unpacked into a directory of its own, but its paths mean what
 * they mean in the image: seen over the layers below. Most are answered by one
 * openat2() inside the new layer alone, which is right whenever it succeeds,
 * since the new layer hides what is below it. Only when a directory is missing
 * there is the path walked through the merged view, component by component and
 * by overlayfs's rules (whiteouts, opaque directories), and the directory is
 * made with the attributes of the one it will cover.
 *
 * Every walk is confined: RESOLVE_IN_ROOT for the kernel, and for our own walk
 * ".." stops at the root and each step is one component with O_NOFOLLOW.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unpack-internal.h"

/* The depth is bounded since each step looks up the whole way again. */
enum { LINKS_MAX = 40, DEPTH_MAX = 512 };

bool unpack_is_whiteout(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int unpack_open_in_root(int root, const char *path) {
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    for (int tries = 0;; tries++) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        /* EAGAIN: something was renamed somewhere while ".." was followed (openat2(2)). */
        if (fd >= 0 || errno != EAGAIN || tries == 100)
            return fd;
    }
}

static bool is_opaque(const struct unpack *u, int directory) {
    char value[2] = {0};
    const char *name = u->rootless ? "user.overlay.opaque" : "trusted.overlay.opaque";
    return fgetxattr(directory, name, value, sizeof value) == 1 && value[0] == 'y';
}

static void close_unless(int fd, int kept) {
    if (fd != kept)
        close(fd);
}

/* past: as if the last component were not in this layer. */
static enum unpack_found look_up_in(struct unpack *u, int root, const char *path, bool past,
                                    struct unpack_place *place) {
    int at = root;
    bool opaque = false;
    for (;;) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == '\0';
        if (n > NAME_MAX) {
            close_unless(at, root);
            unpack_fail(u, ENAMETOOLONG, "cannot look up the path");
            return UNPACK_FAILED;
        }
        memcpy(place->base, path, n);
        place->base[n] = '\0';
        path += n + 1;
        if (last && past) {
            close_unless(at, root);
            return opaque ? UNPACK_MASKED : UNPACK_ABSENT;
        }
        if (fstatat(at, place->base, &place->st, AT_SYMLINK_NOFOLLOW) < 0) {
            int error = errno;
            close_unless(at, root);
            if (error == ENOENT)
                return opaque ? UNPACK_MASKED : UNPACK_ABSENT;
            unpack_fail(u, error, "cannot look up the path");
            return UNPACK_FAILED;
        }
        if (unpack_is_whiteout(&place->st) || (!last && !S_ISDIR(place->st.st_mode))) {
            close_unless(at, root);
            return UNPACK_MASKED;
        }
        int next = last ? fcntl(at, F_DUPFD_CLOEXEC, 3)
                        : openat(at, place->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close_unless(at, root);
        if (next < 0) {
            unpack_fail(u, error, "cannot open a directory of the layers");
            return UNPACK_FAILED;
        }
        if (last) {
            place->directory = next;
            return UNPACK_FOUND;
        }
        opaque = opaque || is_opaque(u, next);
        at = next;
    }
}

static enum unpack_found look_up(struct unpack *u, const char *path, bool past,
                                 struct unpack_place *place) {
    for (size_t layer = 0; layer <= u->lower_count; layer++) {
        int root = layer == 0 ? u->root : u->lower[layer - 1];
        place->layer = layer;
        enum unpack_found found = look_up_in(u, root, path, past && layer == 0, place);
        if (found != UNPACK_ABSENT)
            return found;
    }
    return UNPACK_ABSENT;
}

/* Looks a path without symbolic links up in the merged view. FOUND leaves
 * place->directory open; otherwise nothing is left open. */
enum unpack_found unpack_look_up(struct unpack *u, const char *path, struct unpack_place *place) {
    return look_up(u, path, false, place);
}

/* The same for what the new layer's own entry of that path covers, if there is one. */
enum unpack_found unpack_look_below(struct unpack *u, const char *path,
                                    struct unpack_place *place) {
    return look_up(u, path, true, place);
}

/* Puts the target of a symbolic link before what is left of the path. */
static int splice_link(struct unpack *u, const struct unpack_place *place, char *pending,
                       size_t capacity, const char *rest, bool *absolute) {
    char target[UNPACK_PATH_BYTES_MAX + 1];
    ssize_t n = readlinkat(place->directory, place->base, target, sizeof target);
    if (n < 0)
        return unpack_fail(u, errno, "cannot read a symbolic link on the way");
    size_t rest_length = strlen(rest);
    if ((size_t)n + 1 + rest_length + 1 > capacity)
        return unpack_fail(u, ENAMETOOLONG, "cannot follow a symbolic link on the way");
    memmove(pending + n + 1, rest, rest_length + 1);
    memcpy(pending, target, (size_t)n);
    pending[n] = '/';
    *absolute = n > 0 && target[0] == '/';
    return 0;
}

static void go_up(char *path) {
    char *slash = strrchr(path, '/');
    *(slash == NULL ? path : slash) = '\0';
}

static int go_down(struct unpack *u, char *path, const char *name, size_t n) {
    size_t length = strlen(path);
    size_t depth = 1;
    for (const char *p = path; *p != '\0'; p++)
        depth += *p == '/';
    if (depth > DEPTH_MAX || length + 1 + n > UNPACK_PATH_BYTES_MAX)
        return unpack_fail(u, ENAMETOOLONG, "cannot follow the path");
    if (length > 0)
        path[length++] = '/';
    memcpy(path + length, name, n);
    path[length + n] = '\0';
    return 0;
}

/* Follows all symbolic links of a path in the merged view: out is the path of the
 * directory it leads to, without links, whether that exists or not. */
int unpack_follow(struct unpack *u, const char *path, char out[UNPACK_PATH_BYTES_MAX + 1]) {
    char pending[2 * (UNPACK_PATH_BYTES_MAX + 1)];
    const char *rest = pending;
    unsigned links = 0;
    memcpy(pending, path, strlen(path) + 1);
    out[0] = '\0';
    for (size_t n;; rest += n) {
        rest += strspn(rest, "/");
        n = strcspn(rest, "/");
        if (n == 0)
            return 0;
        if (n == 1 && rest[0] == '.')
            continue;
        if (n == 2 && rest[0] == '.' && rest[1] == '.') {
            go_up(out);
            continue;
        }
        if (go_down(u, out, rest, n) < 0)
            return -1;
        struct unpack_place place;
        enum unpack_found found = unpack_look_up(u, out, &place);
        if (found == UNPACK_FAILED)
            return -1;
        if (found != UNPACK_FOUND)
            continue;
        int result = 0;
        if (S_ISLNK(place.st.st_mode)) {
            bool absolute = false;
            result = ++links > LINKS_MAX
                         ? unpack_fail(u, ELOOP, "cannot follow the path")
                         : splice_link(u, &place, pending, sizeof pending, rest + n, &absolute);
            go_up(out);
            if (absolute)
                out[0] = '\0';
            rest = pending;
            n = 0;
        }
        close(place.directory);
        if (result < 0)
            return -1;
    }
}
