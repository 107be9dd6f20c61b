/*
 * Mounts that show other owners. The kernel takes the maps in the shape of a user namespace, so a
 * child makes one, has its maps written, and is gone: the descriptor alone keeps the namespace.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "executor.h"
#include "waiter.h"

static int write_map(struct pv_run *run, int proc, const char *name, const char *text) {
    int fd = pv_result(openat(proc, name, O_WRONLY | O_CLOEXEC));
    if (fd < 0)
        return pv_say(run, fd, "open %s", name);
    ssize_t n = write(fd, text, strlen(text)); /* whole or not at all; user_namespaces(7) */
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc < 0 ? pv_say(run, rc, "write %s", name) : 0;
}

/* The namespace's file, from outside, with its maps written. */
static int map_and_open(struct pv_run *run, pid_t child, const struct pv_user_namespace *op) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", child);
    int proc = pv_result(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (proc < 0)
        return pv_say(run, proc, "open %s", path);
    int rc = write_map(run, proc, "uid_map", op->uid_map);
    if (rc == 0)
        rc = write_map(run, proc, "gid_map", op->gid_map);
    if (rc == 0)
        rc = pv_result(openat(proc, "ns/user", O_RDONLY | O_CLOEXEC));
    close(proc);
    return rc;
}

static int enter_new(int flags) {
    return pv_result(unshare(flags));
}

int pv_do_user_namespace(struct pv_run *run, const struct pv_user_namespace *op) {
    struct pv_waiter child;
    int rc = pv_start_waiter(run, &child, enter_new, CLONE_NEWUSER, "unshare");
    if (rc == 0)
        rc = map_and_open(run, child.pid, op);
    pv_end_waiter(&child);
    return rc < 0 ? rc : pv_keep(run, op->into, rc);
}

int pv_do_idmap(struct pv_run *run, const struct pv_idmap *op) {
    int mount = pv_slot(run, op->mount);
    int namespace = mount < 0 ? mount : pv_slot(run, op->namespace);
    if (namespace < 0)
        return namespace;
    struct pv_mount_attr attr = {.set = PV_MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    return pv_mount_setattr(mount, "", AT_EMPTY_PATH | (op->recursive ? PV_AT_RECURSIVE : 0), &attr);
}
