/*
 * A mount of another container. It can be copied only from within its namespace, so a child joins
 * that, makes the copy, and hands it over.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "calls.h"
#include "executor.h"
#include "messenger.h"

struct there {
    int namespace;
    const struct pv_borrow *op;
};

/* In the other namespace its root is ours: no link leads out of it. */
static int copy_there(const void *with) {
    const struct there *there = with;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    if (setns(there->namespace, CLONE_NEWNS) < 0)
        return -errno;
    int fd = pv_openat2(AT_FDCWD, there->op->path, &how);
    int mount = fd < 0 ? fd : pv_open_tree(fd, "", PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (mount < 0)
        return mount;
    struct pv_mount_attr attr = {.set = there->op->attributes, .propagation = 1 << 18 /* MS_PRIVATE */};
    int rc = pv_mount_setattr(mount, "", AT_EMPTY_PATH, &attr);
    return rc < 0 ? rc : mount;
}

int pv_do_borrow(struct pv_run *run, const struct pv_borrow *op) {
    const struct there there = {pv_slot(run, op->namespace), op};
    int mount = there.namespace < 0 ? there.namespace : pv_get_from(run, copy_there, &there);
    return mount < 0 ? mount : pv_keep(run, op->into, mount);
}
