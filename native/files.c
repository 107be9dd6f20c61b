/* Files: what the plan makes on the host and in file systems that are not yet attached. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "calls.h"
#include "clock.h"
#include "executor.h"

/* So many files of one name may a crash have left before a new one is refused. */
#define PV_NAMES 1000

#define PV_LOOK_AGAIN 2 /* milliseconds between two tries to get a lock */

int pv_do_mkdir(struct pv_run *run, const struct pv_mkdir *op) {
    const char *name;
    if (op->mode & ~01777u)
        return pv_say(run, -EINVAL, "mkdir(2) gives no set-user-id or set-group-id bit");
    int parent = pv_place_parent(run, &op->at, (int)op->parents, &name);
    if (parent < 0)
        return parent;
    int rc = pv_mkdir(parent, name, op->mode);
    if (rc == -EEXIST && op->parents)
        rc = 0;
    close(parent);
    return rc;
}

/* A file that was not there before, with exactly these permissions: whole, or not at all. */
static int create_file(struct pv_run *run, const struct pv_place *at, mode_t mode,
                       const void *bytes, size_t size) {
    const char *name;
    int parent = pv_place_parent(run, at, 0, &name);
    if (parent < 0)
        return parent;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = pv_result(openat(parent, name, flags, mode & 0700));
    int rc = fd < 0 ? fd : pv_result(fchmod(fd, mode));
    if (rc == 0)
        rc = pv_write_whole(fd, bytes, size);
    if (rc < 0 && fd >= 0)
        unlinkat(parent, name, 0); /* half of it would be taken for all */
    if (fd >= 0)
        close(fd);
    close(parent);
    return rc;
}

/* procfs and cgroups take a value in one call or not at all; a file takes it in a loop. */
int pv_write_whole(int fd, const void *bytes, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(fd, (const char *)bytes + sent, size - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        sent += (size_t)n;
    }
    return 0;
}

static int write_all(int fd, const char *text) {
    return pv_write_whole(fd, text, strlen(text));
}

/*
 * A new file beside the one that it is to replace. The name may be taken: by what a crash has left
 * under our pid, or by a process of another pid namespace.
 */
static int create_beside(int parent, char *name, size_t size, mode_t mode) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = -EEXIST;
    for (int i = 0; i < PV_NAMES && fd == -EEXIST; i++) {
        snprintf(name, size, ".pivot-%d.%d.new", (int)getpid(), i);
        fd = pv_result(openat(parent, name, flags, mode & 0700));
    }
    return fd;
}

/* Under another name first: nobody finds half of it, also not after a crash. */
static int replace_file(struct pv_run *run, const struct pv_place *at, mode_t mode,
                        const char *text) {
    const char *name;
    char temporary[64];
    int parent = pv_place_parent(run, at, 0, &name);
    if (parent < 0)
        return parent;
    int fd = create_beside(parent, temporary, sizeof temporary, mode);
    int rc = fd < 0 ? fd : pv_result(fchmod(fd, mode));
    if (rc == 0)
        rc = write_all(fd, text);
    if (rc == 0)
        rc = pv_result(renameat(parent, temporary, parent, name));
    if (rc < 0 && fd >= 0)
        unlinkat(parent, temporary, 0);
    if (fd >= 0)
        close(fd);
    close(parent);
    return rc;
}

int pv_write_text(struct pv_run *run, const struct pv_place *at, uint32_t how, mode_t mode,
                  const char *text) {
    if (how == PV_WRITE_MODE_REPLACE)
        return replace_file(run, at, mode, text);
    if (how == PV_WRITE_MODE_EXCLUSIVE || how == PV_WRITE_MODE_MISSING) {
        int made = create_file(run, at, mode, text, strlen(text));
        return made == -EEXIST && how == PV_WRITE_MODE_MISSING ? 0 : made;
    }
    /* One file system only: nothing that was mounted over procfs can take the write. */
    int fd = pv_place_open(run, at, O_WRONLY | O_NOCTTY, RESOLVE_NO_XDEV);
    if (fd < 0)
        return fd;
    int rc = write_all(fd, text);
    close(fd);
    return rc;
}

int pv_do_write(struct pv_run *run, const struct pv_write *op) {
    return pv_write_text(run, &op->at, op->how, op->mode, op->text);
}

int pv_do_write_bytes(struct pv_run *run, const struct pv_write_bytes *op) {
    return create_file(run, &op->at, op->mode, op->content.data, op->content.size);
}

int pv_do_write_pid(struct pv_run *run, const struct pv_write_pid *op) {
    char text[48];
    uint64_t ticks = 0;
    pid_t pid = op->own ? getpid() : run->init;
    /* Whoever signals the pid 0 means his own process group. */
    if (pid <= 0)
        return pv_say(run, -ECHILD, "there is no first process");
    int rc = op->started ? pv_start_time(pid, &ticks) : 0;
    if (rc < 0)
        return rc;
    if (op->started)
        snprintf(text, sizeof text, "%d %llu", (int)pid, (unsigned long long)ticks);
    else
        snprintf(text, sizeof text, "%d", (int)pid);
    return pv_write_text(run, &op->at, op->how, op->mode, text);
}

