/*
 * Applies one record of a layer below its root.
 *
 * Why it is safe: a record's path has only plain components (unpack-record.c);
 * the directory of its last component is opened inside the root, whatever
 * symbolic links the layer has made on the way (unpack-resolve.c); and the last
 * component is then made with *at() calls on that descriptor, exclusively and
 * without following a link. No path is resolved twice, and no entry is written
 * through one that an earlier entry left there: what is in the way is removed.
 * The directory belongs to us alone while we work (its parent is 0700).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "unpack-internal.h"

/* Removes what is in the way of an entry, a directory with all that is in it. */
static int clear_way(struct unpack *u, int parent, const char *base, const struct stat *st) {
    if (S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode))
        unpack_forget_parent(u);
    if (unpack_remove_tree(parent, base) < 0)
        return unpack_fail(u, errno, "cannot replace what an earlier entry left");
    return 0;
}

static int clear_way_if_taken(struct unpack *u, int parent, const char *base) {
    struct stat st;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : unpack_fail(u, errno, "cannot look at what is in the way");
    return clear_way(u, parent, base, &st);
}

static int open_new_file(struct unpack *u, int parent, const char *base) {
    enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
    int fd = openat(parent, base, FLAGS, u->record.mode & 0777);
    if (fd >= 0)
        return fd;
    if (errno != EEXIST)
        return unpack_fail(u, errno, "cannot create the file");
    if (clear_way_if_taken(u, parent, base) < 0)
        return -1;
    fd = openat(parent, base, FLAGS, u->record.mode & 0777);
    return fd >= 0 ? fd : unpack_fail(u, errno, "cannot create the file");
}

static int apply_file(struct unpack *u) {
    const struct unpack_record *r = &u->record;
    struct timespec times[2] = {r->mtime, r->mtime};
    const char *base;
    int parent = unpack_parent(u, r->path, &base);
    if (parent < 0)
        return -1;
    int fd = open_new_file(u, parent, base);
    if (fd < 0)
        return -1;
    int result = unpack_read_content(u, fd);
    if (result == 0)
        result = unpack_set_attributes(u, fd);
    if (result == 0 && futimens(fd, times) < 0)
        result = unpack_fail(u, errno, "cannot set the times");
    if (close(fd) < 0 && result == 0)
        result = unpack_fail(u, errno, "cannot close the file");
    return result;
}

/* Makes the directory of the record, or opens the one an earlier entry made. */
static int open_directory(struct unpack *u) {
    const char *base;
    struct stat st;
    bool hides = false;
    if (u->record.path[0] == '\0')
        return openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent = unpack_parent(u, u->record.path, &base);
    if (parent < 0)
        return -1;
    if (mkdirat(parent, base, 0700) < 0) {
        if (errno != EEXIST)
            return unpack_fail(u, errno, "cannot create the directory");
        if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return unpack_fail(u, errno, "cannot look at what is in the way");
        if (!S_ISDIR(st.st_mode)) {
            if (clear_way(u, parent, base, &st) < 0)
                return -1;
            if (mkdirat(parent, base, 0700) < 0)
                return unpack_fail(u, errno, "cannot create the directory");
            hides = true;
        }
    }
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open the directory");
    /* A directory in place of a whiteout or a file is a new one, and shows nothing from below. */
    if (!hides || unpack_set_opaque(u, fd) == 0)
        return fd;
    close(fd);
    return -1;
}

static int apply_directory(struct unpack *u) {
    int fd = open_directory(u);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open the root of the layer");
    int result = unpack_clear_xattrs(u, fd);
    if (result == 0)
        result = unpack_set_attributes(u, fd);
    if (result == 0)
        result = unpack_later(u, fd, u->record.path, u->record.mtime);
    close(fd);
    return result;
}

