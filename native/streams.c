/* The container's standard streams and its terminal. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>

#include "calls.h"
#include "executor.h"

int pv_do_pipes(struct pv_run *run, const struct pv_pipes *op) {
    const uint32_t kinds[PV_STREAMS] = {op->stdin_, op->stdout_, op->stderr_};
    for (int i = 0; i < PV_STREAMS; i++)
        if (kinds[i] == PV_STREAM_PIPE && pipe2(run->pipes[i], O_CLOEXEC) < 0)
            return -errno;
    run->copies_terminal_in = op->stdin_ == PV_STREAM_TERMINAL;
    run->copies_terminal_out = op->stdout_ == PV_STREAM_TERMINAL;
    return 0;
}

/*
 * Looked at before it is opened: a hostile image has a FIFO or a disk there. Nor is one waited for that a
 * process of a container which runs already puts there in between.
 */
static int open_null(struct pv_run *run, const struct pv_place *at, uint64_t flags) {
    const uint64_t looks[] = {O_PATH | O_NOFOLLOW, flags | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK};
    int fd = -1;
    for (int i = 0; i < 2; i++) {
        if (fd >= 0)
            close(fd);
        fd = pv_place_open(run, at, looks[i], 0);
        if (fd < 0)
            return pv_say(run, fd, "/dev/null of the container");
        struct stat st;
        if (fstat(fd, &st) < 0 || !pv_is_null(&st)) {
            close(fd);
            return pv_say(run, -EPERM, "/dev/null of the container is not the device 1:3");
        }
    }
    fcntl(fd, F_SETFL, 0); /* as programs expect it */
    return fd;
}

int pv_do_stdio(struct pv_run *run, const struct pv_stdio *op) {
    const uint32_t kinds[PV_STREAMS] = {op->stdin_, op->stdout_, op->stderr_};
    for (int i = 0; i < PV_STREAMS; i++) {
        run->own_streams[i] = kinds[i] == PV_STREAM_PIPE || kinds[i] == PV_STREAM_TERMINAL;
        int from = -1, opened = -1;
        switch (kinds[i]) {
        case PV_STREAM_INHERIT:
            continue;
        case PV_STREAM_NULL:
            from = opened = open_null(run, &op->null_at, i ? O_WRONLY : O_RDONLY);
            if (opened < 0)
                return opened;
            break;
        case PV_STREAM_PIPE:
            from = run->pipes[i][i == PV_STDIN ? 0 : 1];
            break;
        case PV_STREAM_TERMINAL:
            from = run->terminal;
            break;
        }
        int rc = from < 0 ? -EBADF : pv_result(dup2(from, i));
        if (opened >= 0)
            close(opened);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/*
 * Gives the streams that were made for the container to its user, who could not open /dev/stdout
 * otherwise. The caller's own descriptors are not touched.
 */
int pv_give_streams(struct pv_run *run, uid_t uid) {
    for (int i = 0; i < PV_STREAMS; i++)
        if (run->own_streams[i] && fchown(i, uid, (gid_t)-1) < 0)
            return -errno;
    return 0;
}

int pv_do_setsid(const struct pv_setsid *op) {
    if (setsid() < 0)
        return -errno;
    return op->terminal ? pv_result(ioctl(STDIN_FILENO, TIOCSCTTY, 0)) : 0;
}

/* The size of the caller's terminal, for the container's. */
void pv_copy_window_size(const struct pv_run *run, int terminal) {
    struct winsize size = run->window;
    if (size.ws_row || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(terminal, TIOCSWINSZ, &size);
}

/*
 * The slave is opened through its master (TIOCGPTPEER), never by the name that a process of the
 * container could have put something else under.
 */
int pv_do_console(struct pv_run *run, const struct pv_console *op) {
    int devpts = pv_slot(run, op->devpts);
    if (devpts < 0)
        return devpts;
    /* In a container that runs already, somebody could have mounted something else there. */
    struct statfs fs;
    if (fstatfs(devpts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return pv_say(run, -EPERM, "/dev/pts is no devpts");
    int master = pv_result(openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (master < 0)
        return pv_say(run, master, "open ptmx");
    int unlock = 0;
    int slave = pv_result(ioctl(master, TIOCSPTLCK, &unlock));
    if (slave == 0)
        slave = pv_result(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (slave < 0) {
        close(master);
        return pv_say(run, slave, "TIOCGPTPEER");
    }
    run->terminal = slave;
    /* Now: the program may ask for it first of all. */
    pv_copy_window_size(run, master);
    /* Until `supervise`, which hands a caller's terminal on as it is. */
    struct winsize size = {.ws_row = (unsigned short)op->rows, .ws_col = (unsigned short)op->columns};
    if (op->rows || op->columns)
        ioctl(master, TIOCSWINSZ, &size);
    int rc = pv_result(fchown(slave, op->uid, (gid_t)-1));
    if (rc == 0 && op->at.slot != PV_SLOT_NONE) {
        int mount = pv_open_tree(slave, "", PV_OPEN_TREE_CLONE | PV_OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        rc = mount < 0 ? mount : pv_attach_at(run, mount, &op->at, PV_TARGET_KIND_MATCHING);
        if (mount >= 0)
            close(mount);
    }
    if (rc == 0)
        rc = pv_send(run, PV_TERMINAL, run->step, 0, master);
    close(master);
    return rc;
}
