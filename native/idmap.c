/*
 * Mounts that show other owners. The kernel takes the maps in the shape of a user namespace, so a
 * child makes one, has its maps written, and is gone: the descriptor alone keeps the namespace.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

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

int pv_do_user_namespace(struct pv_run *run, const struct pv_user_namespace *op) {
    int sockets[2], error = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        close(sockets[0]);
        error = pv_result(unshare(CLONE_NEWUSER));
        pv_send_bytes(sockets[1], &error, sizeof error, -1);
        /* Until the other end is closed; it is too if the parent is killed. */
        pv_receive_bytes(sockets[1], &error, sizeof error, &(int){-1});
        _exit(0);
    }
    int rc = child < 0 ? -errno : 0;
    close(sockets[1]);
    if (rc == 0)
        rc = pv_receive_bytes(sockets[0], &error, sizeof error, &(int){-1});
    if (rc == 0 && error < 0)
        rc = pv_say(run, error, "unshare");
    if (rc == 0)
        rc = map_and_open(run, child, op);
    close(sockets[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
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
