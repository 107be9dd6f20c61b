/*
 * Detaching: the executor goes on as a child, in a session of its own, and the process that the
 * caller waits for stays until the program runs.
 *
 *     caller's process                          monitor
 *        | fork -------------------------------> a session of its own, /dev/null as streams
 *        | waits; passes signals on              the steps that are left
 *        |      <------------------- STARTED     the program runs
 *        | prints the announcement, exits 0      supervises
 *        |   or takes part (take-part.c)
 *        |
 *        |      <-------------------- FAILED     all is undone
 *        | becomes the reporter                  exits
 *
 * Nothing is left half made: when the caller's process is killed the monitor gets SIGTERM, and
 * undoes; from STARTED on the container is whole. When the monitor is killed, init ends with it
 * (PR_SET_PDEATHSIG), and its lock goes, so that `system prune` takes the directories away.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "attach.h"
#include "calls.h"
#include "monitor.h"

enum { PV_NEWS_STARTED = 1, PV_NEWS_FAILED };

struct news {
    uint32_t kind;
    int32_t exit_code;
    uint32_t has_news;
    uint32_t kept;
    struct pv_event events[PV_EVENTS];
};

/* Signals are meant for the start as long as there is one. */
static void pass_to_monitor(struct pv_run *run, pid_t monitor) {
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) == sizeof info && pv_means_stop((int)info.ssi_signo))
        kill(monitor, (int)info.ssi_signo);
}

static void hear_news(struct pv_run *run, int socket, pid_t monitor, struct news *news) {
    int fd = -1, status = 0;
    for (struct pollfd fds[2] = {{socket, POLLIN, 0}, {run->signals, POLLIN, 0}};;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents)
            break;
        if (fds[1].revents)
            pass_to_monitor(run, monitor);
    }
    if (pv_receive_bytes(socket, news, sizeof *news, &fd) == 0)
        return;
    *news = (struct news){.kind = PV_NEWS_FAILED, .exit_code = 125, .has_news = 1, .kept = 1};
    while (waitpid(monitor, &status, 0) < 0 && errno == EINTR)
        ;
    struct pv_event *event = &news->events[0];
    *event = (struct pv_event){.kind = PV_EVENT_FAILED, .step = run->step, .error = ECHILD};
    snprintf(event->text, sizeof event->text,
             "its monitor was ended by signal %d: `pivot system prune` removes what is left",
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    /* A monitor tells who asked by itself, as long as it lives. */
    if (run->result >= 0)
        pv_event(run, PV_EVENT_FAILED, run->step, ECHILD, 0, event->text);
}

void pv_take_news(struct pv_run *run, const void *bytes, size_t size) {
    static struct news news;
    if (size != sizeof news)
        return;
    memcpy(&news, bytes, size);
    for (uint32_t i = 0; i < news.kept && i < PV_EVENTS && run->kept < PV_EVENTS; i++)
        run->events[run->kept++] = news.events[i];
    run->has_news |= news.has_news != 0;
}

static int announce(const char *text) {
    size_t size = strlen(text);
    for (size_t sent = 0; sent < size;) {
        ssize_t n = write(STDOUT_FILENO, text + sent, size - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            dprintf(STDERR_FILENO, "pivot: the container runs, but its id cannot be written: %s\n",
                    strerror(errno));
            return 125;
        }
        sent += (size_t)n;
    }
    return 0;
}

static void __attribute__((noreturn)) wait_for_start(struct pv_run *run, const struct pv_detach *op,
                                                     int socket, pid_t monitor) {
    static struct news news;
    pv_end_program(run);
    hear_news(run, socket, monitor, &news);
    run->exit_code = news.exit_code;
    if (news.kind == PV_NEWS_STARTED) {
        run->exit_code = announce(op->announce);
        struct pv_session wish = {.input = (int)op->input, .is_caller = 1, .keys = op->keys, .of = &op->of,
                                  .farewell = op->farewell};
        /* What went wrong so far and ended nothing: else it is told at the end, or was told. */
        if (!op->attach && run->result < 0) {
            pv_take_news(run, &news, sizeof news);
            pv_event(run, PV_EVENT_ENDED, run->step, 0, run->exit_code, "");
        }
        int rc = op->attach ? pv_take_part(run, socket, &wish) : 0;
        if (rc < 0) {
            run->exit_code = 125;
            pv_event(run, PV_EVENT_FAILED, run->step, -rc, 0, run->text);
        }
    } else {
        pv_take_news(run, &news, sizeof news);
    }
    if (run->has_news && run->reporter[1])
        pv_become_reporter(run);
    _exit(run->exit_code);
}

