/* Namespaces: making the container's first process, and joining what is already there. */
#define _GNU_SOURCE
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The pid of a pidfd as this process would say it: in /proc, which is the host's. */
static pid_t pid_of(int pidfd) {
    char path[48], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    int fd = pv_result(open(path, O_RDONLY | O_CLOEXEC));
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    const char *line = strstr(text, "Pid:");
    pid_t pid = line ? (pid_t)strtol(line + 4, NULL, 10) : 0;
    return pid > 0 ? pid : -ESRCH;
}

/* linux/nsfs.h */
#define PV_NS_GET_NSTYPE _IO(0xb7, 0x3)

/* What is joined before init is made: namespaces, or some of a process's; and what init gets. */
struct joining {
    int pid; /* a pid namespace, or -1 */
    int from; /* or -1 */
    int types;
    uint64_t flags;
    int cgroup;
};

/* The process in between: joins, makes init as its own sibling, hands its pidfd over. */
static pid_t join_and_clone(const struct joining *wish, int report) {
    int pidfd = -1;
    /* Root of that namespace could trace us, and reach what we have open on the host. */
    pid_t pid = pv_result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    if (pid == 0 && wish->pid >= 0)
        pid = pv_result(setns(wish->pid, CLONE_NEWPID));
    if (pid == 0 && wish->from >= 0)
        pid = pv_result(setns(wish->from, wish->types));
    if (pid == 0) {
        pid = clone_init(wish->flags | CLONE_PARENT, wish->cgroup, &pidfd);
        if (pid == 0)
            return 0;
    }
    int error = pid < 0 ? pid : 0;
    _exit(pv_send_bytes(report, &error, sizeof error, pidfd) == 0 ? 0 : 1);
}

/*
 * A user namespace that is there already must be joined before the others are made, so that it
 * owns them; a pid namespace, before init is. And the executor itself must not join: it would lose
 * its rights on the host; and whatever it starts would be born in the sight of the container whose pid
 * namespace it is, which may look into it by CAP_SYS_PTRACE, and end it. So a process in between
 * joins. It may be in another pid namespace than we are, where init has another number: so what it hands
 * over is a descriptor.
 */
static pid_t clone_joined(struct pv_run *run, const struct joining *wish) {
    int report[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0)
        return -errno;
    pid_t between = fork();
    if (between == 0) {
        pid_t pid = join_and_clone(wish, report[1]);
        close(report[0]);
        close(report[1]);
        return pid;
    }
    int error = between < 0 ? -errno : 0;
    close(report[1]);
    if (between > 0) {
        int rc = pv_receive_bytes(report[0], &error, sizeof error, &run->pidfd);
        if (rc < 0)
            error = pv_say(run, -ECHILD, "the process that joins the namespaces ended early");
        while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(report[0]);
    return error < 0 ? error : pid_of(run->pidfd);
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
    for (int i = 0; i < PV_LOCKS; i++) {
        if (run->locks[i] >= 0)
            close(run->locks[i]);
        run->locks[i] = -1;
    }
    if (run->waiter >= 0)
        close(run->waiter);
    run->waiter = run->caller = -1;
    if (run->pid_namespace >= 0)
        close(run->pid_namespace);
    run->pid_namespace = -1;
    /* The container must not outlive who watches over it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* A plain child, or one by way of a process that joins first. */
static pid_t make_init(struct pv_run *run, const struct pv_clone *op, int cgroup) {
    struct joining wish = {.pid = run->pid_namespace, .from = -1, .flags = op->namespaces, .cgroup = cgroup};
    int is_user = op->user != PV_SLOT_NONE;
    if (is_user || op->process != PV_SLOT_NONE) {
        wish.from = pv_slot(run, is_user ? op->user : op->process);
        wish.types = is_user ? CLONE_NEWUSER : (int)op->join;
        if (wish.from < 0)
            return wish.from;
    }
    if (wish.pid < 0 && wish.from < 0)
        return clone_init(op->namespaces, cgroup, &run->pidfd);
    return clone_joined(run, &wish);
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
    pid_t pid = make_init(run, op, cgroup);
    if (pid == 0) {
        close(sockets[0]);
        become_init(run, sockets[1]);
        return 0;
    }
    close(sockets[1]);
    if (run->pid_namespace >= 0)
        close(run->pid_namespace);
    run->pid_namespace = -1;
    if (pid < 0) {
        close(sockets[0]);
        return pid;
    }
    run->sync = sockets[0];
    run->init = pid;
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
    if (fd < 0)
        return fd;
    if (run->actor != PV_BY_PARENT || op->type != CLONE_NEWPID)
        return pv_result(setns(fd, (int)op->type));
    /* For init alone, when it is made: see clone_joined. */
    if (ioctl(fd, PV_NS_GET_NSTYPE) != CLONE_NEWPID)
        return -EINVAL;
    if (run->pid_namespace >= 0)
        close(run->pid_namespace);
    run->pid_namespace = pv_result(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    return run->pid_namespace < 0 ? run->pid_namespace : 0;
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
