/*
 * A mount of another container. It can be copied only from within its namespace, so a child joins
 * that, makes the copy, and hands it over; the child executes nothing and is gone at once.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

/* In the other namespace its root is ours: no link leads out of it. */
static int copy_there(int namespace, const struct pv_borrow *op) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setns(namespace, CLONE_NEWNS) < 0)
        return -errno;
    int fd = pv_openat2(AT_FDCWD, op->path, &how);
    int mount = fd < 0 ? fd : pv_open_tree(fd, "", PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (mount < 0)
        return mount;
    struct pv_mount_attr attr = {.set = op->attributes, .propagation = 1 << 18 /* MS_PRIVATE */};
    int rc = pv_mount_setattr(mount, "", AT_EMPTY_PATH, &attr);
    return rc < 0 ? rc : mount;
}

int pv_do_borrow(struct pv_run *run, const struct pv_borrow *op) {
    int sockets[2], mount = -1;
    int namespace = pv_slot(run, op->namespace);
    if (namespace < 0)
        return namespace;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        mount = copy_there(namespace, op);
        int error = mount < 0 ? mount : 0;
        _exit(pv_send_bytes(sockets[1], &error, sizeof error, mount) == 0 ? 0 : 1);
    }
    int error = child < 0 ? -errno : 0;
    close(sockets[1]);
    if (child > 0) {
        if (pv_receive_bytes(sockets[0], &error, sizeof error, &mount) < 0)
            error = pv_say(run, -ECHILD, "the process that looks there ended early");
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(sockets[0]);
    return error < 0 ? error : pv_keep(run, op->into, mount);
}
