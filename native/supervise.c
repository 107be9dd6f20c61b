/*
 * What the executor does while the container runs: it copies streams, passes signals and window
 * sizes on, and notices the end. It blocks only in poll: the caller's descriptors are shared with
 * others, so they are never made non-blocking, and are read and written when poll says so. Our own
 * ends of pipes and of the terminal are non-blocking: whether those move on is up to the container.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <stdio.h>
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
    size_t start, end;
    char buffer[PV_BUFFER];
};

enum { COPY_IN, COPY_OUT, COPY_ERR, COPIES };

static struct copy copies[COPIES];
static struct termios cooked;
static int is_raw;
static int slave = -1; /* of the terminal: held open, or its last user would seem to have gone */

static void restore_terminal(void) {
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    is_raw = 0;
}

/* A pipe of ours or the terminal of the container, and not a descriptor of the caller. */
static int is_ours(int fd) {
    return fd > STDERR_FILENO;
}

static void make_ours_nonblocking(int fd) {
    if (is_ours(fd))
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Nobody sees the terminal any more: it hangs up, and no program waits for us to read from it. */
static void hang_up(struct pv_run *run) {
    close(run->terminal);
    if (slave >= 0)
        close(slave);
    run->terminal = slave = -1;
    copies[COPY_IN].from = copies[COPY_IN].to = -1;
    copies[COPY_OUT].from = copies[COPY_OUT].to = -1;
}

/* The ends of a pipe are closed so that the other side sees it: end of file, or SIGPIPE. */
static void end_copy(struct pv_run *run, struct copy *copy) {
    const int ends[] = {copy->from, copy->to};
    copy->from = copy->to = -1;
    for (int i = 0; i < 2; i++)
        if (is_ours(ends[i]) && ends[i] != run->terminal)
            close(ends[i]);
    if (run->terminal >= 0 && ends[0] == run->terminal)
        hang_up(run);
}

static void start_copy(struct copy *copy, int from, int to) {
    copy->from = from;
    copy->to = to;
    make_ours_nonblocking(from);
    make_ours_nonblocking(to);
}

static void make_raw(void) {
    if (tcgetattr(STDIN_FILENO, &cooked) < 0)
        return;
    struct termios raw = cooked;
    cfmakeraw(&raw);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void start_copies(struct pv_run *run) {
    for (int i = 0; i < COPIES; i++)
        copies[i].from = copies[i].to = -1;
    for (int i = PV_STDIN; i < PV_STREAMS; i++) {
        if (run->pipes[i][0] < 0)
            continue;
        int is_in = i == PV_STDIN;
        close(run->pipes[i][!is_in]); /* the container's end */
        if (is_in)
            start_copy(&copies[i], STDIN_FILENO, run->pipes[i][1]);
        else
            start_copy(&copies[i], run->pipes[i][0], i);
    }
    if (run->terminal < 0)
        return;
    slave = pv_result(ioctl(run->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    pv_copy_window_size(run->terminal);
    if (run->copies_terminal_out)
        start_copy(&copies[COPY_OUT], run->terminal, STDOUT_FILENO);
    if (run->copies_terminal_in) {
        start_copy(&copies[COPY_IN], STDIN_FILENO, run->terminal);
        make_raw();
    }
}

/* Moves one buffer's worth at most. */
static void move_bytes(struct pv_run *run, struct copy *copy, short from_events, short to_events) {
    if (copy->start == copy->end && from_events) {
        ssize_t n = read(copy->from, copy->buffer, sizeof copy->buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n <= 0) {
            /* A raw terminal has no end but one: it has gone. */
            if (copy == &copies[COPY_IN] && is_raw && run->terminal >= 0)
                hang_up(run);
            else
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
    if (!is_ours(copy->to) && most > PIPE_BUF)
        most = PIPE_BUF;
    ssize_t n = write(copy->to, copy->buffer + copy->start, most);
    if (n > 0)
        copy->start += (size_t)n;
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
        end_copy(run, copy);
}

static void poll_copy(const struct copy *copy, struct pollfd *fds) {
    int waiting = copy->from >= 0 && copy->start == copy->end;
    fds[0] = (struct pollfd){waiting ? copy->from : -1, POLLIN, 0};
    fds[1] = (struct pollfd){copy->from >= 0 && !waiting ? copy->to : -1, POLLOUT, 0};
}

static int next_signal(struct pv_run *run) {
    struct signalfd_siginfo info;
    return read(run->signals, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

/*
 * The container has ended: what it wrote before is still in the pipe, which holds `left` bytes at
 * most. No more is read: a process that has outlived its container could write for ever.
 */
static void drain(struct pv_run *run, struct copy *copy) {
    int size = fcntl(copy->from, F_GETPIPE_SZ);
    size_t left = size > 0 ? (size_t)size : PV_BUFFER;
    while (copy->from >= 0) {
        struct pollfd fds[3];
        poll_copy(copy, fds);
        int waiting = fds[0].fd >= 0;
        if (waiting && left == 0)
            return;
        /* Nobody may ever read what we write: a signal ends that. */
        fds[2] = (struct pollfd){waiting ? -1 : run->signals, POLLIN, 0};
        int n = poll(fds, 3, waiting ? 0 : -1);
        if (n < 0 && errno == EINTR)
            continue;
        int signal = n > 0 && fds[2].revents ? next_signal(run) : 0;
        if (n <= 0 || (signal && signal != SIGWINCH))
            return;
        move_bytes(run, copy, fds[0].revents, fds[1].revents);
        if (waiting)
            left -= copy->end < left ? copy->end : left;
    }
}

/* A signal to the executor is meant for the container. */
static void pass_signal(struct pv_run *run, const struct pv_supervise *op) {
    int signal = next_signal(run);
    if (signal == SIGWINCH && run->terminal >= 0)
        pv_copy_window_size(run->terminal);
    else if (signal && (op->signals || signal != SIGWINCH))
        pv_pidfd_send_signal(run->pidfd, op->signals ? signal : SIGKILL);
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
    char text[16];
    snprintf(text, sizeof text, "%d", code);
    return pv_write_text(run, &op->status, PV_WRITE_MODE_EXCLUSIVE, 0644, text);
}

int pv_do_supervise(struct pv_run *run, const struct pv_supervise *op) {
    int parent = op->parent ? run->starter : -1;
    if (run->init <= 0 || !run->leapt)
        return pv_say(run, -ECHILD, "no program of a container runs yet");
    pv_close_slots(run);
    pv_end_program(run);
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
    for (int i = COPY_OUT; i < COPIES; i++)
        drain(run, &copies[i]);
    restore_terminal();
    return reap(run, op);
}
