/* The system calls that a process of a little world makes: one for each line that it gets. */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "calls.h"
#include "mountns.h"

static unsigned long number(const char *text) { return strtoul(text, NULL, 10); }

/* A slot's number, or -1. */
static int slot_of(const char *text) {
    unsigned long slot = number(text);
    return slot < MOUNTNS_SLOTS ? (int)slot : -1;
}

/* Where a call works: a path, looked up as ever, or a descriptor that was opened for it. */
struct where {
    int dir;
    const char *path;
    bool opened;
};

static int find(const struct mountns_process *self, const char *text, struct where *where) {
    *where = (struct where){.dir = AT_FDCWD, .path = text};
    if (text[0] != '@')
        return 0;
    const char *colon = strchr(text, ':');
    int slot = slot_of(text + 1);
    if (!colon || slot < 0 || self->slots[slot] < 0)
        return EBADF;
    *where = (struct where){.dir = self->slots[slot], .path = ""};
    if (!colon[1])
        return 0;
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int fd, tries = 0;
    do
        fd = pv_openat2(where->dir, colon + 1, &how);
    while (fd == -EAGAIN && ++tries < 1000);
    if (fd < 0)
        return -fd;
    *where = (struct where){.dir = fd, .path = "", .opened = true};
    return 0;
}

static void forget(const struct where *where) {
    if (where->opened)
        close(where->dir);
}

/* The directory in which a name is made or removed, and the name. */
static int find_parent(const struct mountns_process *self, const char *text, struct where *where) {
    char above[PATH_MAX];
    const char *colon = text[0] == '@' ? strchr(text, ':') : NULL;
    if (!colon)
        return find(self, text, where);
    const char *path = colon + 1, *slash = strrchr(path, '/');
    size_t length = (size_t)(slash ? slash + 1 - text : path - text);
    if (length >= sizeof above)
        return ENAMETOOLONG;
    memcpy(above, text, length);
    above[length] = '\0';
    int rc = find(self, above, where);
    where->path = slash ? slash + 1 : path;
    return rc;
}

static int keep(struct mountns_process *self, const char *text, int fd) {
    if (fd < 0)
        return -fd;
    int slot = slot_of(text);
    if (slot < 0) {
        close(fd);
        return EBADF;
    }
    if (self->slots[slot] >= 0)
        close(self->slots[slot]);
    self->slots[slot] = fd;
    return 0;
}

static int error_of(long rc) { return rc < 0 ? errno : 0; }

/* mkdir -p */
static int make_all(int dir, char *path) {
    for (char *end = path; *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char last = *end;
        *end = '\0';
        struct stat st;
        if (mkdirat(dir, path, 0755) < 0 && errno != EEXIST)
            return errno;
        if (fstatat(dir, path, &st, 0) < 0)
            return errno;
        if (!S_ISDIR(st.st_mode))
            return ENOTDIR;
        *end = last;
    }
    return 0;
}

static int make_or_remove(struct mountns_process *self, const char *call, const char *text,
                          const char *target) {
    struct where at;
    int rc = find_parent(self, text, &at);
    if (rc == 0) {
        if (strcmp(call, "mkdir") == 0)
            rc = error_of(mkdirat(at.dir, at.path, 0755));
        else if (strcmp(call, "touch") == 0)
            rc = error_of(mknodat(at.dir, at.path, S_IFREG | 0644, 0));
        else if (strcmp(call, "symlink") == 0)
            rc = error_of(symlinkat(target, at.dir, at.path));
        else
            rc = error_of(unlinkat(at.dir, at.path, strcmp(call, "rmdir") == 0 ? AT_REMOVEDIR : 0));
    }
    forget(&at);
    return rc;
}

static int go(struct mountns_process *self, const char *call, const char *text) {
    struct where at;
    int rc = find(self, text, &at);
    if (rc != 0)
        return rc;
    if (strcmp(call, "chdir") == 0)
        rc = error_of(at.dir == AT_FDCWD ? chdir(at.path) : fchdir(at.dir));
    else if (at.dir == AT_FDCWD)
        rc = error_of(chroot(at.path));
    else { /* chroot(2) takes a path only, and the working directory has to stay. */
        int cwd = open(".", O_PATH | O_CLOEXEC);
        rc = error_of(fchdir(at.dir));
        if (rc == 0)
            rc = error_of(chroot("."));
        if (cwd >= 0 && fchdir(cwd) < 0 && rc == 0)
            rc = errno;
        if (cwd >= 0)
            close(cwd);
    }
    forget(&at);
    return rc;
}

static int write_map(int proc, const char *name, const char *text) {
    int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return rc;
}

