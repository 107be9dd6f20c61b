/*
 * A copy of a directory into a new one.
 *
 * What is copied may be hostile, and be changed meanwhile by somebody who shares it: each name is
 * opened below the descriptor of its directory, without following a link, and looked at before it
 * is opened for reading. What is made has most often no other writer; where it has one, as on a
 * volume that is a directory of the host, no name of it is followed out of the copy either.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "calls.h"
#include "entries.h"
#include "executor.h"

#define PV_COPY_DEPTH 128 /* three descriptors for each */
#define PV_COPY_LINKS 65536
#define PV_XATTR_NAMES 65536

/* A file with several names, and where the first of them was copied to. */
struct link {
    dev_t device;
    ino_t inode;
    char *path;
};

struct copy {
    struct pv_run *run;
    int root;
    const struct pv_owners *owners; /* or NULL */
    int depth;
    char path[PATH_MAX]; /* of the entry at hand, from `root` */
    struct link *links;
    size_t count, room;
};

static int open_entry(int directory, const char *name, uint64_t flags) {
    struct open_how how = {
        .flags = flags | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH,
    };
    return pv_openat2(directory, name, &how);
}

/* The same entry for reading; -EAGAIN when something else has taken its name. */
static int open_same(int directory, const char *name, const struct stat *st) {
    int fd = open_entry(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat now;
    if (fd >= 0 && (fstat(fd, &now) < 0 || now.st_dev != st->st_dev || now.st_ino != st->st_ino ||
                    (now.st_mode & S_IFMT) != (st->st_mode & S_IFMT))) {
        close(fd);
        return -EAGAIN;
    }
    return fd;
}

/* Extended attributes; those that the new file system does not know are left out. */
static int copy_xattrs(int from, int to, const struct pv_owners *owners) {
    static char names[PV_XATTR_NAMES], value[XATTR_SIZE_MAX];
    ssize_t size = flistxattr(from, names, sizeof names);
    if (size < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (char *name = names; name < names + size; name += strlen(name) + 1) {
        ssize_t length = fgetxattr(from, name, value, sizeof value);
        if (length < 0 && (errno == ENODATA || errno == ENOTSUP))
            continue;
        if (length >= 0 && owners)
            length = owners->inward
                         ? pv_unshift_xattr(name, value, (size_t)length, owners)
                         : pv_shift_xattr(name, value, (size_t)length, sizeof value, owners);
        if (length < 0 || (fsetxattr(to, name, value, (size_t)length, 0) < 0 && errno != ENOTSUP))
            return -errno;
    }
    return 0;
}

/* In this order: a change of the owner takes set-user-id bits and file capabilities away. */
static int attributes(int from, int to, const struct stat *st, const struct pv_owners *owners) {
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
        return -errno;
    int rc = copy_xattrs(from, to, owners);
    return rc < 0 ? rc : pv_result(futimens(to, times));
}

/* The same by name, for what is not opened; it was made with its mode, since chmod follows links. */
static int name_attributes(int to, const char *name, const struct stat *st) {
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return pv_result(utimensat(to, name, times, AT_SYMLINK_NOFOLLOW));
}

/* As many bytes as the file had: one that grows meanwhile would have no end. */
static int copy_bytes(struct pv_run *run, int from, int to, off_t size) {
    while (size > 0) {
        int rc = pv_hear_in_between(run);
        if (rc < 0)
            return rc;
        ssize_t n = sendfile(to, from, NULL, (size_t)(size < (1 << 20) ? size : (1 << 20)));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0;
        size -= n < 0 ? 0 : n;
    }
    return 0;
}

static const struct link *find_link(const struct copy *c, const struct stat *st) {
    for (size_t i = 0; i < c->count; i++)
        if (c->links[i].inode == st->st_ino && c->links[i].device == st->st_dev)
            return &c->links[i];
    return NULL;
}

static int remember_link(struct copy *c, const struct stat *st) {
    if (c->count == PV_COPY_LINKS)
        return pv_say(c->run, -E2BIG, "more than %d files with several names", PV_COPY_LINKS);
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        struct link *links = realloc(c->links, room * sizeof *links);
        if (!links)
            return -ENOMEM;
        c->links = links;
        c->room = room;
    }
    char *path = strdup(c->path);
    if (!path)
        return -ENOMEM;
    c->links[c->count++] = (struct link){st->st_dev, st->st_ino, path};
    return 0;
}

/* By descriptor: no part of the first name's path can be exchanged for a link meanwhile. */
static int copy_link(int root, const char *path, int to, const char *name) {
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
    };
    int first = pv_openat2(root, path, &how);
    if (first < 0)
        return first;
    int rc = pv_result(linkat(first, "", to, name, AT_EMPTY_PATH));
    close(first);
    return rc;
}

