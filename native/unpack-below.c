/* What the new layer takes from the layers below it, and what it hides of them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unpack-internal.h"

static int copy_xattrs(struct unpack *u, int from, int to) {
    static char names[XATTR_LIST_MAX];
    static char value[XATTR_SIZE_MAX];
    ssize_t length = flistxattr(from, names, sizeof names);
    if (length < 0 && errno == ENOTSUP)
        return 0;
    if (length < 0)
        return unpack_fail(u, errno, "cannot list the extended attributes of the layer below");
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        const char *name = names + at;
        if (unpack_classify_xattr(name) != UNPACK_XATTR_APPLY && strcmp(name, UNPACK_OWNER) != 0)
            continue;
        ssize_t n = fgetxattr(from, name, value, sizeof value);
        if (n < 0)
            return unpack_fail(u, errno, "cannot read an extended attribute of the layer below");
        if (fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != ENOTSUP)
            return unpack_fail(u, errno, "cannot copy an extended attribute of the layer below");
        if (strcmp(name, "system.posix_acl_default") == 0)
            u->default_acl_seen = true;
    }
    return 0;
}

/* Owner, mode and extended attributes of a file or directory below; not the times. */
int unpack_copy_attributes(struct unpack *u, int from, int to, const struct stat *st) {
    if (unpack_set_owner(u, to, st->st_uid, st->st_gid, st->st_mode) < 0)
        return unpack_fail(u, errno, "cannot copy the owner from the layer below");
    if (fchmod(to, st->st_mode & 07777) < 0)
        return unpack_fail(u, errno, "cannot copy the mode from the layer below");
    return copy_xattrs(u, from, to);
}

static int copy_content(struct unpack *u, int from, int to) {
    for (;;) {
        char bytes[64 * 1024];
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return unpack_fail(u, errno, "cannot read the hard link's target in the layer below");
        if (n == 0)
            return 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(to, bytes + done, (size_t)(n - done));
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return unpack_fail(u, errno, "cannot copy the hard link's target");
            done += written;
        }
    }
}

static int copy_open_file(struct unpack *u, int from, int to, const struct stat *st) {
    struct timespec times[2] = {st->st_mtim, st->st_mtim};
    if (copy_content(u, from, to) < 0 || unpack_copy_attributes(u, from, to, st) < 0)
        return -1;
    if (futimens(to, times) < 0)
        return unpack_fail(u, errno, "cannot set the times of the hard link's target");
    return 0;
}

