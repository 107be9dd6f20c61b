/*
 * What the executor does while the container runs: it copies streams, passes signals and window
 * sizes on, and notices the end. It blocks only in poll: the caller's descriptors are shared with
 * others, so they are never made non-blocking, and are read and written when poll says so.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "calls.h"
#include "executor.h"

#define PV_BUFFER 65536

/* One direction of copying. It ends when its source has ended or its sink is gone. */
struct copy {
    int from, to;
    int last; /* read what is there now, and then no more */
    size_t start, end;
    char buffer[PV_BUFFER];
};

enum { COPY_IN, COPY_OUT, COPY_ERR, COPIES };

static struct copy copies[COPIES];
static struct termios cooked;
static int is_raw;

static void restore_terminal(void) {
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    is_raw = 0;
}

static void copy_window_size(struct pv_run *run) {
    struct winsize size;
    if (run->terminal >= 0 && (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 ||
                               ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0))
        ioctl(run->terminal, TIOCSWINSZ, &size);
}

static void end_copy(struct pv_run *run, struct copy *copy) {
    /* A pipe's end is closed so that the other side sees it; the terminal has two users. */
    if (copy->to > STDERR_FILENO && copy->to != run->terminal)
        close(copy->to);
    copy->from = copy->to = -1;
}

static void start_copies(struct pv_run *run) {
    for (int i = 0; i < COPIES; i++)
        copies[i].from = copies[i].to = -1;
    for (int i = PV_STDIN; i < PV_STREAMS; i++) {
        if (run->pipes[i][0] < 0)
            continue;
        int ours = i == PV_STDIN;
        copies[i].from = ours ? STDIN_FILENO : run->pipes[i][0];
        copies[i].to = ours ? run->pipes[i][1] : i;
        close(run->pipes[i][!ours]); /* the container's end */
    }
    if (run->terminal < 0)
        return;
    copy_window_size(run);
    if (run->copies_terminal_out) {
        copies[COPY_OUT].from = run->terminal;
        copies[COPY_OUT].to = STDOUT_FILENO;
    }
    if (run->copies_terminal_in) {
        copies[COPY_IN].from = STDIN_FILENO;
        copies[COPY_IN].to = run->terminal;
        if (tcgetattr(STDIN_FILENO, &cooked) == 0) {
            struct termios raw = cooked;
            cfmakeraw(&raw);
            is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
        }
    }
}

/* Moves one buffer's worth at most. EIO is how a terminal says that its last user has gone. */
static void move_bytes(struct pv_run *run, struct copy *copy, short from_events, short to_events) {
    if (copy->start == copy->end && from_events) {
        ssize_t n = read(copy->from, copy->buffer, sizeof copy->buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n <= 0) {
            end_copy(run, copy);
            return;
        }
        copy->start = 0;
        copy->end = (size_t)n;
        /* What is read is tried at once: poll is asked only when it does not fit. */
        struct pollfd sink = {copy->to, POLLOUT, 0};
        poll(&sink, 1, 0);
        to_events = sink.revents;
    }
    if (copy->start == copy->end || !to_events)
        return;
    /* Writable means that PIPE_BUF bytes fit: more could block, and signals would wait. */
    size_t most = copy->end - copy->start;
    if (most > PIPE_BUF)
        most = PIPE_BUF;
    ssize_t n = write(copy->to, copy->buffer + copy->start, most);
    if (n > 0)
        copy->start += (size_t)n;
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
        end_copy(run, copy);
}

static int poll_copy(struct copy *copy, struct pollfd *fds) {
    int waiting = copy->from >= 0 && copy->start == copy->end;
    fds[0] = (struct pollfd){waiting ? copy->from : -1, POLLIN, 0};
    fds[1] = (struct pollfd){copy->from >= 0 && !waiting ? copy->to : -1, POLLOUT, 0};
    return copy->from >= 0;
}

/* The container has ended: what it wrote before is still in the pipes. */
static void drain(struct pv_run *run) {
    for (int i = COPY_OUT; i < COPIES; i++) {
        for (struct copy *copy = &copies[i]; copy->from >= 0;) {
            struct pollfd fds[2];
            poll_copy(copy, fds);
            int waiting = fds[0].fd >= 0;
            /* Somebody else may hold the pipe open: what is not there now is not waited for. */
            if (poll(fds, 2, waiting ? 0 : -1) <= 0)
                break;
            move_bytes(run, copy, fds[0].revents, fds[1].revents);
        }
    }
}

/* A signal to the executor is meant for the container. */
static void pass_signal(struct pv_run *run, const struct pv_supervise *op) {
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGWINCH && run->terminal >= 0)
        copy_window_size(run);
    else
        pv_pidfd_send_signal(run->pidfd, op->signals ? (int)info.ssi_signo : SIGKILL);
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
    pv_event(run, PV_EVENT_ENDED, run->step, signal, code, "");
    if (op->status.slot == PV_SLOT_NONE)
        return 0;
    return pv_write_number(run, &op->status, 0644, code);
}

/* What the steps kept is of no more use, and a descriptor of a mount would keep it busy. */
static void close_slots(struct pv_run *run) {
    for (uint32_t i = 0; i < PV_SLOTS; i++) {
        if (run->slots[i] >= 0)
            close(run->slots[i]);
        run->slots[i] = -1;
    }
}

int pv_do_supervise(struct pv_run *run, const struct pv_supervise *op) {
    int parent = op->parent ? run->starter : -1;
    close_slots(run);
    start_copies(run);
    for (;;) {
        struct pollfd fds[3 + 2 * COPIES] = {
            {run->pidfd, POLLIN, 0},
            {run->signals, POLLIN, 0},
            {parent, POLLIN, 0},
        };
        for (int i = 0; i < COPIES; i++)
            poll_copy(&copies[i], &fds[3 + 2 * i]);
        if (poll(fds, 3 + 2 * COPIES, -1) < 0) {
            if (errno == EINTR)
                continue;
            restore_terminal();
            return -errno;
        }
        for (int i = 0; i < COPIES; i++)
            move_bytes(run, &copies[i], fds[3 + 2 * i].revents, fds[4 + 2 * i].revents);
        if (fds[1].revents)
            pass_signal(run, op);
        if (fds[2].revents) {
            pv_pidfd_send_signal(run->pidfd, SIGKILL);
            parent = -1;
        }
        if (fds[0].revents)
            break;
    }
    drain(run);
    restore_terminal();
    return reap(run, op);
}
