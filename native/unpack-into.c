/*
 * Makes files below a directory that is there already, and may belong to a container that runs and
 * means harm: what `cp` does.
 *
 * Why it is safe: this process's root is the container's. The directory that is copied to is looked
 * up once, in that root, and kept open; all else is made in it by *at() calls on descriptors whose
 * last component is never followed. A file is written while it has no name (O_TMPFILE) and given
 * one when it is whole, so that nobody sees half of it, nobody has it open while its owner and mode
 * are set, and a copy that is killed leaves nothing behind. Directories are not replaced by other
 * things nor the other way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "overlay.h"
#include "unpack-internal.h"

enum { LINKS_MAX = 40, TRIES_MAX = 1000 };

static int open_path(int root, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS | resolve};
    for (int tries = 0;; tries++) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN || tries == TRIES_MAX)
            return fd;
    }
}

/* A directory below the one that is copied to. Links on the way are followed only for an archive
 * that somebody else has made, whose paths mean what they mean to a program in this root. */
static int open_below(const struct unpack *u, const char *path) {
    uint64_t strict = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    return open_path(u->root, path, O_PATH | O_DIRECTORY, u->follow ? 0 : strict);
}

/* Makes the directories of a path that are missing, and opens the last. */
static int make_below(struct unpack *u, char *path) {
    int at = fcntl(u->root, F_DUPFD_CLOEXEC, 3);
    if (at < 0)
        return unpack_fail(u, errno, "cannot open the directory to copy to");
    for (char *slash = path; slash != NULL;) {
        char *name = slash == path ? path : slash + 1;
        slash = strchr(name, '/');
        if (slash != NULL)
            *slash = '\0';
        int next = open_below(u, path);
        if (next < 0 && errno == ENOENT) {
            if (mkdirat(at, name, 0755) < 0 && errno != EEXIST) {
                int error = errno;
                close(at);
                return unpack_fail(u, error, "cannot make a missing parent directory");
            }
            next = open_below(u, path);
        }
        int error = errno;
        close(at);
        if (next < 0)
            return unpack_fail(u, error, "a parent is not a directory");
        at = next;
        if (slash != NULL)
            *slash = '/';
    }
    return at;
}

/* The directory of a path's last component; it belongs to the cache, and is good until the next. */
static int parent_of(struct unpack *u, const char *path, const char **base) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    char wanted[UNPACK_PATH_BYTES_MAX + 1];
    *base = slash == NULL ? path : slash + 1;
    if (length == 0)
        return u->root;
    if (u->parent >= 0 && strlen(u->parent_path) == length &&
        memcmp(u->parent_path, path, length) == 0)
        return u->parent;
    memcpy(wanted, path, length);
    wanted[length] = '\0';
    unpack_forget_parent(u);
    if (u->parent >= 0)
        close(u->parent);
    u->parent = open_below(u, wanted);
    if (u->parent < 0)
        u->parent = errno == ENOENT ? make_below(u, wanted)
                                    : unpack_fail(u, errno, "a parent is not a directory");
    if (u->parent < 0)
        return -1;
    memcpy(u->parent_path, wanted, length + 1);
    return u->parent;
}

/*
 * In a copy of another namespace's mounts the kernel would take the name away, and with it the mount
 * on it in that namespace (d_invalidate and detach_mounts of Linux's fs/namei.c): only in one's own
 * it says EBUSY.
 */
static bool is_mount_point(int parent, const char *base) {
    /* struct statx as far as it matters: not every C library has it. */
    struct {
        uint32_t mask, block_size;
        uint64_t attributes;
        unsigned char rest[240];
    } stx;
    enum { MOUNT_ROOT = 0x2000 };
    return syscall(SYS_statx, parent, base, AT_SYMLINK_NOFOLLOW, 0, &stx) == 0 &&
           (stx.attributes & MOUNT_ROOT);
}

/* Makes room for what is no directory. */
static int clear_way(struct unpack *u, int parent, const char *base) {
    if (is_mount_point(parent, base))
        return unpack_fail(u, EBUSY, "a mount point cannot be replaced");
    if (unlinkat(parent, base, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EISDIR || errno == EPERM)
        return unpack_fail(u, EISDIR, "a directory is not replaced by something else");
    if (errno == EBUSY)
        return unpack_fail(u, errno, "a mount point cannot be replaced");
    return unpack_fail(u, errno, "cannot replace what is there");
}

static int set_all(struct unpack *u, int fd) {
    struct timespec times[2] = {u->record.mtime, u->record.mtime};
    if (unpack_read_content(u, fd) < 0 || unpack_set_attributes(u, fd) < 0)
        return -1;
    return futimens(fd, times) < 0 ? unpack_fail(u, errno, "cannot set the times") : 0;
}

/* Gives a whole file its name. */
static int publish(struct unpack *u, int fd, int parent, const char *base) {
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (linkat(fd, "", parent, base, AT_EMPTY_PATH) == 0)
            return 0;
        if (errno != EEXIST)
            return unpack_fail(u, errno, "cannot give the file its name");
        if (clear_way(u, parent, base) < 0)
            return -1;
    }
    return unpack_fail(u, EEXIST, "somebody makes the file again and again");
}

