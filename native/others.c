/* Processes that are there already: taking hold of one, signalling, freezing. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "calls.h"
#include "cgroup-tree.h"
#include "clock.h"
#include "executor.h"

#define PV_FREEZING 10000           /* milliseconds */
#define PV_FREEZING_FOR_SIGNAL 1000 /* a process in a long call may hold up the others no longer */

/* Field 22 of /proc/PID/stat, counted after the name, which may hold anything; proc_pid_stat(5). */
int pv_start_time(pid_t pid, uint64_t *ticks) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = pv_result(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return fd == -ENOENT ? -ESRCH : fd;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -ESRCH;
    text[n] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return -EPROTO;
    *ticks = strtoull(at, NULL, 10);
    return 0;
}

/* What `write_pid` has written: -ESRCH when it never has. */
static int read_process(struct pv_run *run, const struct pv_place *of, pid_t *pid, uint64_t *started) {
    char text[64], *end;
    int fd = pv_place_open(run, of, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd == -ENOENT ? -ESRCH : fd;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    *pid = (pid_t)strtol(text, &end, 10);
    *started = *end == ' ' ? strtoull(end + 1, &end, 10) : 0;
    return *pid > 0 && *started && *end == '\0' ? 0 : -ESRCH;
}

/* A pidfd. The time is read when it is there: it is the same process, or none is left. */
int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid) {
    uint64_t started = 0, ticks = 0;
    int rc = read_process(run, of, pid, &started);
    int fd = rc < 0 ? rc : pv_pidfd_open(*pid);
    rc = fd < 0 ? fd : pv_start_time(*pid, &ticks);
    struct pollfd end = {fd, POLLIN, 0};
    /* One that has ended and waits for its parent is none any more. */
    if (rc == 0 && (ticks != started || poll(&end, 1, 0) > 0))
        rc = -ESRCH;
    if (rc >= 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc == -ESRCH ? pv_say(run, rc, "the container's process has ended") : rc;
}

int pv_do_process(struct pv_run *run, const struct pv_process *op) {
    pid_t pid;
    int fd = pv_hold_process(run, &op->of, &pid);
    return fd < 0 ? fd : pv_keep(run, op->into, fd);
}

#define PV_FOR_EVER 0xffffffffu

/* 0 when it has ended, -ETIMEDOUT when it has not in that time, -EINTR when we are to stop. */
static int wait_for_end(struct pv_run *run, int process, uint32_t patience) {
    int64_t end = pv_milliseconds() + patience;
    for (;;) {
        struct pollfd fds[2] = {{process, POLLIN, 0}, {pv_heard_signals(run), POLLIN, 0}};
        int64_t left = patience == PV_FOR_EVER ? 3600000 : end - pv_milliseconds();
        int n = poll(fds, 2, left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && fds[0].revents)
            return 0;
        int rc = n > 0 && fds[1].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (n == 0 && patience != PV_FOR_EVER && left <= 3600000)
            return pv_say(run, -ETIMEDOUT, "it has not ended");
    }
}

int pv_do_signal(struct pv_run *run, const struct pv_signal *op) {
    pid_t pid;
    int process = pv_hold_process(run, &op->of, &pid);
    /* Who watched over it takes the file away when it has ended. */
    if (process == -ENOENT && !op->required)
        return 0;
    if (process < 0)
        return process == -ESRCH && !op->required ? 0 : process;
    int rc = pv_pidfd_send_signal(process, (int)op->signal);
    if (rc == -ESRCH && !op->required)
        rc = 0;
    else if (rc == 0 && op->patience)
        rc = wait_for_end(run, process, op->patience);
    else if (rc == 0 && op->wait)
        rc = wait_for_end(run, process, 10000);
    close(process);
    return rc == -ETIMEDOUT && op->patience && !op->wait ? 0 : rc;
}

/* A file of a cgroup as text, or a negative errno. */
static ssize_t read_file(int cgroup, const char *name, char *text, size_t size) {
    int fd = pv_result(openat(cgroup, name, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return fd;
    size_t got = 0;
    ssize_t n;
    while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
        got += (size_t)n;
    close(fd);
    text[got] = '\0';
    return (ssize_t)got;
}

/* However many there are: a cgroup's list is as long as it is. */
static void signal_listed(int cgroup, int signal) {
    char line[32];
    int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
    if (!list && fd >= 0)
        close(fd);
    while (list && fgets(line, sizeof line, list))
        /* 0 stands for a process that this pid namespace cannot see. */
        if (atoi(line) > 1)
            kill(atoi(line), signal);
    if (list)
        fclose(list);
}

static int write_file(int cgroup, const char *name, const char *text) {
    int fd = pv_result(openat(cgroup, name, O_WRONLY | O_CLOEXEC));
    if (fd < 0)
        return fd;
    int rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* Version 2 says it in one file and tells in another; version 1 has to be asked again at times. */
static int freeze_once(int cgroup, int frozen) {
    char text[256];
    int rc = write_file(cgroup, "cgroup.freeze", frozen ? "1" : "0");
    if (rc == 0) {
        ssize_t n = read_file(cgroup, "cgroup.events", text, sizeof text);
        return n < 0 ? (int)n : strstr(text, frozen ? "frozen 1" : "frozen 0") ? 0 : -EAGAIN;
    }
    if (rc != -ENOENT)
        return rc;
    const char *wanted = frozen ? "FROZEN" : "THAWED";
    rc = write_file(cgroup, "freezer.state", wanted);
    ssize_t n = rc < 0 ? rc : read_file(cgroup, "freezer.state", text, sizeof text);
    return n < 0 ? (int)n : strncmp(text, wanted, strlen(wanted)) == 0 ? 0 : -EAGAIN;
}

/* A process in a long call is frozen a moment later; in growing steps. -EAGAIN: not in time. */
static int freeze_in_time(int cgroup, int frozen, int milliseconds) {
    int64_t end = pv_milliseconds() + milliseconds;
    int rc = freeze_once(cgroup, frozen);
    for (long wait = 100000; rc == -EAGAIN && pv_milliseconds() < end;) {
        nanosleep(&(struct timespec){0, wait}, NULL);
        wait = wait < 50000000 ? wait * 2 : wait;
        rc = freeze_once(cgroup, frozen);
    }
    return rc;
}

int pv_do_freeze(struct pv_run *run, const struct pv_freeze *op) {
    int cgroup = pv_place_open(run, &op->at, O_RDONLY | O_DIRECTORY, 0);
    if (cgroup < 0)
        return cgroup == -ENOENT && !op->frozen ? 0 : cgroup;
    int rc = freeze_in_time(cgroup, (int)op->frozen, PV_FREEZING);
    if (rc == -EAGAIN && op->frozen)
        freeze_once(cgroup, 0);
    if (rc == -ENOENT && !op->frozen)
        rc = 0; /* a cgroup that cannot be frozen */
    close(cgroup);
    return rc == -EAGAIN ? pv_say(run, -EBUSY, "a process does not stop") : rc;
}

int pv_is_frozen(int cgroup) {
    char text[64];
    if (read_file(cgroup, "cgroup.freeze", text, sizeof text) > 0)
        return text[0] == '1';
    return read_file(cgroup, "freezer.state", text, sizeof text) > 0 && text[0] == 'F';
}

struct telling {
    int signal;
    int is_below;
};

/*
 * Who is frozen by cgroup version 1 does not even end by SIGKILL. The first cgroup is the caller's affair;
 * one below may have been frozen by the container itself.
 */
static int signal_one(int cgroup, void *with) {
    struct telling *telling = with;
    signal_listed(cgroup, telling->signal);
    int rc = 0;
    if (telling->signal == SIGKILL && telling->is_below)
        rc = write_file(cgroup, "freezer.state", "THAWED");
    telling->is_below = 1;
    return rc == -ENOENT || rc == -ENODEV ? 0 : rc; /* of version 2, or gone */
}

static int signal_tree(int cgroup, int signal) {
    struct telling telling = {.signal = signal};
    const struct pv_cgroup_visit visit = {.enter = signal_one, .with = &telling};
    int own = pv_result(openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return own < 0 ? own : pv_visit_cgroups(own, &visit);
}

/*
 * All of them, also those that are forked meanwhile: version 2 kills a cgroup as a whole, and for any
 * other signal nobody may fork while they are counted. Where that takes long, they are told as they
 * are found, and once more when none runs: twice is better than never. Who was paused before stays so.
 */
int pv_do_signal_cgroup(struct pv_run *run, const struct pv_signal_cgroup *op) {
    int cgroup = pv_place_open(run, &op->at, O_RDONLY | O_DIRECTORY, 0);
    if (cgroup < 0)
        return cgroup == -ENOENT ? 0 : cgroup;
    if (op->signal == SIGKILL && write_file(cgroup, "cgroup.kill", "1") == 0) {
        close(cgroup);
        return 0;
    }
    int thaws = op->signal != 0 && !pv_is_frozen(cgroup);
    int frozen = thaws ? freeze_in_time(cgroup, 1, PV_FREEZING_FOR_SIGNAL) : 0;
    int rc = signal_tree(cgroup, (int)op->signal);
    if (frozen == -EAGAIN && freeze_in_time(cgroup, 1, PV_FREEZING) == 0)
        rc = signal_tree(cgroup, (int)op->signal);
    if (thaws)
        freeze_once(cgroup, 0);
    close(cgroup);
    return rc;
}