static int copy_file(struct copy *c, int from, int to, const char *name, const struct stat *st) {
    const struct link *link = st->st_nlink > 1 ? find_link(c, st) : NULL;
    if (link)
        return copy_link(c->root, link->path, to, name);
    int source = open_same(from, name, st);
    if (source < 0)
        return source;
    int fd = pv_result(openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    int rc = fd < 0 ? fd : copy_bytes(c->run, source, fd, st->st_size);
    if (rc == 0)
        rc = attributes(source, fd, st, c->owners);
    if (rc == 0 && st->st_nlink > 1)
        rc = remember_link(c, st);
    if (fd >= 0)
        close(fd);
    close(source);
    return rc;
}

static int copy_symlink(int entry, int to, const char *name, const struct stat *st) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(entry, "", target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    return symlinkat(target, to, name) < 0 ? -errno : name_attributes(to, name, st);
}

static int copy_entries(struct copy *c, int from, int to);

static int copy_directory(struct copy *c, int from, int to, const char *name, const struct stat *st) {
    if (c->depth == PV_COPY_DEPTH)
        return pv_say(c->run, -ELOOP, "more than %d directories in each other", PV_COPY_DEPTH);
    int source = open_same(from, name, st);
    if (source < 0)
        return source;
    int rc = pv_result(mkdirat(to, name, 0700));
    int fd = rc < 0 ? rc : pv_result(openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    rc = fd;
    if (fd >= 0) {
        c->depth++;
        rc = copy_entries(c, source, fd);
        c->depth--;
        if (rc == 0)
            rc = attributes(source, fd, st, c->owners);
        close(fd);
    }
    close(source);
    return rc;
}

/* What is mounted there is another file system's: of that only the mount point is made. */
static int copy_mount_point(int from, int to, const char *name) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return errno == ENOENT ? 0 : -errno;
    return pv_result(S_ISDIR(st.st_mode) ? mkdirat(to, name, 0755) : mknodat(to, name, S_IFREG | 0644, 0));
}

/* Who has no id in the namespace is nobody there: the file stays with the host's root. */
static void shift(struct stat *st, const struct pv_owners *owners) {
    uint32_t (*other)(const struct pv_map *, uint32_t) = owners->inward ? pv_inside : pv_outside;
    uint32_t uid = other(&owners->uids, st->st_uid), gid = other(&owners->gids, st->st_gid);
    st->st_uid = uid == ~0u ? 0 : uid;
    st->st_gid = gid == ~0u ? 0 : gid;
}

static int copy_entry(struct copy *c, int from, int to, const char *name) {
    int rc = pv_hear_in_between(c->run);
    if (rc < 0)
        return rc;
    int entry = open_entry(from, name, O_PATH);
    struct stat st;
    if (entry == -EXDEV)
        return copy_mount_point(from, to, name);
    if (entry < 0)
        return entry == -ENOENT ? 0 : entry;
    rc = pv_result(fstat(entry, &st));
    if (rc == 0 && c->owners)
        shift(&st, c->owners);
    if (rc == 0 && S_ISLNK(st.st_mode))
        rc = copy_symlink(entry, to, name, &st);
    close(entry);
    if (rc < 0 || S_ISLNK(st.st_mode))
        return rc;
    if (S_ISDIR(st.st_mode))
        return copy_directory(c, from, to, name, &st);
    if (S_ISREG(st.st_mode))
        return copy_file(c, from, to, name, &st);
    rc = pv_result(mknodat(to, name, st.st_mode, st.st_rdev));
    return rc < 0 ? rc : name_attributes(to, name, &st);
}

static int copy_entries(struct copy *c, int from, int to) {
    size_t length = strlen(c->path);
    DIR *entries = pv_entries_of(from);
    if (!entries)
        return -errno;
    int rc = 0;
    for (const char *name; rc == 0 && (name = pv_next_entry(entries, &rc));) {
        int n = snprintf(c->path + length, sizeof c->path - length, "%s%s", length ? "/" : "", name);
        rc = n < 0 || (size_t)n >= sizeof c->path - length ? -ENAMETOOLONG
                                                           : copy_entry(c, from, to, name);
        if (rc < 0 && !c->run->text[0])
            pv_say(c->run, rc, "%.200s", c->path);
        c->path[length] = '\0';
    }
    closedir(entries);
    return rc;
}

/* Copies what is in a directory; both are descriptors that can be read. */
int pv_copy_below(struct pv_run *run, int from, int to, const struct pv_owners *owners) {
    struct copy c = {.run = run, .root = to, .owners = owners};
    mode_t mask = umask(0);
    int rc = copy_entries(&c, from, to);
    umask(mask);
    for (size_t i = 0; i < c.count; i++)
        free(c.links[i].path);
    free(c.links);
    return rc;
}

/* Owner, mode, extended attributes and times of a directory. */
int pv_copy_attributes(int from, int to, const struct pv_owners *owners) {
    struct stat st;
    if (fstat(from, &st) < 0)
        return -errno;
    if (owners)
        shift(&st, owners);
    return attributes(from, to, &st, owners);
}

/* The copy's own root: what the options of the file system do not say. */
static int copy_root(int from, int to, const struct pv_copy_up *op) {
    struct stat st;
    if (fstat(from, &st) < 0)
        return -errno;
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (op->owner && fchown(to, st.st_uid, st.st_gid) < 0)
        return -errno;
    if (op->mode && fchmod(to, st.st_mode & 07777) < 0)
        return -errno;
    return pv_result(futimens(to, times));
}

int pv_do_copy_up(struct pv_run *run, const struct pv_copy_up *op) {
    int to = pv_slot(run, op->to);
    if (to < 0)
        return to;
    int from = pv_place_open(run, &op->from, O_RDONLY | O_DIRECTORY, 0);
    if (from < 0)
        return from == -ENOENT ? 0 : from;
    to = pv_result(openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); /* the slot's is an O_PATH */
    if (to < 0) {
        close(from);
        return to;
    }
    int rc = pv_copy_below(run, from, to, NULL);
    if (rc == 0)
        rc = copy_root(from, to, op);
    close(to);
    close(from);
    return rc;
}