/* For file systems that know no file without a name. */
static int write_by_name(struct unpack *u, int parent, const char *base) {
    if (clear_way(u, parent, base) < 0)
        return -1;
    int fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot create the file");
    int rc = set_all(u, fd);
    if (close(fd) < 0 && rc == 0)
        rc = unpack_fail(u, errno, "cannot close the file");
    if (rc < 0)
        unlinkat(parent, base, 0);
    return rc;
}

static int into_file(struct unpack *u) {
    struct stat st;
    const char *base;
    int parent = parent_of(u, u->record.path, &base);
    if (parent < 0)
        return -1;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return unpack_fail(u, EISDIR, "a directory is not replaced by something else");
    int fd = openat(parent, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        return write_by_name(u, parent, base);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot create the file");
    int rc = set_all(u, fd);
    if (rc == 0)
        rc = publish(u, fd, parent, base);
    if (close(fd) < 0 && rc == 0)
        rc = unpack_fail(u, errno, "cannot close the file");
    return rc;
}

static int into_directory(struct unpack *u) {
    struct stat st;
    const char *base;
    if (u->record.path[0] == '\0')
        return 0; /* the directory that is copied to stays as it is */
    int parent = parent_of(u, u->record.path, &base);
    if (parent < 0)
        return -1;
    if (mkdirat(parent, base, 0700) < 0) {
        if (errno != EEXIST)
            return unpack_fail(u, errno, "cannot create the directory");
        if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
            return unpack_fail(u, ENOTDIR, "what is no directory is not replaced by one");
    }
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_fail(u, errno, "cannot open the directory");
    int rc = unpack_set_attributes(u, fd);
    if (rc == 0)
        rc = unpack_later(u, fd, u->record.path, u->record.mtime);
    close(fd);
    return rc;
}

/* The mode comes with the call: set afterwards it would be set on a name. */
static int into_special(struct unpack *u) {
    const struct unpack_record *r = &u->record;
    const char *base;
    int parent = parent_of(u, r->path, &base);
    if (parent < 0 || clear_way(u, parent, base) < 0)
        return -1;
    if (r->type == UNPACK_SYMLINK) {
        if (symlinkat(r->link, parent, base) < 0)
            return unpack_fail(u, errno, "cannot create the symbolic link");
    } else {
        mode_t type = r->type == UNPACK_CHAR ? S_IFCHR : r->type == UNPACK_BLOCK ? S_IFBLK : S_IFIFO;
        if (mknodat(parent, base, type | r->mode, makedev(r->device_major, r->device_minor)) < 0)
            return unpack_fail(u, errno, "cannot create the device or FIFO");
    }
    return unpack_set_attributes_at(u, parent, base);
}

static int into_hardlink(struct unpack *u) {
    const char *name;
    const char *base;
    int from = parent_of(u, u->record.link, &name);
    if (from < 0)
        return -1;
    from = fcntl(from, F_DUPFD_CLOEXEC, 3);
    int parent = from < 0 ? unpack_fail(u, errno, "cannot open the directory")
                          : parent_of(u, u->record.path, &base);
    int rc = parent < 0 ? -1 : 0;
    struct stat old, now;
    if (rc == 0 && fstatat(from, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        fstatat(parent, base, &now, AT_SYMLINK_NOFOLLOW) == 0 && old.st_ino == now.st_ino &&
        old.st_dev == now.st_dev) {
        close(from);
        return 0; /* linked already; to clear the way would be to remove it */
    }
    if (rc == 0)
        rc = clear_way(u, parent, base);
    if (rc == 0 && linkat(from, name, parent, base, 0) < 0)
        rc = unpack_fail(u, errno, "cannot create the hard link");
    if (from >= 0)
        close(from);
    return rc;
}

static int into_entry(struct unpack *u) {
    switch (u->record.type) {
    case UNPACK_FILE:
        return into_file(u);
    case UNPACK_DIRECTORY:
        return into_directory(u);
    case UNPACK_SYMLINK:
    case UNPACK_CHAR:
    case UNPACK_BLOCK:
    case UNPACK_FIFO:
        return into_special(u);
    case UNPACK_HARDLINK:
        return into_hardlink(u);
    default:
        return unpack_fail(u, EPROTO, "unknown type of record");
    }
}

/* What a path is, all links followed: a directory, which becomes the root of what is made; or a
 * file or nothing in one, whose name is then in `base`. */
static const char *find_place(struct unpack *u, int root, const char *given, char *base) {
    static char path[2 * UNPACK_PATH_BYTES_MAX + 4];
    char link[UNPACK_PATH_BYTES_MAX + 1], rest[sizeof path];
    bool says_directory = false;
    base[0] = '\0';
    if (snprintf(path, sizeof path, "%s", given) > UNPACK_PATH_BYTES_MAX) {
        unpack_fail(u, ENAMETOOLONG, "cannot look up the path");
        return NULL;
    }
    for (int links = 0; links <= LINKS_MAX; links++) {
        size_t length = strlen(path);
        while (length > 0 && path[length - 1] == '/') {
            path[--length] = '\0';
            says_directory = true;
        }
        char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            u->root = open_path(root, length ? path : ".", O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
            if (u->root >= 0)
                return "dir";
            unpack_fail(u, errno, "cannot open the directory");
            return NULL;
        }
        if (strlen(name) > NAME_MAX) {
            unpack_fail(u, ENAMETOOLONG, "cannot look up the path");
            return NULL;
        }
        strcpy(base, name);
        if (slash)
            *slash = '\0';
        int parent = open_path(root, slash && slash > path ? path : ".", O_PATH | O_DIRECTORY,
                               RESOLVE_IN_ROOT);
        struct stat st;
        if (parent < 0) {
            unpack_fail(u, errno, "cannot open the directory above it");
            return NULL;
        }
        u->root = parent;
        if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                return "none";
            unpack_fail(u, errno, "cannot look at it");
            return NULL;
        }
        if (S_ISDIR(st.st_mode)) {
            u->root = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            close(parent);
            if (u->root >= 0)
                return "dir";
            unpack_fail(u, errno, "cannot open the directory");
            return NULL;
        }
        if (S_ISREG(st.st_mode) && !says_directory)
            return "file";
        if (!S_ISLNK(st.st_mode)) {
            unpack_fail(u, S_ISREG(st.st_mode) ? ENOTDIR : EINVAL,
                        S_ISREG(st.st_mode) ? "it is no directory"
                                            : "it is neither a directory nor a regular file");
            return NULL;
        }
        ssize_t n = readlinkat(parent, base, link, sizeof link - 1);
        close(parent);
        u->root = -1;
        if (n < 0) {
            unpack_fail(u, errno, "cannot read the symbolic link");
            return NULL;
        }
        link[n] = '\0';
        int whole = link[0] == '/' || slash == NULL
                        ? snprintf(rest, sizeof rest, "%s", link)
                        : snprintf(rest, sizeof rest, "%s/%s", path, link);
        if (whole < 0 || whole > UNPACK_PATH_BYTES_MAX) {
            unpack_fail(u, ENAMETOOLONG, "cannot follow the symbolic link");
            return NULL;
        }
        strcpy(path, rest);
    }
    unpack_fail(u, ELOOP, "cannot follow the symbolic links");
    return NULL;
}

static int apply_stream(struct unpack *u) {
    if (unpack_read_magic(u) < 0)
        return -1;
    for (;; u->index++) {
        if (unpack_read_record(u) < 0)
            return -1;
        if (u->record.type == UNPACK_END)
            return unpack_apply_later(u);
        if (into_entry(u) < 0)
            return -1;
    }
}

int unpack_into(int root, const char *path, bool follow) {
    static struct unpack u; /* large, and zero to begin with */
    char base[NAME_MAX + 1];
    u.parent = u.root = -1;
    u.follow = follow;
    u.modes_are_set = true;
    u.rootless = pv_is_in_user_namespace(); /* found out before the root was changed */
    u.default_acl_seen = true; /* so the mode of a file is always set: open() was given another */
    u.where = "";
    umask(0);
    signal(SIGPIPE, SIG_IGN);
    const char *kind = find_place(&u, root, path, base);
    int rc = kind == NULL ? -1 : 0;
    if (rc == 0) {
        unpack_print_line("at", 0, 0, kind, strcmp(kind, "dir") == 0 ? "" : base);
        fflush(stdout);
        u.where = u.record.path;
        rc = apply_stream(&u);
    }
    if (rc < 0)
        unpack_print_line("fail", u.index, u.error, u.doing, u.where);
    else
        printf("ok %llu %llu\n", (unsigned long long)u.index, (unsigned long long)u.skipped);
    fflush(stdout);
    return rc < 0 ? 1 : 0;
}