int mountns_map_root(int proc, unsigned uid, unsigned gid) {
    char map[64];
    int rc = write_map(proc, "self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (rc == 0)
        rc = write_map(proc, "self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    return rc == 0 ? write_map(proc, "self/gid_map", map) : rc;
}

static int leave(const struct mountns_process *self, unsigned long flags) {
    unsigned uid = geteuid(), gid = getegid();
    if (unshare((int)flags) < 0)
        return errno;
    return flags & CLONE_NEWUSER ? mountns_map_root(self->proc, uid, gid) : 0;
}

static int join(unsigned long pid, unsigned long flags) {
    int fd = pv_pidfd_open((int)pid);
    if (fd < 0)
        return -fd;
    int rc = error_of(setns(fd, (int)flags));
    close(fd);
    return rc;
}

static int make_detached(struct mountns_process *self, int argc, char **argv) {
    int fs = pv_fsopen(argv[1]);
    if (fs < 0)
        return -fs;
    int rc = pv_fsconfig(fs, PV_FSCONFIG_SET_STRING, "source", argv[2]);
    for (int i = 5; rc >= 0 && i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals)
            *equals = '\0';
        rc = pv_fsconfig(fs, equals ? PV_FSCONFIG_SET_STRING : PV_FSCONFIG_SET_FLAG, argv[i],
                         equals ? equals + 1 : NULL);
    }
    if (rc >= 0)
        rc = pv_fsconfig(fs, PV_FSCONFIG_CMD_CREATE, NULL, NULL);
    if (rc >= 0)
        rc = pv_fsmount(fs, (unsigned)number(argv[3]));
    close(fs);
    return keep(self, argv[4], rc);
}

/* Calls of the new interface, which work on descriptors. */
static int on_places(struct mountns_process *self, char **argv) {
    struct where at, to = {.opened = false};
    int rc = find(self, argv[1], &at);
    const unsigned empty = at.dir == AT_FDCWD ? 0 : AT_EMPTY_PATH;
    if (rc != 0)
        return rc;
    if (strcmp(argv[0], "open") == 0) {
        int fd = at.dir == AT_FDCWD ? open(at.path, O_PATH | O_CLOEXEC)
                                    : fcntl(at.dir, F_DUPFD_CLOEXEC, 0);
        rc = keep(self, argv[2], fd < 0 ? -errno : fd);
    } else if (strcmp(argv[0], "open_tree") == 0) {
        unsigned flags = (unsigned)number(argv[2]) | PV_OPEN_TREE_CLOEXEC | empty;
        rc = keep(self, argv[3], pv_open_tree(at.dir, at.path, flags));
    } else if (strcmp(argv[0], "mount_setattr") == 0) {
        const struct pv_mount_attr attr = {number(argv[3]), number(argv[4]), number(argv[5]), 0};
        rc = -pv_mount_setattr(at.dir, at.path, (unsigned)number(argv[2]) | empty, &attr);
    } else {
        rc = find(self, argv[2], &to);
        if (rc == 0) {
            unsigned flags = (unsigned)number(argv[3]);
            flags |= at.dir == AT_FDCWD ? 0 : PV_MOVE_MOUNT_F_EMPTY_PATH;
            flags |= to.dir == AT_FDCWD ? 0 : PV_MOVE_MOUNT_T_EMPTY_PATH;
            rc = -pv_move_mount(at.dir, at.path, to.dir, to.path, flags);
        }
    }
    forget(&at);
    forget(&to);
    return rc;
}

static int close_slot(struct mountns_process *self, const char *text) {
    int slot = slot_of(text);
    if (slot < 0 || self->slots[slot] < 0)
        return EBADF;
    int rc = error_of(close(self->slots[slot]));
    self->slots[slot] = -1;
    return rc;
}

int mountns_call(struct mountns_process *self, int argc, char **argv) {
    static const struct {
        const char *name;
        int words;
    } known[] = {
        {"mount", 6},  {"umount", 3}, {"pivot_root", 3}, {"chroot", 2},     {"chdir", 2},
        {"mkdir", 2},  {"mkdirs", 2}, {"touch", 2},      {"rmdir", 2},      {"unlink", 2},
        {"symlink", 3}, {"unshare", 2}, {"setns", 3},    {"open", 3},       {"close", 2},
        {"open_tree", 4}, {"fsmount", 5}, {"move_mount", 4}, {"mount_setattr", 6},
    };
    const char *call = argc > 0 ? argv[0] : "";
    bool complete = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        complete |= strcmp(call, known[i].name) == 0 && argc >= known[i].words;
    if (!complete)
        return ENOSYS;
    if (strcmp(call, "mount") == 0)
        return error_of(mount(argv[1], argv[2], argv[3], number(argv[4]), argv[5]));
    if (strcmp(call, "umount") == 0)
        return error_of(umount2(argv[1], (int)number(argv[2])));
    if (strcmp(call, "pivot_root") == 0)
        return error_of(syscall(SYS_pivot_root, argv[1], argv[2]));
    if (strcmp(call, "chroot") == 0 || strcmp(call, "chdir") == 0)
        return go(self, call, argv[1]);
    if (strcmp(call, "mkdirs") == 0)
        return argv[1][0] == '@' ? EINVAL : make_all(AT_FDCWD, argv[1]);
    if (strcmp(call, "symlink") == 0)
        return make_or_remove(self, call, argv[2], argv[1]);
    if (strcmp(call, "mkdir") == 0 || strcmp(call, "touch") == 0 || strcmp(call, "rmdir") == 0 ||
        strcmp(call, "unlink") == 0)
        return make_or_remove(self, call, argv[1], NULL);
    if (strcmp(call, "unshare") == 0)
        return leave(self, number(argv[1]));
    if (strcmp(call, "setns") == 0)
        return join(number(argv[1]), number(argv[2]));
    if (strcmp(call, "close") == 0)
        return close_slot(self, argv[1]);
    if (strcmp(call, "fsmount") == 0)
        return make_detached(self, argc, argv);
    return on_places(self, argv);
}