static int by_number(const void *one, const void *other) {
    return *(const int *)one - *(const int *)other;
}

/* What the caller has open is not kept from its end: only our own descriptors stay. */
static int close_callers(const struct pv_run *run) {
    int own[PV_SLOTS + PV_LOCKS + 8] = {run->signals, run->waiter,   run->result,      run->starter,
                                        run->sync,    run->listener, run->answered_fd, run->use};
    memcpy(own + 8, run->locks, sizeof run->locks);
    memcpy(own + 8 + PV_LOCKS, run->slots, sizeof run->slots);
    qsort(own, sizeof own / sizeof *own, sizeof *own, by_number);
    unsigned from = STDERR_FILENO + 1;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i] < (int)from)
            continue;
        int rc = own[i] > (int)from ? pv_close_range(from, (unsigned)own[i] - 1, 0) : 0;
        if (rc < 0)
            return rc;
        from = (unsigned)own[i] + 1;
    }
    return pv_close_range(from, ~0u, 0);
}

static int leave_caller(struct pv_run *run, pid_t parent) {
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &run->window) < 0 &&
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &run->window) < 0)
        run->window.ws_row = 0;
    /* Ignored by who started us, the signal would not come: then `pv_tell_started` finds out. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        return -errno;
    if (getppid() != parent)
        return pv_say(run, -EINTR, "stopped by signal %d", SIGTERM);
    if (setsid() < 0 || chdir("/") < 0)
        return -errno;
    int null = pv_result(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0)
        return pv_say(run, null, "/dev/null");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0)
            return -errno;
    return close_callers(run);
}

int pv_do_detach(struct pv_run *run, const struct pv_detach *op) {
    int sockets[2];
    if (run->waiter >= 0)
        return pv_say(run, -EALREADY, "it goes on without the caller already");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        int rc = -errno;
        close(sockets[0]);
        close(sockets[1]);
        return rc;
    }
    if (pid > 0) {
        close(sockets[1]);
        wait_for_start(run, op, sockets[0], pid);
    }
    run->program = 0; /* the caller's process's child */
    run->waiter = sockets[1];
    run->caller = op->attach ? sockets[1] : -1;
    return leave_caller(run, parent);
}

static void fill(const struct pv_run *run, struct news *news, uint32_t kind) {
    *news = (struct news){.kind = kind, .exit_code = run->exit_code,
                          .has_news = (uint32_t)run->has_news, .kept = run->kept};
    memcpy(news->events, run->events, sizeof news->events);
}

static int tell(struct pv_run *run, uint32_t kind) {
    static struct news news;
    fill(run, &news, kind);
    int rc = pv_send_bytes(run->waiter, &news, sizeof news, -1);
    if (run->waiter != run->caller)
        close(run->waiter);
    run->waiter = -1;
    return rc;
}

int pv_tell_started(struct pv_run *run) {
    if (run->waiter < 0)
        return 0;
    prctl(PR_SET_PDEATHSIG, 0);
    /* Who reads events waits for their end, too. */
    if (run->result >= 0)
        close(run->result);
    run->result = -1;
    if (tell(run, PV_NEWS_STARTED) == 0)
        return 0;
    run->exit_code = 128 + SIGTERM;
    return pv_say(run, -EINTR, "stopped by signal %d", SIGTERM);
}

int pv_tell_failed(struct pv_run *run) {
    static struct news news;
    if (run->waiter >= 0) {
        tell(run, PV_NEWS_FAILED);
        return 1;
    }
    if (run->caller < 0)
        return 0;
    if (run->has_news) {
        fill(run, &news, PV_NEWS_FAILED);
        pv_send_packet(run->caller, PV_ATTACH_LEFT, &news, sizeof news);
        run->has_news = 0;
    }
    /* Its end of file: all is undone. */
    close(run->caller);
    run->caller = -1;
    return 0;
}
