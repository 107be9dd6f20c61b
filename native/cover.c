/*
 * Covering paths of the container: masks and read-only paths. Both look afterwards, by a new
 * look-up, that what a process of the container will find there is what was put there.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "calls.h"
#include "executor.h"

#define PV_CLONE_FLAGS (PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)

static int is_missing(int rc) {
    return rc == -ENOENT || rc == -ENOTDIR;
}

/* Documentation/admin-guide/devices.txt */
int pv_is_null(const struct stat *st) {
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Is the path now the very inode that covers it? */
static int look_again(struct pv_run *run, const struct pv_place *at, const struct stat *cover) {
    struct stat found;
    int fd = pv_place_open(run, at, O_PATH, 0);
    if (fd < 0)
        return pv_say(run, fd, "looking whether the cover is there");
    int rc = pv_result(fstat(fd, &found));
    close(fd);
    if (rc == 0 && (found.st_dev != cover->st_dev || found.st_ino != cover->st_ino))
        return pv_say(run, -EXDEV, "the path leads past its cover");
    return rc;
}

int pv_do_mask(struct pv_run *run, const struct pv_mask *op) {
    struct stat target, cover;
    int fd = pv_place_open(run, &op->at, O_PATH, 0);
    if (fd < 0)
        return is_missing(fd) ? 0 : fd;
    int rc = pv_result(fstat(fd, &target));
    int directory = rc == 0 && S_ISDIR(target.st_mode);
    int from = rc < 0 ? rc : pv_place_open(run, directory ? &op->empty : &op->null_at,
                                           O_PATH | O_NOFOLLOW, 0);
    if (from >= 0)
        rc = pv_result(fstat(from, &cover));
    if (from >= 0 && rc == 0 && !directory && !pv_is_null(&cover))
        rc = pv_say(run, -EPERM, "/dev/null of the container is not the device 1:3");
    int mount = from < 0 || rc < 0 ? -1 : pv_open_tree(from, "", PV_CLONE_FLAGS);
    if (from < 0)
        rc = run->text[0] ? from : pv_say(run, from, "the cover");
    else if (rc == 0 && mount < 0)
        rc = pv_say(run, mount, "open_tree");
    if (rc == 0)
        rc = pv_move_mount(mount, "", fd, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    if (rc == 0)
        rc = look_again(run, &op->at, &cover);
    close(fd);
    if (from >= 0)
        close(from);
    if (mount >= 0)
        close(mount);
    return rc;
}

int pv_do_readonly(struct pv_run *run, const struct pv_readonly *op) {
    int fd = pv_place_open(run, &op->at, O_PATH, 0);
    if (fd < 0)
        return is_missing(fd) ? 0 : fd;
    int mount = pv_open_tree(fd, "", PV_CLONE_FLAGS | PV_AT_RECURSIVE);
    struct pv_mount_attr attr = {.set = PV_MOUNT_ATTR_RDONLY};
    int rc = mount < 0 ? mount
                       : pv_mount_setattr(mount, "", AT_EMPTY_PATH | PV_AT_RECURSIVE, &attr);
    if (rc == 0)
        rc = pv_move_mount(mount, "", fd, "", PV_MOVE_MOUNT_EMPTY_PATHS);
    if (mount >= 0)
        close(mount);
    close(fd);
    if (rc < 0)
        return rc;
    struct statvfs st;
    fd = pv_place_open(run, &op->at, O_PATH, 0);
    if (fd < 0)
        return fd;
    rc = pv_result(fstatvfs(fd, &st));
    close(fd);
    if (rc == 0 && !(st.f_flag & ST_RDONLY))
        return pv_say(run, -EROFS, "the path leads past its read-only cover");
    return rc;
}
