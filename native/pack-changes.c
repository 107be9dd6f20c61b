/*
 * What an overlay's upper directory changes of the layers below: both are walked as they lie on the
 * disk, by overlayfs's own rules (Documentation/filesystems/overlayfs.rst). A whiteout removes a
 * name, an opaque directory shows nothing of what is below it, and any other file hides it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "overlay.h"
#include "pack-internal.h"

struct layers {
    const int *lower; /* the uppermost first */
    unsigned count;
};

static bool is_whiteout(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool is_opaque(int directory) {
    char value[2] = {0};
    char name[32];
    snprintf(name, sizeof name, "%sopaque", pv_overlay_notes());
    return fgetxattr(directory, name, value, sizeof value) == 1 &&
           value[0] == 'y';
}

/* A path of a layer, where links mean nothing: -1 when it is not there. */
static int open_below(int layer, const char *path, uint64_t flags) {
    struct open_how how = {
        .flags = flags | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, layer, path[0] ? path : ".", &how, sizeof how);
}

static bool look_below(int layer, const char *path, struct stat *st) {
    int fd = open_below(layer, path, O_PATH);
    if (fd < 0)
        return false;
    bool found = fstat(fd, st) == 0;
    close(fd);
    return found;
}

/* What shows at a path through the first `visible` layers; false: nothing. */
static bool look_up(const struct layers *l, unsigned visible, const char *path, struct stat *st) {
    for (unsigned i = 0; i < visible; i++)
        if (look_below(l->lower[i], path, st))
            return !is_whiteout(st);
    return false;
}

/* Of the layers that show through in a directory's parent, those that do so in itself. */
static unsigned visible_in(const struct layers *l, unsigned visible, const char *path) {
    for (unsigned i = 0; i < visible; i++) {
        struct stat st;
        if (!look_below(l->lower[i], path, &st))
            continue;
        if (!S_ISDIR(st.st_mode))
            return i;
        int fd = open_below(l->lower[i], path, O_RDONLY | O_DIRECTORY);
        bool opaque = fd >= 0 && is_opaque(fd);
        if (fd >= 0)
            close(fd);
        if (opaque)
            return i + 1;
    }
    return visible;
}

static int tell(struct pack *p, char kind, const char *name) {
    p->index++;
    if (pack_write(p, &kind, 1) < 0 || pack_write(p, "/", 1) < 0 ||
        pack_write(p, p->path, p->length) < 0)
        return -1;
    if (name != NULL && ((p->length > 0 && pack_write(p, "/", 1) < 0) ||
                         pack_write(p, name, strlen(name)) < 0))
        return -1;
    return pack_write(p, "", 1);
}

/* Whether a name of layer `i` shows, as far as the layers above it say. */
static bool is_hidden(const struct layers *l, unsigned i, const char *path, const char *name) {
    for (unsigned above = 0; above < i; above++) {
        struct stat st;
        int fd = open_below(l->lower[above], path, O_PATH | O_DIRECTORY);
        bool there = fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (fd >= 0)
            close(fd);
        if (there)
            return true; /* told of when that layer was read, or removed there */
    }
    return false;
}

/* The names that an opaque directory does not show any more, and has no own of. */
static int tell_hidden(struct pack *p, const struct layers *l, unsigned visible, int upper) {
    for (unsigned i = 0; i < visible; i++) {
        int fd = open_below(l->lower[i], p->path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            continue;
        DIR *entries = fdopendir(fd);
        if (entries == NULL) {
            close(fd);
            return pack_fail(p, ENOMEM, "cannot read a directory of the layers");
        }
        int rc = 0;
        for (const struct dirent *e; rc == 0 && (e = readdir(entries)) != NULL;) {
            struct stat st;
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                continue;
            if (fstatat(upper, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
                fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || is_whiteout(&st) ||
                is_hidden(l, i, p->path, e->d_name))
                continue;
            rc = tell(p, 'D', e->d_name);
        }
        closedir(entries);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static bool is_same_directory(const struct stat *a, const struct stat *b) {
    return S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode) && a->st_mode == b->st_mode &&
           a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int directory(struct pack *p, const struct layers *l, unsigned visible, int parent,
                     const char *name) {
    int fd = pack_open_directory(parent, name);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : pack_fail(p, errno, "cannot open the directory");
    unsigned below = visible_in(l, visible, p->path);
    if (!is_opaque(fd))
        return pack_enter(p, fd, below);
    if (tell_hidden(p, l, below, fd) < 0) {
        close(fd);
        return -1;
    }
    /* What is the same as before is a change of it nevertheless: it was made anew. */
    return pack_enter(p, fd, below);
}

static int entry(struct pack *p, const struct layers *l, unsigned visible, int parent,
                 const char *name) {
    struct stat own, old;
    if (fstatat(parent, name, &own, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : pack_fail(p, errno, "cannot look at it");
    bool was_there = look_up(l, visible, p->path, &old);
    if (is_whiteout(&own))
        return was_there ? tell(p, 'D', NULL) : 0;
    if (!(was_there && is_same_directory(&own, &old)) && tell(p, was_there ? 'C' : 'A', NULL) < 0)
        return -1;
    return S_ISDIR(own.st_mode) ? directory(p, l, visible, parent, name) : 0;
}

int pack_list_changes(int upper, const int *lower, unsigned count) {
    static struct pack p; /* large, and zero to begin with */
    const struct layers l = {.lower = lower, .count = count};
    int top = pack_open_directory(upper, ".");
    int rc = top < 0 ? pack_fail(&p, errno, "cannot open the writable layer")
                     : pack_enter(&p, top, count);
    while (rc >= 0 && p.depth > 0) {
        const char *name;
        int parent;
        unsigned visible = p.levels[p.depth - 1].visible;
        rc = pack_next(&p, &name, &parent);
        if (rc > 0)
            rc = entry(&p, &l, visible, parent, name);
    }
    if (rc >= 0)
        rc = pack_flush(&p);
    return pack_report(&p, rc);
}
