/* Sets what an entry has besides its name and content: owner, mode, extended attributes, times. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unpack-internal.h"

enum { LATER_BYTES_MAX = 256 * 1024 * 1024 };

static bool begins_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * An image may say what a file can do and what it is called by its user. It may
 * not speak to overlayfs, whose attributes redirect and hide files, and what it
 * says to this host's security modules (security.selinux and the like) belongs
 * to the host where the image was made.
 */
enum unpack_xattr unpack_classify_xattr(const char *name) {
    if (begins_with(name, "trusted.overlay.") || begins_with(name, "user.overlay."))
        return UNPACK_XATTR_REFUSE;
    if (strcmp(name, UNPACK_OWNER) == 0)
        return UNPACK_XATTR_SKIP; /* ours to say */
    if (begins_with(name, "user.") || strcmp(name, "security.capability") == 0 ||
        strcmp(name, "system.posix_acl_access") == 0 ||
        strcmp(name, "system.posix_acl_default") == 0)
        return UNPACK_XATTR_APPLY;
    return UNPACK_XATTR_SKIP;
}

/*
 * The owner of a file or directory. One that this user namespace does not have is noted, as
 * containers/storage does (pkg/idtools): whoever packs the file again gives it back.
 *
 * 0, or -1 with errno.
 */
int unpack_set_owner(struct unpack *u, int fd, uid_t uid, gid_t gid, mode_t mode) {
    char value[64];
    if (u->ignore_owner || fchown(fd, uid, gid) == 0)
        return 0;
    if (errno != EINVAL || !u->rootless)
        return -1;
    int length = snprintf(value, sizeof value, "%u:%u:0%o:%s", uid, gid, mode & 07777,
                          S_ISDIR(mode) ? "dir" : "file");
    if (fsetxattr(fd, UNPACK_OWNER, value, (size_t)length, 0) == 0 || errno == ENOTSUP)
        return 0;
    return -1;
}

int unpack_set_opaque(struct unpack *u, int directory) {
    const char *name = u->rootless ? "user.overlay.opaque" : "trusted.overlay.opaque";
    if (fsetxattr(directory, name, "y", 1, 0) < 0)
        return unpack_fail(u, errno, "cannot mark the directory as opaque for overlayfs");
    return 0;
}

/* Takes away what an earlier entry, or the directory below, has left on a directory that
 * comes again. What overlayfs needs stays. */
int unpack_clear_xattrs(struct unpack *u, int fd) {
    static char names[XATTR_LIST_MAX];
    ssize_t length = flistxattr(fd, names, sizeof names);
    if (length < 0 && errno == ENOTSUP)
        return 0;
    if (length < 0)
        return unpack_fail(u, errno, "cannot list the extended attributes");
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        if (unpack_classify_xattr(names + at) != UNPACK_XATTR_APPLY &&
            strcmp(names + at, UNPACK_OWNER) != 0)
            continue;
        if (fremovexattr(fd, names + at) < 0 && errno != ENODATA)
            return unpack_fail(u, errno, "cannot remove an extended attribute");
    }
    return 0;
}

/* Only files and directories can have user.* attributes (xattr(7)), and a file system may
 * have none at all: an image is still of use without them. A capability is another
 * matter, except where the file system knows none. */
static bool harmless(int error, const char *name, bool special) {
    return error == ENOTSUP || (special && error == EPERM && begins_with(name, "user."));
}

/* fd, or where that is -1 the entry `base` of the directory `parent`. */
static int set_xattrs(struct unpack *u, int fd, int parent, const char *base) {
    size_t at = 0;
    const char *name;
    const unsigned char *value;
    size_t length;
    if (fd < 0 && u->record.xattrs_length > 0 && fchdir(parent) < 0)
        return unpack_fail(u, errno, "cannot enter the parent directory");
    while (unpack_next_xattr(&u->record, &at, &name, &value, &length)) {
        enum unpack_xattr class = unpack_classify_xattr(name);
        if (class == UNPACK_XATTR_REFUSE)
            return unpack_fail(u, EPERM, "an extended attribute belongs to overlayfs");
        if (class == UNPACK_XATTR_SKIP) {
            unpack_skip(u, EPERM, "an extended attribute of the host the image was made on");
            continue;
        }
        int result = fd >= 0 ? fsetxattr(fd, name, value, length, 0)
                             : lsetxattr(base, name, value, length, 0);
        if (result < 0 && harmless(errno, name, fd < 0))
            unpack_skip(u, errno, "cannot set an extended attribute");
        else if (result < 0)
            return unpack_fail(u, errno, "cannot set an extended attribute");
        if (strcmp(name, "system.posix_acl_default") == 0)
            u->default_acl_seen = true;
    }
    return 0;
}

