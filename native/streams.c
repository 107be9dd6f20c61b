/* The container's standard streams and its terminal. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/stat.h>
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

int pv_do_stdio(struct pv_run *run, const struct pv_stdio *op) {
    const uint32_t kinds[PV_STREAMS] = {op->stdin_, op->stdout_, op->stderr_};
    for (int i = 0; i < PV_STREAMS; i++) {
        int from = -1, opened = -1;
        switch (kinds[i]) {
        case PV_STREAM_INHERIT:
            continue;
        case PV_STREAM_NULL:
            from = opened = pv_place_open(run, &op->null_at, i ? O_WRONLY : O_RDONLY, 0);
            if (opened < 0)
                return pv_say(run, opened, "/dev/null of the container");
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

int pv_do_setsid(const struct pv_setsid *op) {
    if (setsid() < 0)
        return -errno;
    return op->terminal ? pv_result(ioctl(STDIN_FILENO, TIOCSCTTY, 0)) : 0;
}

/*
 * The slave is opened through its master (TIOCGPTPEER), never by the name that a process of the
 * container could have put something else under.
 */
int pv_do_console(struct pv_run *run, const struct pv_console *op) {
    int devpts = pv_slot(run, op->devpts);
    if (devpts < 0)
        return devpts;
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
    int rc = pv_result(fchown(slave, op->uid, (gid_t)-1));
    if (rc == 0) {
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