/* One call: whoever appends meanwhile writes before it or behind it. */
int pv_do_append(struct pv_run *run, const struct pv_append *op) {
    const char *name;
    struct timespec now;
    char *line = NULL, code[16] = "";
    int parent = pv_place_parent(run, &op->at, 0, &name);
    if (parent < 0)
        return parent;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = pv_result(openat(parent, name, flags, op->mode));
    close(parent);
    if (fd < 0)
        return fd;
    if (op->code)
        snprintf(code, sizeof code, " %d", run->exit_code);
    clock_gettime(CLOCK_REALTIME, &now);
    int size = asprintf(&line, "%lld%09ld %s%s\n", (long long)now.tv_sec, now.tv_nsec, op->text, code);
    ssize_t n = size < 0 ? 0 : write(fd, line, (size_t)size);
    int rc = size < 0 ? -ENOMEM : n < 0 ? -errno : n < size ? -ENOSPC : 0;
    free(line);
    close(fd);
    return rc;
}

/*
 * The descriptor stays open: the lock goes with the executor, however that ends. A lock belongs to
 * the open file, which a child shares: so init closes it (see become_init).
 */
int pv_lock_in_time(struct pv_run *run, int fd, int signals, uint32_t patience) {
    int64_t end = pv_milliseconds() + patience;
    for (;;) {
        int rc = pv_result(flock(fd, LOCK_EX | LOCK_NB));
        if (rc != -EWOULDBLOCK)
            return rc;
        if (pv_milliseconds() >= end)
            return pv_say(run, rc, "somebody else holds it");
        struct pollfd heard = {signals, POLLIN, 0};
        rc = poll(&heard, 1, PV_LOOK_AGAIN) > 0 ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
    }
}

/* Room for one more; what is removed needs no lock any more, and its place is free. */
static int *free_lock(struct pv_run *run) {
    for (int i = 0; i < PV_LOCKS; i++) {
        struct stat st;
        int *lock = &run->locks[i];
        if (*lock >= 0 && fstat(*lock, &st) == 0 && st.st_nlink == 0) {
            close(*lock);
            *lock = -1;
        }
        if (*lock < 0)
            return lock;
    }
    return NULL;
}

int pv_do_lock(struct pv_run *run, const struct pv_lock *op) {
    struct stat st;
    int fd = pv_place_open(run, &op->at, O_RDONLY | O_DIRECTORY, 0);
    int rc = fd < 0 ? fd : pv_lock_in_time(run, fd, pv_heard_signals(run), op->patience);
    /* Who had it has removed it meanwhile: there may be another of the name, which is not meant. */
    if (rc == 0 && (fstat(fd, &st) < 0 || st.st_nlink == 0))
        rc = -ENOENT;
    int *place = rc < 0 ? NULL : free_lock(run);
    if (place) {
        *place = fd;
        return 0;
    }
    if (rc == 0)
        rc = -EMFILE;
    if (fd >= 0)
        close(fd);
    if (rc != -ENOENT || !op->past)
        return rc;
    run->past = op->past;
    return 0;
}

int pv_do_symlink(struct pv_run *run, const struct pv_symlink *op) {
    const char *name;
    int parent = pv_place_parent(run, &op->at, 0, &name);
    if (parent < 0)
        return parent;
    int rc = pv_result(symlinkat(op->to, parent, name));
    close(parent);
    return rc;
}

static int is_this_device(int fd, const struct pv_mknod *op) {
    struct stat st;
    if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != op->type)
        return 0;
    return op->type == S_IFIFO || st.st_rdev == makedev(op->major, op->minor);
}

int pv_do_mknod(struct pv_run *run, const struct pv_mknod *op) {
    const char *name;
    int parent = pv_place_parent(run, &op->at, 1, &name);
    if (parent < 0)
        return parent;
    mode_t mask = umask(0); /* the mode comes with the call: see pv_mkdir */
    dev_t device = makedev(op->major, op->minor);
    int rc = pv_result(mknodat(parent, name, op->type | (op->mode & 07777), device));
    umask(mask);
    int is_new = rc == 0;
    /* By descriptor: the name may stand for something else by now. */
    int fd = is_new || (rc == -EEXIST && op->accept)
                 ? pv_result(openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC))
                 : rc;
    close(parent);
    if (fd < 0)
        return fd;
    rc = is_this_device(fd, op) ? 0 : -EEXIST;
    if (rc == 0 && is_new && (op->uid || op->gid))
        rc = pv_result(fchownat(fd, "", op->uid, op->gid, AT_EMPTY_PATH));
    close(fd);
    return rc;
}

int pv_do_open(struct pv_run *run, const struct pv_open *op) {
    /* A FIFO would be waited for; what is opened here is never read, and O_PATH takes no more. */
    uint64_t more = op->flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK;
    int fd = pv_place_open(run, &op->at, op->flags | more, 0);
    return fd < 0 ? fd : pv_keep(run, op->into, fd);
}