/* A symbolic link, device node or FIFO. */
static int apply_special(struct unpack *u) {
    const struct unpack_record *r = &u->record;
    dev_t device = makedev(r->device_major, r->device_minor);
    const char *base;
    int result;
    bool is_device = r->type == UNPACK_CHAR || r->type == UNPACK_BLOCK;
    if (r->type == UNPACK_CHAR && device == makedev(0, 0))
        return unpack_fail(u, EPERM, "the character device 0,0 is overlayfs's whiteout");
    if (is_device && u->rootless) {
        unpack_skip(u, EPERM, "device nodes need root");
        return 0;
    }
    int parent = unpack_parent(u, r->path, &base);
    if (parent < 0 || clear_way_if_taken(u, parent, base) < 0)
        return -1;
    if (r->type == UNPACK_SYMLINK)
        result = symlinkat(r->link, parent, base);
    else
        result = mknodat(parent, base,
                         (r->type == UNPACK_CHAR    ? S_IFCHR
                          : r->type == UNPACK_BLOCK ? S_IFBLK
                                                    : S_IFIFO) |
                             0600,
                         device);
    if (result < 0)
        return unpack_fail(u, errno,
                           r->type == UNPACK_SYMLINK ? "cannot create the symbolic link"
                           : is_device               ? "cannot create the device node"
                                                     : "cannot create the FIFO");
    return unpack_set_attributes_at(u, parent, base);
}

static int link_to(struct unpack *u, int from, const char *target) {
    struct stat old;
    struct stat now;
    const char *base;
    if (fstatat(from, target, &old, AT_SYMLINK_NOFOLLOW) < 0)
        return unpack_fail(u, errno, "cannot look at the target of the hard link");
    if (unpack_is_whiteout(&old))
        return unpack_fail(u, ENOENT, "the target of the hard link is removed by this layer");
    if (S_ISDIR(old.st_mode))
        return unpack_fail(u, EPERM, "the target of the hard link is a directory");
    int parent = unpack_parent(u, u->record.path, &base);
    if (parent < 0)
        return -1;
    if (fstatat(parent, base, &now, AT_SYMLINK_NOFOLLOW) == 0) {
        if (now.st_ino == old.st_ino && now.st_dev == old.st_dev)
            return 0; /* linked already */
        if (clear_way(u, parent, base, &now) < 0)
            return -1;
    } else if (errno != ENOENT) {
        return unpack_fail(u, errno, "cannot look at what is in the way");
    }
    if (linkat(from, target, parent, base, 0) < 0)
        return unpack_fail(u, errno, "cannot create the hard link");
    return 0;
}

static int apply_hardlink(struct unpack *u) {
    char target[NAME_MAX + 1];
    int from = unpack_link_target(u, u->record.link, target);
    if (from < 0)
        return -1;
    int result = link_to(u, from, target);
    close(from);
    return result;
}

static int mark_opaque(struct unpack *u, int parent, const char *base) {
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open the directory to make it opaque");
    int result = unpack_set_opaque(u, fd);
    close(fd);
    return result;
}

/* A whiteout is about the layers below (image-spec, layer.md): an entry of this layer with the
 * same name stays, and a directory only stops showing what is below it. */
static int apply_whiteout(struct unpack *u) {
    const char *base;
    struct stat st;
    int parent = unpack_parent(u, u->record.path, &base);
    if (parent < 0)
        return -1;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISDIR(st.st_mode) ? mark_opaque(u, parent, base) : 0;
    if (errno != ENOENT)
        return unpack_fail(u, errno, "cannot look at what is in the way");
    if (mknodat(parent, base, S_IFCHR, makedev(0, 0)) < 0)
        return unpack_fail(u, errno, "cannot make a whiteout");
    return unpack_later_whiteout(u, u->record.path);
}

static int apply_opaque(struct unpack *u) {
    if (u->record.path[0] == '\0') {
        u->opaque_root = true;
        return 0;
    }
    int directory = unpack_directory(u, u->record.path);
    return directory < 0 ? -1 : mark_opaque(u, directory, ".");
}

int unpack_apply(struct unpack *u) {
    switch (u->record.type) {
    case UNPACK_FILE:
        return apply_file(u);
    case UNPACK_DIRECTORY:
        return apply_directory(u);
    case UNPACK_SYMLINK:
    case UNPACK_CHAR:
    case UNPACK_BLOCK:
    case UNPACK_FIFO:
        return apply_special(u);
    case UNPACK_HARDLINK:
        return apply_hardlink(u);
    case UNPACK_WHITEOUT:
        return apply_whiteout(u);
    case UNPACK_OPAQUE:
        return apply_opaque(u);
    default:
        return unpack_fail(u, EPROTO, "unknown type of record");
    }
}