/* A file or a directory that is open. The order matters: chown clears set-user-ID and
 * capabilities, and an access ACL changes the mode's group bits. */
int unpack_set_attributes(struct unpack *u, int fd) {
    const struct unpack_record *r = &u->record;
    mode_t type = r->type == UNPACK_FILE ? S_IFREG : S_IFDIR;
    if (unpack_set_owner(u, fd, r->uid, r->gid, type | r->mode) < 0)
        return unpack_fail(u, errno, "cannot set the owner");
    bool mode_is_set = r->type == UNPACK_FILE && (r->mode & 07000) == 0 && !u->default_acl_seen;
    if (!mode_is_set && fchmod(fd, r->mode) < 0)
        return unpack_fail(u, errno, "cannot set the mode");
    return set_xattrs(u, fd, -1, NULL);
}

/* A symbolic link, device or FIFO, which is never opened. */
int unpack_set_attributes_at(struct unpack *u, int parent, const char *base) {
    const struct unpack_record *r = &u->record;
    /* Neither links nor devices have attributes in which an owner could be noted. */
    if (!u->ignore_owner && fchownat(parent, base, r->uid, r->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
        (errno != EINVAL || !u->rootless))
        return unpack_fail(u, errno, "cannot set the owner");
    /* fchmodat follows a link, but this is the device or FIFO that was made just now; where others
     * could have put a link there since, the mode came with mknod. */
    if (!u->modes_are_set && r->type != UNPACK_SYMLINK && fchmodat(parent, base, r->mode, 0) < 0)
        return unpack_fail(u, errno, "cannot set the mode");
    if (set_xattrs(u, -1, parent, base) < 0)
        return -1;
    struct timespec times[2] = {r->mtime, r->mtime};
    if (utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) < 0)
        return unpack_fail(u, errno, "cannot set the times");
    return 0;
}

static int keep_for_later(struct unpack *u, struct unpack_later_entry entry) {
    u->later_bytes += strlen(entry.path) + 1 + sizeof *u->later;
    if (u->later_bytes > LATER_BYTES_MAX)
        return unpack_fail(u, ENOMEM, "cannot keep so many directories in mind");
    if (u->later_count == u->later_capacity) {
        size_t capacity = u->later_capacity == 0 ? 256 : u->later_capacity * 2;
        struct unpack_later_entry *grown = realloc(u->later, capacity * sizeof *grown);
        if (grown == NULL)
            return unpack_fail(u, ENOMEM, "cannot keep so many directories in mind");
        u->later = grown;
        u->later_capacity = capacity;
    }
    entry.path = strdup(entry.path);
    if (entry.path == NULL)
        return unpack_fail(u, ENOMEM, "cannot keep so many directories in mind");
    u->later[u->later_count++] = entry;
    return 0;
}

/* Keeps the times of a directory for the end. */
int unpack_later(struct unpack *u, int directory, const char *path, struct timespec mtime) {
    struct stat st;
    if (fstat(directory, &st) < 0)
        return unpack_fail(u, errno, "cannot read the directory's inode");
    return keep_for_later(
        u, (struct unpack_later_entry){
               .path = (char *)path, .device = st.st_dev, .inode = st.st_ino, .mtime = mtime});
}

int unpack_later_whiteout(struct unpack *u, const char *path) {
    return keep_for_later(u,
                          (struct unpack_later_entry){.path = (char *)path, .is_whiteout = true});
}

static int apply_one(struct unpack *u, const struct unpack_later_entry *later) {
    struct timespec times[2] = {later->mtime, later->mtime};
    const char *slash = strrchr(later->path, '/');
    const char *base = slash == NULL ? later->path : slash + 1;
    int parent =
        unpack_existing_directory(u, later->path, (size_t)(base - later->path) - (slash != NULL));
    struct stat st;
    if (*base == '\0')
        return futimens(u->root, times);
    /* A later entry may have removed or replaced the directory: then its times went with it. */
    if (parent < 0 || fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (st.st_ino != later->inode || st.st_dev != later->device)
        return 0;
    return utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW);
}

int unpack_apply_later(struct unpack *u) {
    for (size_t i = 0; i < u->later_count; i++) {
        u->where = u->later[i].path;
        if (!u->later[i].is_whiteout && apply_one(u, &u->later[i]) < 0)
            return unpack_fail(u, errno, "cannot set the times of the directory");
    }
    return 0;
}
