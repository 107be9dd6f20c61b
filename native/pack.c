/* The packer: finds what is to be packed, and walks it. */
#define _GNU_SOURCE
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "overlay.h"
#include "pack-internal.h"

/* With the tree's root as its own: no link and no `..` leads out of it. */
static int open_in_root(int root, const char *path, uint64_t flags) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0;; tries++) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        /* EAGAIN: something was renamed somewhere while ".." was followed (openat2(2)). */
        if (fd >= 0 || errno != EAGAIN || tries == 1000)
            return fd;
    }
}

static int walk(struct pack *p, int top) {
    if (pack_enter(p, top, 0) < 0)
        return -1;
    while (p->depth > 0) {
        const char *name;
        int directory;
        int rc = pack_next(p, &name, &directory);
        if (rc > 0)
            rc = pack_entry(p, directory, name);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int pack_directory(struct pack *p, int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0 || pack_top_directory(p, fd, &st) < 0) {
        close(fd);
        return pack_fail(p, errno, "cannot look at the directory");
    }
    return walk(p, fd);
}

/* Whether a path says of itself that it is a directory. */
static bool says_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    return *last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* Where the last component is, its name in it, and all links on the way followed. */
static int open_parent(struct pack *p, char *path, const char **name) {
    char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (slash)
        *slash = '\0';
    int fd = open_in_root(p->wish->root, slash && slash > path ? path : ".", O_PATH | O_DIRECTORY);
    return fd < 0 ? pack_fail(p, errno, "cannot open the directory above it") : fd;
}

/* Puts what a link says in place of its name. */
static int follow_link(struct pack *p, int parent, char *path, const char *name) {
    char link[PACK_PATH_MAX + 1], whole[2 * PACK_PATH_MAX + 3];
    ssize_t n = readlinkat(parent, name, link, sizeof link - 1);
    if (n < 0)
        return pack_fail(p, errno, "cannot read the symbolic link");
    link[n] = '\0';
    /* open_parent has cut the path before its last name. */
    bool from_here = link[0] != '/' && name != path;
    int length = snprintf(whole, sizeof whole, "%s%s%s", from_here ? path : "",
                          from_here ? "/" : "", link);
    if (length < 0 || length > PACK_PATH_MAX)
        return pack_fail(p, ENAMETOOLONG, "cannot follow the symbolic link");
    memcpy(path, whole, (size_t)length + 1);
    return 0;
}

static int pack_path(struct pack *p) {
    char path[PACK_PATH_MAX + 1];
    if (strlen(p->wish->path) > PACK_PATH_MAX)
        return pack_fail(p, ENAMETOOLONG, "cannot look it up");
    strcpy(path, p->wish->path);
    for (int links = 0; links <= 40; links++) {
        if (says_directory(path)) {
            int fd = open_in_root(p->wish->root, path[0] ? path : ".", O_RDONLY | O_DIRECTORY);
            return fd < 0 ? pack_fail(p, errno, "cannot open the directory") : pack_directory(p, fd);
        }
        const char *name;
        struct stat st;
        int parent = open_parent(p, path, &name);
        if (parent < 0)
            return -1;
        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            close(parent);
            return pack_fail(p, errno, "cannot look at it");
        }
        int rc;
        if (S_ISLNK(st.st_mode) && p->wish->follow) {
            rc = follow_link(p, parent, path, name);
            close(parent);
            if (rc < 0)
                return -1;
            continue;
        }
        /* Its own entry has no path below the top; a directory that comes of it is walked. */
        rc = pack_entry(p, parent, name);
        close(parent);
        if (rc > 0) { /* a link since it was looked at */
            if (name > path)
                path[name - path - 1] = '/';
            continue;
        }
        while (rc == 0 && p->depth > 0) {
            int directory;
            rc = pack_next(p, &name, &directory);
            if (rc > 0)
                rc = pack_entry(p, directory, name);
        }
        if (rc == 0 && p->index == 0)
            return pack_fail(p, EOPNOTSUPP, "it cannot be copied");
        return rc;
    }
    return pack_fail(p, ELOOP, "cannot follow the symbolic links");
}

int pack_run(const struct pack_wish *wish) {
    static struct pack p; /* large, and zero to begin with */
    p.wish = wish;
    p.notes = pv_overlay_notes();
    int rc = pack_path(&p);
    if (rc == 0)
        rc = pack_end(&p);
    pack_forget_links(&p);
    return pack_report(&p, rc);
}
