/* Namespaces: making the container's first process, and joining what is already there. */
#define _GNU_SOURCE
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

static pid_t clone_init(uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args args = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
    };
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    return pv_result(syscall(SYS_clone3, &args, sizeof args));
}

/*
 * A user namespace that is there already must be joined before the others are made, so that it
 * owns them; and the executor itself must not join, since it would lose its rights on the host.
 * So a process in between joins, makes init as its own sibling, says its pid and is gone.
 */
static pid_t clone_in_user(struct pv_run *run, uint64_t flags, int cgroup, int user) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    pid_t between = fork();
    if (between < 0) {
        between = -errno;
        close(report[0]);
        close(report[1]);
        return between;
    }
    if (between == 0) {
        int pidfd = -1;
        /* Root of that namespace could trace us, and reach what we have open on the host. */
        pid_t pid = pv_result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
        if (pid == 0)
            pid = pv_result(setns(user, CLONE_NEWUSER));
        if (pid == 0)
            pid = clone_init(flags | CLONE_PARENT, cgroup, &pidfd);
        if (pid == 0) {
            close(report[0]);
            close(report[1]);
            return 0;
        }
        ssize_t n = write(report[1], &pid, sizeof pid);
        _exit(n == sizeof pid ? 0 : 1);
    }
    close(report[1]);
    pid_t pid = 0;
    ssize_t n;
    do
        n = read(report[0], &pid, sizeof pid);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof pid)
        return pv_say(run, -ECHILD, "the process that joins the user namespace ended early");
    return pid;
}

static void become_init(struct pv_run *run, int sync) {
    run->actor = PV_BY_INIT;
    run->sync = sync;
    if (run->signals >= 0)
        close(run->signals);
    run->signals = -1;
    if (run->result >= 0)
        close(run->result);
    run->result = -1;
    run->pidfd = -1;
    /* The container must not outlive who watches over it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int pv_do_clone(struct pv_run *run, const struct pv_clone *op) {
    int sockets[2];
    if (run->sync >= 0)
        return pv_say(run, -EPROTO, "the container has a first process already");
    int cgroup = op->cgroup == PV_SLOT_NONE ? -1 : pv_slot(run, op->cgroup);
    if (op->cgroup != PV_SLOT_NONE && cgroup < 0)
        return cgroup;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t pid;
    if (op->user == PV_SLOT_NONE) {
        pid = clone_init(op->namespaces, cgroup, &run->pidfd);
    } else {
        int user = pv_slot(run, op->user);
        pid = user < 0 ? user : clone_in_user(run, op->namespaces, cgroup, user);
    }
    if (pid == 0) {
        close(sockets[0]);
        become_init(run, sockets[1]);
        return 0;
    }
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return pid;
    }
    run->sync = sockets[0];
    run->init = pid;
    if (op->user != PV_SLOT_NONE)
        run->pidfd = pv_pidfd_open(pid);
    if (run->pidfd < 0)
        return pv_say(run, run->pidfd, "pidfd_open");
    if (op->proc == PV_SLOT_NONE)
        return 0;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int proc = pv_result(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (proc < 0)
        return pv_say(run, proc, "open %s", path);
    return pv_keep(run, op->proc, proc);
}

int pv_do_setns(struct pv_run *run, const struct pv_setns *op) {
    int fd = pv_slot(run, op->namespace);
    return fd < 0 ? fd : pv_result(setns(fd, (int)op->type));
}

int pv_do_interface_up(const struct pv_interface_up *op) {
    struct ifreq request = {0};
    if (strlen(op->name) >= sizeof request.ifr_name)
        return -ENAMETOOLONG;
    strcpy(request.ifr_name, op->name);
    int fd = pv_result(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return fd;
    int rc = pv_result(ioctl(fd, SIOCGIFFLAGS, &request));
    if (rc == 0) {
        request.ifr_flags |= IFF_UP;
        rc = pv_result(ioctl(fd, SIOCSIFFLAGS, &request));
    }
    close(fd);
    return rc;
}
