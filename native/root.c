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

/* Where the process is, by its path; one outside the root begins with "(unreachable)"; getcwd(2). */
static int lies_inside(struct pv_run *run) {
    char path[4096];
    if (syscall(SYS_getcwd, path, sizeof path) < 0)
        return -errno;
    return path[0] == '/' ? 0 : pv_say(run, -EXDEV, "the directory lies outside the root");
}

/* By the descriptor: such a root may be attached nowhere, and then no path leads to it. */
int pv_do_enter_root(struct pv_run *run, const struct pv_enter_root *op) {
    int fd = pv_place_open(run, &op->at, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = fchdir(fd) < 0 ? pv_say(run, -errno, "fchdir") : 0;
    close(fd);
    if (rc == 0 && chroot(".") < 0)
        rc = pv_say(run, -errno, "chroot");
    return rc < 0 ? rc : lies_inside(run);
}

/*
 * The container's filter may be in force already. Without a magic link no path leads out of the
 * root, so that a filter which forbids to ask for the path does no harm; one that does not know
 * openat2 makes the answer count.
 */
static int enter(struct pv_run *run, const struct pv_place *at) {
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_MAGICLINKS,
    };
    int is_sure = at->slot == PV_SLOT_HOST;
    int fd = is_sure ? pv_openat2(AT_FDCWD, at->path, &how) : -ENOSYS;
    if (fd == -ENOSYS || fd == -EPERM) {
        is_sure = 0;
        fd = pv_place_open(run, at, O_PATH | O_DIRECTORY, 0);
    }
    if (fd < 0)
        return fd;
    int rc = pv_result(fchdir(fd));
    close(fd);
    if (rc < 0)
        return rc;
    int inside = lies_inside(run);
    return is_sure && inside != -EXDEV && inside != -ENOENT ? 0 : inside;
}

/* Two steps are for one directory, by different rights: the first that may go there does. */
int pv_do_chdir(struct pv_run *run, const struct pv_chdir *op) {
    if (run->is_there && !op->again) {
        run->is_there = 0;
        return 0;
    }
    int rc = enter(run, &op->at);
    run->is_there = op->again && rc == 0;
    return op->again && rc == -EACCES ? 0 : rc;
}
