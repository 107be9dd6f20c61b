/* Removing a file, or a tree of any depth in which somebody may still be at work. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "calls.h"
#include "executor.h"

#define PV_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/*
 * Removes what is in a directory. Gives 0 when it is empty, or a descriptor of a subdirectory that
 * must be emptied first.
 */
static int remove_entries(int dir) {
    char buffer[4096] __attribute__((aligned(8)));
    if (lseek(dir, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        ssize_t n = syscall(SYS_getdents64, dir, buffer, sizeof buffer);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (ssize_t at = 0; at < n;) {
            /* On 64-bit machines the C library's struct is the kernel's. */
            const struct dirent *entry = (const struct dirent *)(buffer + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            if (unlinkat(dir, entry->d_name, 0) == 0 || errno == ENOENT)
                continue;
            if (errno != EISDIR)
                return -errno;
            if (unlinkat(dir, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                continue;
            if (errno != ENOTEMPTY)
                return -errno;
            int below = pv_result(openat(dir, entry->d_name, PV_DIRECTORY));
            if (below != -ENOENT)
                return below;
        }
    }
}

/* The directories between `top` and the one at hand, to know them again on the way up. */
struct way {
    size_t length, room;
    struct {
        dev_t device;
        ino_t inode;
    } *steps;
};

static int go_down(struct way *way, int dir) {
    struct stat st;
    if (way->length == way->room) {
        size_t room = way->room ? 2 * way->room : 64;
        void *steps = realloc(way->steps, room * sizeof *way->steps);
        if (!steps)
            return -ENOMEM;
        way->steps = steps;
        way->room = room;
    }
    if (fstat(dir, &st) < 0)
        return -errno;
    way->steps[way->length].device = st.st_dev;
    way->steps[way->length].inode = st.st_ino;
    way->length++;
    return 0;
}

/* The directory above, or -ESTALE when somebody has moved us: then `..` may be anything. */
static int go_up(struct way *way, int dir) {
    struct stat st;
    int above = pv_result(openat(dir, "..", PV_DIRECTORY));
    if (above < 0)
        return above;
    way->length--;
    if (fstat(above, &st) == 0 && st.st_dev == way->steps[way->length].device &&
        st.st_ino == way->steps[way->length].inode)
        return above;
    close(above);
    return -ESTALE;
}

/*
 * Empties a directory, deepest first. The tree is a container's leavings and may be of any depth,
 * so this goes down and up by descriptor instead of by recursion. A process that outlives its
 * container (one without a pid namespace) may still be at work in it.
 */
static int remove_below(int top) {
    struct way way = {0};
    int dir = pv_result(fcntl(top, F_DUPFD_CLOEXEC, 3));
    int emptied = 0;
    while (dir >= 0 && !emptied) {
        int next = remove_entries(dir);
        int rc = next > 0 ? go_down(&way, dir) : 0;
        if (rc < 0) {
            close(next);
            next = rc;
        }
        emptied = next == 0 && way.length == 0;
        if (next == 0 && !emptied)
            next = go_up(&way, dir);
        close(dir);
        dir = next;
    }
    free(way.steps);
    return dir < 0 ? dir : 0;
}

static int remove_tree(int parent, const char *name) {
    int rc = pv_result(unlinkat(parent, name, 0));
    if (rc == -EISDIR)
        rc = pv_result(unlinkat(parent, name, AT_REMOVEDIR));
    if (rc != -ENOTEMPTY)
        return rc;
    int dir = pv_result(openat(parent, name, PV_DIRECTORY));
    if (dir < 0)
        return dir;
    rc = remove_below(dir);
    close(dir);
    return rc < 0 ? rc : pv_result(unlinkat(parent, name, AT_REMOVEDIR));
}

/* Removes a name of a directory with all below it; not being there is no failure. */
int pv_remove_below(int parent, const char *name) {
    /* Moved, or filled again behind our back: another look, but not for ever. */
    int rc, tries = 0;
    do
        rc = remove_tree(parent, name);
    while ((rc == -ESTALE || rc == -ENOTEMPTY) && ++tries < 100);
    return rc == -ENOENT ? 0 : rc;
}

int pv_do_remove(struct pv_run *run, const struct pv_remove *op) {
    const char *name;
    int parent = pv_place_parent(run, &op->at, 0, &name);
    if (parent < 0)
        return parent == -ENOENT ? 0 : parent;
    int rc = pv_remove_below(parent, name);
    close(parent);
    return rc;
}
