/*
 * Looks up places. What lies below a slot may be hostile: it is resolved by the kernel with that
 * descriptor as its root, once, and what follows works on the descriptor that came of it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"

#define PV_PATH 4096
#define PV_LINKS 40 /* as many as the kernel follows; path_resolution(7) */

int pv_slot(struct pv_run *run, uint32_t slot) {
    if (slot >= PV_SLOTS || run->slots[slot] < 0)
        return pv_say(run, -EBADF, "nothing is kept in this slot");
    return run->slots[slot];
}

int pv_keep(struct pv_run *run, uint32_t slot, int fd) {
    if (slot == PV_SLOT_NONE) {
        close(fd);
        return 0;
    }
    if (run->slots[slot] >= 0)
        close(run->slots[slot]);
    run->slots[slot] = fd;
    return 0;
}

/* What the steps kept is of no more use, and a descriptor of a mount would keep it busy. */
void pv_close_slots(struct pv_run *run) {
    for (uint32_t i = 0; i < PV_SLOTS; i++) {
        if (run->slots[i] >= 0)
            close(run->slots[i]);
        run->slots[i] = -1;
    }
}

/* A descriptor of the place, which the caller closes. `resolve` is added to RESOLVE_IN_ROOT. */
int pv_place_open(struct pv_run *run, const struct pv_place *place, uint64_t flags,
                  uint64_t resolve) {
    flags |= O_CLOEXEC;
    if (place->slot == PV_SLOT_HOST)
        return pv_result(openat(AT_FDCWD, place->path, (int)flags));
    int root = pv_slot(run, place->slot);
    if (root < 0)
        return root;
    if (place->path[0] == '\0')
        return pv_result(fcntl(root, F_DUPFD_CLOEXEC, 3));
    struct open_how how = {
        .flags = flags,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
    };
    /* EAGAIN: a rename or mount elsewhere made the kernel unsure of a `..`; openat2(2). */
    int fd, tries = 0;
    do
        fd = pv_openat2(root, place->path, &how);
    while (fd == -EAGAIN && ++tries < 1000);
    return fd;
}

/*
 * The mode comes with the call. Set afterwards it would be set on a name, and somebody who shares
 * the directory could have put a link to a file of the host under that name.
 */
int pv_mkdir(int parent, const char *name, mode_t mode) {
    mode_t mask = umask(0);
    int rc = pv_result(mkdirat(parent, name, mode));
    umask(mask);
    return rc;
}

static int open_below(struct pv_run *run, const struct pv_place *place, const char *path) {
    struct pv_place part = {place->slot, path};
    return pv_place_open(run, &part, O_PATH | O_DIRECTORY, 0);
}

/*
 * Replaces a link that leads to nothing by what it says, so that this can be made: `path` is cut
 * after the link's name, `rest` is what stood behind it. -EEXIST when it is no link after all.
 */
static int expand_link(int parent, const char *name, char path[PV_PATH], const char *rest) {
    char link[PV_PATH], expanded[PV_PATH];
    ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
    if (length < 0)
        return errno == EINVAL ? -EEXIST : -errno;
    link[length] = '\0';
    char *slash = strrchr(path, '/');
    int above = link[0] == '/' || !slash ? 0 : (int)(slash - path) + 1;
    int n = snprintf(expanded, sizeof expanded, "%.*s%s%s%s", above, path, link, rest ? "/" : "",
                     rest ? rest : "");
    if (n < 0 || (size_t)n >= sizeof expanded)
        return -ENAMETOOLONG;
    memcpy(path, expanded, (size_t)n + 1);
    return 0;
}

/* One missing directory, whose name is the last of `path`; see open_directory. */
static int make_last(struct pv_run *run, const struct pv_place *place, char path[PV_PATH],
                     const char *rest) {
    char *name = strrchr(path, '/');
    const char *above = name ? "/" : ".";
    if (name && name != path) {
        *name = '\0';
        above = path;
    }
    int parent = open_below(run, place, above);
    if (name && name != path)
        *name = '/';
    if (parent < 0)
        return parent;
    name = name ? name + 1 : path;
    int rc = pv_mkdir(parent, name, 0755);
    if (rc == -EEXIST)
        rc = expand_link(parent, name, path, rest) == 0 ? 1 : 0;
    close(parent);
    return rc;
}

