/* The change of root. The paths here are the plan's own, "." and "/" for the most part. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mount.h>

#include "calls.h"
#include "executor.h"

int pv_do_pivot_root(const struct pv_pivot_root *op) {
    return pv_result(syscall(SYS_pivot_root, op->new_root, op->put_old));
}

int pv_do_umount(const struct pv_umount *op) {
    return pv_result(umount2(op->target, (int)op->flags));
}

int pv_do_move(const struct pv_move *op) {
    return pv_result(mount(op->from, op->to, NULL, MS_MOVE, NULL));
}

int pv_do_chdir(struct pv_run *run, const struct pv_chdir *op) {
    int fd = pv_place_open(run, &op->at, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = pv_result(fchdir(fd));
    close(fd);
    /* A directory outside the root has a path that begins with "(unreachable)"; getcwd(2). */
    char path[4096];
    if (rc == 0 && syscall(SYS_getcwd, path, sizeof path) < 0)
        rc = -errno;
    if (rc == 0 && path[0] != '/')
        rc = pv_say(run, -EXDEV, "the directory lies outside the root");
    return rc;
}
