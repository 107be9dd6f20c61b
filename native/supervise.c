/*
 * What the executor does while the container runs: it moves what flows (flow.c), serves who is
 * attached, passes signals and window sizes on, looks after the container's health, and notices the
 * end. It blocks only in poll.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "calls.h"
#include "monitor.h"

int pv_next_signal(struct pv_run *run) {
    struct signalfd_siginfo info;
    return read(run->signals, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

/* A signal to the executor is meant for the container. */
static void pass_signal(struct pv_run *run, const struct pv_supervise *op) {
    int signal = pv_next_signal(run);
    if (signal == SIGWINCH && run->terminal >= 0)
        pv_copy_window_size(run, run->terminal);
    else if (signal && (op->signals || signal != SIGWINCH))
        pv_pidfd_send_signal(run->pidfd, op->signals ? signal : SIGKILL);
}

/* Whether the kernel has killed somebody of the cgroup for want of memory: `oom_kill N` is a line. */
static int has_struck(struct pv_run *run, const struct pv_place *counter) {
    char text[1024];
    int fd = counter->slot == PV_SLOT_NONE ? -1 : pv_place_open(run, counter, O_RDONLY, 0);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "oom_kill ", 9) == 0)
            return atoi(line + 9) > 0;
    }
    return 0;
}

static int reap(struct pv_run *run, const struct pv_supervise *op) {
    int status;
    pid_t pid;
    do
        pid = waitpid(run->init, &status, __WALL);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return -errno;
    run->init = 0;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int code = signal ? 128 + signal : WEXITSTATUS(status);
    int struck = has_struck(run, &op->oom);
    pv_event(run, PV_EVENT_ENDED, run->step, signal, code, struck ? "oom" : "");
    if (op->status.slot == PV_SLOT_NONE)
        return 0;
    char text[24];
    snprintf(text, sizeof text, "%d%s", code, struck ? " oom" : "");
    uint32_t how = op->replace ? PV_WRITE_MODE_REPLACE : PV_WRITE_MODE_EXCLUSIVE;
    return pv_write_text(run, &op->status, how, 0644, text);
}

enum {
    PIDFD,
    SIGNALS,
    PARENT,
    RESOLVER,
    COMPANIONS,
    FLOW = COMPANIONS + PV_COMPANIONS,
    CLIENTS = FLOW + PV_FLOW_POLLS,
    POLLS = CLIENTS + PV_CLIENT_POLLS
};

/* Until the container has ended. */
static int watch(struct pv_run *run, const struct pv_supervise *op) {
    int parent = op->parent ? run->starter : -1;
    for (;;) {
        struct pollfd fds[POLLS] = {
            [PIDFD] = {run->pidfd, POLLIN, 0},
            [SIGNALS] = {run->signals, POLLIN, 0},
            [PARENT] = {parent, POLLIN, 0},
            [RESOLVER] = {pv_poll_resolver(), POLLIN, 0},
        };
        pv_poll_companions(fds + COMPANIONS);
        pv_poll_flow(fds + FLOW);
        nfds_t count = CLIENTS + pv_poll_clients(fds + CLIENTS);
        if (poll(fds, count, pv_health_pause()) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        pv_move_flow(run, fds + FLOW);
        pv_serve_clients(run, fds + CLIENTS);
        pv_hear_companions(run, fds + COMPANIONS);
        if (fds[RESOLVER].revents)
            pv_look_after_resolver(run);
        pv_look_after_health();
        if (fds[SIGNALS].revents)
            pass_signal(run, op);
        if (fds[PARENT].revents) {
            pv_pidfd_send_signal(run->pidfd, SIGKILL);
            parent = -1;
        }
        if (fds[PIDFD].revents)
            return 0;
    }
}

int pv_do_supervise(struct pv_run *run, const struct pv_supervise *op) {
    if (run->init <= 0 || !run->leapt)
        return pv_say(run, -ECHILD, "no program of a container runs yet");
    pv_close_slots(run);
    pv_end_program(run);
    int rc = pv_tell_started(run);
    if (rc < 0)
        return rc;
    pv_start_flow(run);
    if (run->caller >= 0)
        pv_take_in_caller(run);
    rc = watch(run, op);
    if (rc == 0) {
        pv_drain_flow(run);
        pv_drain_companions(run);
    }
    pv_restore_terminal();
    pv_end_health();
    pv_log_end();
    if (rc == 0)
        rc = reap(run, op);
    if (rc == 0 && pv_lost_output()) {
        run->exit_code = 125;
        pv_event(run, PV_EVENT_FAILED, run->step, pv_lost_output(), 0,
                 "the container's output could not be written to where it was sent");
    }
    if (rc == 0)
        pv_tell_clients_end(run);
    return rc;
}
