/* System calls that the C library of a supported distribution may not have yet. */
#ifndef PV_CALLS_H
#define PV_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/mount.h: not included, since it fights with sys/mount.h. */
#define PV_OPEN_TREE_CLONE 1u
#define PV_OPEN_TREE_CLOEXEC O_CLOEXEC
#define PV_AT_RECURSIVE 0x8000u
#define PV_MOVE_MOUNT_F_EMPTY_PATH 0x4u
#define PV_MOVE_MOUNT_T_EMPTY_PATH 0x40u
#define PV_MOVE_MOUNT_EMPTY_PATHS (PV_MOVE_MOUNT_F_EMPTY_PATH | PV_MOVE_MOUNT_T_EMPTY_PATH)
#define PV_FSOPEN_CLOEXEC 1u
#define PV_FSMOUNT_CLOEXEC 1u
#define PV_FSCONFIG_SET_FLAG 0u
#define PV_FSCONFIG_SET_STRING 1u
#define PV_FSCONFIG_CMD_CREATE 6u
#define PV_FSCONFIG_CMD_RECONFIGURE 7u
#define PV_FSPICK_CLOEXEC 1u
#define PV_FSPICK_EMPTY_PATH 8u
#define PV_MOUNT_ATTR_RDONLY 0x1u
#define PV_MOUNT_ATTR_ATIME_MASK 0x70u
#define PV_MOUNT_ATTR_IDMAP 0x100000u
#define PV_CLOSE_RANGE_CLOEXEC 4u

struct pv_mount_attr {
    uint64_t set, clear, propagation, userns_fd;
};

/* Each gives a descriptor or 0, or a negative errno. */
static inline int pv_result(long rc) {
    return rc < 0 ? -errno : (int)rc;
}

static inline int pv_open_tree(int dir, const char *path, unsigned flags) {
    return pv_result(syscall(SYS_open_tree, dir, path, flags));
}

static inline int pv_move_mount(int from, const char *from_path, int to, const char *to_path,
                                unsigned flags) {
    return pv_result(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

/* Under a name that nobody has; renameat2(2). */
static inline int pv_rename_new(int from, const char *name, int to, const char *new_name) {
    return pv_result(syscall(SYS_renameat2, from, name, to, new_name, 1u /* RENAME_NOREPLACE */));
}

static inline int pv_fsopen(const char *type) {
    return pv_result(syscall(SYS_fsopen, type, PV_FSOPEN_CLOEXEC));
}

static inline int pv_fsconfig(int fs, unsigned command, const char *key, const char *value) {
    return pv_result(syscall(SYS_fsconfig, fs, command, key, value, 0));
}

static inline int pv_fspick(int dir, const char *path) {
    return pv_result(syscall(SYS_fspick, dir, path, PV_FSPICK_CLOEXEC | PV_FSPICK_EMPTY_PATH));
}

static inline int pv_fsmount(int fs, unsigned attributes) {
    return pv_result(syscall(SYS_fsmount, fs, PV_FSMOUNT_CLOEXEC, attributes));
}

static inline int pv_mount_setattr(int dir, const char *path, unsigned flags,
                                   const struct pv_mount_attr *attr) {
    return pv_result(syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof *attr));
}

static inline int pv_openat2(int dir, const char *path, const struct open_how *how) {
    return pv_result(syscall(SYS_openat2, dir, path, how, sizeof *how));
}

static inline int pv_close_range(unsigned first, unsigned last, unsigned flags) {
    return pv_result(syscall(SYS_close_range, first, last, flags));
}

static inline int pv_pidfd_open(int pid) {
    int fd = pv_result(syscall(SYS_pidfd_open, pid, 0));
    /* Linux 6.12 says so of a process that is gone while its number is still that of a session. */
    return fd == -EINVAL ? -ESRCH : fd;
}

static inline int pv_pidfd_send_signal(int pidfd, int signal) {
    return pv_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

#endif