static int copy_file(struct unpack *u, const struct unpack_place *place, int directory) {
    int from = openat(place->directory, place->base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return unpack_fail(u, errno, "cannot open the hard link's target in the layer below");
    int to =
        openat(directory, place->base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result = to < 0 ? unpack_fail(u, errno, "cannot copy the hard link's target")
                        : copy_open_file(u, from, to, &place->st);
    if (to >= 0)
        close(to);
    close(from);
    return result;
}

/* A link cannot cross layers: the file is copied up and linked to, as overlayfs does for link(2).
 */
static int copy_up(struct unpack *u, const struct unpack_place *place, const char *parent) {
    if (!S_ISREG(place->st.st_mode))
        return unpack_fail(
            u, EXDEV, "the target of the hard link is in a layer below and not a regular file");
    int directory = unpack_make_directories(u, parent);
    if (directory < 0)
        return -1;
    if (copy_file(u, place, directory) == 0)
        return directory;
    close(directory);
    return -1;
}

/* Opens the directory in the new layer that holds the target of a hard link, and names the
 * target in it. A symbolic link in the last place is the target itself. */
int unpack_link_target(struct unpack *u, const char *path, char base[NAME_MAX + 1]) {
    char parent[UNPACK_PATH_BYTES_MAX + 1];
    char canonical[2 * (UNPACK_PATH_BYTES_MAX + 1)];
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;
    size_t parent_length = slash == NULL ? 0 : (size_t)(slash - path);
    struct stat st;
    if (strlen(last) > NAME_MAX)
        return unpack_fail(u, ENAMETOOLONG, "cannot look up the hard link's target");
    memcpy(base, last, strlen(last) + 1);
    memcpy(parent, path, parent_length);
    parent[parent_length] = '\0';
    int fd = parent_length == 0 ? fcntl(u->root, F_DUPFD_CLOEXEC, 3)
                                : unpack_open_in_root(u->root, parent);
    if (fd >= 0 && fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return fd;
    if (fd >= 0)
        close(fd);

    struct unpack_place place;
    if (unpack_follow(u, parent, canonical) < 0)
        return -1;
    memcpy(parent, canonical, strlen(canonical) + 1);
    size_t length = strlen(canonical);
    if (length > 0)
        canonical[length++] = '/';
    memcpy(canonical + length, base, strlen(base) + 1);
    enum unpack_found found = unpack_look_up(u, canonical, &place);
    if (found == UNPACK_FAILED)
        return -1;
    if (found != UNPACK_FOUND)
        return unpack_fail(u, ENOENT,
                           "the target of the hard link is neither in this layer nor below");
    if (place.layer == 0)
        return place.directory;
    int directory = copy_up(u, &place, parent);
    close(place.directory);
    return directory;
}

/* The root directory starts as the one below, and stays so unless the layer has an entry for it. */
int unpack_adopt_root(struct unpack *u) {
    struct stat st;
    if (u->lower_count == 0) {
        if (!u->ignore_owner && fchown(u->root, 0, 0) < 0)
            return unpack_fail(u, errno, "cannot set the owner of the layer's root");
        if (fchmod(u->root, 0755) < 0)
            return unpack_fail(u, errno, "cannot set the mode of the layer's root");
        return 0;
    }
    if (fstat(u->lower[0], &st) < 0)
        return unpack_fail(u, errno, "cannot read the root of the layer below");
    if (unpack_copy_attributes(u, u->lower[0], u->root, &st) < 0)
        return -1;
    return unpack_later(u, u->root, "", st.st_mtim);
}

static int hide(struct unpack *u, const char *name) {
    struct stat st;
    if (fstatat(u->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return unpack_fail(u, errno, "cannot look for a name of the layer below");
        if (mknodat(u->root, name, S_IFCHR, makedev(0, 0)) < 0)
            return unpack_fail(u, errno, "cannot make a whiteout");
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return 0;
    int fd = openat(u->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open a directory to make it opaque");
    int result = unpack_set_opaque(u, fd);
    close(fd);
    return result;
}

/* Hides all that is below. overlayfs does not look at the opaque attribute of a layer's
 * root, so each name of the roots below is hidden for itself. */
int unpack_hide_root(struct unpack *u) {
    for (size_t i = 0; i < u->lower_count; i++) {
        int fd = openat(u->lower[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return unpack_fail(u, errno, "cannot read the root of a layer below");
        DIR *d = fdopendir(fd);
        if (d == NULL) {
            close(fd);
            return unpack_fail(u, ENOMEM, "cannot read the root of a layer below");
        }
        int result = 0;
        for (const struct dirent *e = readdir(d); e != NULL && result == 0; e = readdir(d))
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                result = hide(u, e->d_name);
        closedir(d);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Takes a whiteout away that hides nothing. overlayfs leaves whiteouts out only where it merges
 * directories: in one that no layer below has, or that is opaque, it shows the device. */
static int prune_whiteout(struct unpack *u, const char *path) {
    char canonical[2 * (UNPACK_PATH_BYTES_MAX + 1)];
    char parent[UNPACK_PATH_BYTES_MAX + 1];
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t parent_length = slash == NULL ? 0 : (size_t)(slash - path);
    struct stat st;
    int directory = unpack_existing_directory(u, path, parent_length);
    /* Later entries may have replaced it, or a directory on the way. */
    if (directory < 0 || fstatat(directory, base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !unpack_is_whiteout(&st))
        return 0;
    memcpy(parent, path, parent_length);
    parent[parent_length] = '\0';
    if (unpack_follow(u, parent, canonical) < 0)
        return -1;
    size_t length = strlen(canonical);
    if (length > 0)
        canonical[length++] = '/';
    memcpy(canonical + length, base, strlen(base) + 1);
    struct unpack_place place;
    enum unpack_found found = unpack_look_below(u, canonical, &place);
    if (found == UNPACK_FAILED)
        return -1;
    if (found == UNPACK_FOUND) {
        close(place.directory);
        return 0;
    }
    if (unlinkat(directory, base, 0) < 0)
        return unpack_fail(u, errno, "cannot take an idle whiteout away");
    return 0;
}

int unpack_prune_whiteouts(struct unpack *u) {
    for (size_t i = 0; i < u->later_count; i++) {
        u->where = u->later[i].path;
        if (u->later[i].is_whiteout && prune_whiteout(u, u->later[i].path) < 0)
            return -1;
    }
    return 0;
}
