/*
 * Takes a plan over from the program that makes it: the launcher's child (see launch.c).
 *
 * What comes through the pipe is a hand-over: u32 bytes that follow, then the arguments with which
 * the program is started again when there is something to tell (texts, see wire.h), then a plan.
 * A program that ends without one was a command of another kind, and its exit status is ours.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "calls.h"
#include "executor.h"

#define PV_MOST_HANDED (64u << 20)

/* Where the reporter finds what happened. */
#define PV_REPORT_FD 3

/*
 * What somebody sent to us is meant for the program; what a terminal sends, it gets itself. If it
 * has its plan written by now, we are the one to stop.
 */
static void pass_to_program(struct pv_run *run) {
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != sizeof info)
        return;
    if (pv_means_stop((int)info.ssi_signo))
        run->asked_to_stop = (int)info.ssi_signo;
    if (info.ssi_code <= 0)
        pv_pidfd_send_signal(run->program_pidfd, (int)info.ssi_signo);
}

/* Some of the bytes, as they come; 0 at the end of the file. */
static ssize_t read_some(struct pv_run *run, int from, uint8_t *to, size_t size) {
    for (;;) {
        struct pollfd fds[2] = {{from, POLLIN, 0}, {run->signals, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return -errno;
        if (fds[1].revents)
            pass_to_program(run);
        if (!fds[0].revents)
            continue;
        ssize_t n = read(from, to, size);
        if (n >= 0 || errno != EINTR)
            return n < 0 ? -errno : n;
    }
}

/* All of them; -EPIPE when the file ends before. */
static int read_whole(struct pv_run *run, int from, uint8_t *to, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t n = read_some(run, from, to + got, size - got);
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
        got += (size_t)n;
    }
    return 0;
}

static uint32_t number_at(const uint8_t *bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The reporter's arguments: pointers into `bytes`. Gives how many bytes they took, or -EPROTO. */
static ssize_t take_arguments(struct pv_run *run, uint8_t *bytes, size_t size) {
    if (size < 4)
        return -EPROTO;
    uint32_t count = number_at(bytes);
    size_t at = 4;
    if (count > PV_REPORTER_ARGUMENTS)
        return -EPROTO;
    for (uint32_t i = 0; i < count; i++) {
        if (size - at < 4)
            return -EPROTO;
        size_t length = number_at(bytes + at);
        at += 4;
        if (length >= size - at || bytes[at + length] != '\0')
            return -EPROTO;
        run->reporter[i + 1] = (char *)bytes + at;
        at += length + 1;
    }
    return (ssize_t)at;
}

int pv_take_hand_over(struct pv_run *run, uint8_t *bytes, size_t size) {
    ssize_t used = take_arguments(run, bytes, size);
    if (used < 0)
        return (int)used;
    run->handed = bytes + used;
    run->handed_size = size - (size_t)used;
    return pv_plan_decode(run->handed, run->handed_size, &run->plan);
}

/* The program has ended without a plan: so do we, in the same way. */
static void __attribute__((noreturn)) end_as_program(struct pv_run *run) {
    int status = 0;
    /* It may have closed the pipe and go on: until its end, signals are passed to it. */
    for (struct pollfd fds[2] = {{run->program_pidfd, POLLIN, 0}, {run->signals, POLLIN, 0}};;) {
        if (poll(fds, 2, -1) > 0 && fds[1].revents)
            pass_to_program(run);
        if (fds[0].revents)
            break;
    }
    while (waitpid(run->program, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    int signal_number = WTERMSIG(status);
    /* Nobody asked for its end: the kernel for want of memory, or its runtime for want of anything. */
    if (!pv_means_stop(signal_number) && signal_number != SIGPIPE)
        dprintf(STDERR_FILENO,
                "pivot: its program was ended by signal %d: there may be too little memory, or too few "
                "processes allowed\n",
                signal_number);
    struct rlimit none = {0, 0};
    sigset_t all;
    setrlimit(RLIMIT_CORE, &none); /* one core is enough, and it was the program's */
    sigfillset(&all);
    signal(signal_number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(signal_number);
    _exit(128 + signal_number);
}

void pv_end_program(struct pv_run *run) {
    if (run->program <= 0)
        return;
    while (waitpid(run->program, NULL, 0) < 0 && errno == EINTR)
        ;
    close(run->program_pidfd);
    run->program = 0;
}

static int take_over(struct pv_run *run, int pipe, pid_t program) {
    uint8_t head[4];
    run->program = program;
    run->program_pidfd = pv_pidfd_open(program);
    if (run->program_pidfd < 0)
        return pv_say(run, run->program_pidfd, "pidfd_open");
    ssize_t first = read_some(run, pipe, head, 1);
    if (first == 0)
        end_as_program(run);
    int rc = first < 0 ? (int)first : read_whole(run, pipe, head + 1, sizeof head - 1);
    uint32_t size = rc == 0 ? number_at(head) : 0;
    if (size > PV_MOST_HANDED)
        rc = -EPROTO;
    uint8_t *bytes = rc == 0 ? malloc((size_t)size + 1) : NULL;
    if (rc == 0)
        rc = bytes ? read_whole(run, pipe, bytes, size) : -ENOMEM;
    close(pipe);
    /* It has nothing more to do; to let it take itself apart would only take time. */
    pv_pidfd_send_signal(run->program_pidfd, SIGKILL);
    if (rc == 0)
        rc = pv_take_hand_over(run, bytes, size);
    if (rc < 0)
        free(bytes); /* with the reporter's arguments: see below */
    return rc;
}

int pv_follow(struct pv_run *run, int pipe, pid_t program) {
    int rc = take_over(run, pipe, program);
    if (rc < 0) {
        kill(program, SIGKILL); /* it may wait for ever for us to read its plan */
        run->reporter[1] = NULL; /* without a plan there is nothing that it could tell of */
    }
    return rc;
}

int pv_write_report(const struct pv_run *run) {
    int file = pv_result(memfd_create("pivot-report", MFD_CLOEXEC));
    if (file < 0)
        return file;
    uint32_t size = run->kept * (uint32_t)sizeof *run->events;
    uint8_t head[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                       (uint8_t)(size >> 24)};
    int rc = pv_write_whole(file, head, sizeof head);
    if (rc == 0)
        rc = pv_write_whole(file, run->events, size);
    if (rc == 0)
        rc = pv_write_whole(file, run->handed, run->handed_size);
    if (rc == 0 && lseek(file, 0, SEEK_SET) < 0)
        rc = -errno;
    if (rc == 0 && file == PV_REPORT_FD)
        return pv_result(fcntl(file, F_SETFD, 0));
    if (rc == 0 && dup2(file, PV_REPORT_FD) < 0)
        rc = -errno;
    close(file);
    return rc;
}