/*
 * The directory `path` of the place, made where it is missing. Each missing name is made in the
 * descriptor of its parent; then the whole is looked up again from the root, since a name that is
 * a symbolic link must be followed as the container would. The buffer is PV_PATH bytes long.
 */
static int open_directory(struct pv_run *run, const struct pv_place *place, char *path, int make) {
    int fd = open_below(run, place, path[0] ? path : ".");
    if (fd != -ENOENT || !make || !path[0])
        return fd;
    int links = 0;
    for (char *slash = path; slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        fd = open_below(run, place, path);
        if (fd == -ENOENT) {
            int rc = make_last(run, place, path, slash ? slash + 1 : NULL);
            if (rc < 0)
                return rc;
            if (rc > 0) { /* the path has changed: from the start */
                if (++links > PV_LINKS)
                    return -ELOOP;
                slash = path;
                continue;
            }
            fd = open_below(run, place, path);
        }
        if (fd < 0)
            return fd;
        if (slash) {
            close(fd);
            *slash = '/';
        }
    }
    return fd;
}

/* The directory that holds the place; `*name` is set to the last name in it, until the next call. */
int pv_place_parent(struct pv_run *run, const struct pv_place *place, int make_parents,
                    const char **name) {
    char path[PV_PATH];
    size_t length = strlen(place->path);
    while (length > 1 && place->path[length - 1] == '/')
        length--;
    if (length >= sizeof path)
        return -ENAMETOOLONG;
    memcpy(path, place->path, length);
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    char *last = slash ? slash + 1 : path;
    if (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return pv_say(run, -EINVAL, "the path does not end in a name");
    if (strlen(last) >= sizeof run->name)
        return -ENAMETOOLONG;
    /* A copy without the slashes at the end: behind one the kernel follows a link, come what may. */
    *name = strcpy(run->name, last);
    while (last > path + 1 && last[-1] == '/')
        last--;
    *last = '\0';
    return open_directory(run, place, path, make_parents);
}

/* Makes the last name of a place; 1 when it has to be looked up again, by `path`. */
static int make_target(struct pv_run *run, const struct pv_place *place, int directory,
                       char path[PV_PATH]) {
    const char *name;
    int parent = pv_place_parent(run, place, 1, &name);
    if (parent < 0)
        return parent;
    int rc;
    if (directory) {
        rc = pv_mkdir(parent, name, 0755);
    } else {
        rc = pv_result(openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (rc >= 0) {
            close(rc);
            rc = 0;
        }
    }
    if (rc == -EEXIST) {
        size_t length = strlen(place->path);
        while (length > 1 && place->path[length - 1] == '/')
            length--;
        memmove(path, place->path, length); /* a second link finds its path there already */
        path[length] = '\0';
        rc = expand_link(parent, name, path, NULL);
        /* Not even a link: another container has made it meanwhile, in a root that they share. */
        rc = rc == 0 || rc == -EEXIST ? 1 : rc;
    }
    close(parent);
    return rc;
}

/*
 * An O_PATH descriptor of a mount's target. When it is missing it is made: as a directory for a
 * mount whose root is one, otherwise as an empty file. A link to nothing is followed to where a
 * process of the container would make the file, which is inside its root whatever the link says.
 */
int pv_place_make(struct pv_run *run, const struct pv_place *place, enum pv_target_kind create,
                  int directory) {
    uint64_t resolve = create == PV_TARGET_KIND_STRICT ? RESOLVE_NO_SYMLINKS : 0;
    char path[PV_PATH];
    struct pv_place at = *place;
    for (int links = 0; links <= PV_LINKS; links++) {
        int fd = pv_place_open(run, &at, O_PATH, resolve);
        if (fd == -ELOOP && resolve)
            return pv_say(run, fd, "a symbolic link stands in the way");
        if (fd != -ENOENT || create == PV_TARGET_KIND_EXISTING)
            return fd;
        int rc = make_target(run, &at, directory, path);
        if (rc < 0)
            return rc;
        if (rc > 0)
            at.path = path;
    }
    return -ELOOP;
}
