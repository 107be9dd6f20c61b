/*
 * What flows between a container and those who are there for it: the caller's streams, the log, and
 * whoever is attached. The caller's descriptors are shared with others, so they are never made
 * non-blocking, and are read and written when poll says so. Our own ends of pipes and of the
 * terminal are non-blocking: whether those move on is up to the container.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "attach.h"
#include "calls.h"
#include "monitor.h"

#define PV_BUFFER 65536

/*
 * One direction. It ends when its source has ended or its sink is gone. Without a source it takes
 * what attached people type; without a sink it is there for the log and for those people alone.
 */
struct copy {
    int from, to;
    int is_open;
    size_t start, end;
    char buffer[PV_BUFFER];
};

enum { COPY_IN, COPY_OUT, COPY_ERR, COPIES };

static struct copy copies[COPIES];
static int lost; /* the errno with which the caller's output or error could not be written, or 0 */
static int slave = -1; /* of the terminal: held open, or its last user would seem to have gone */

/* A pipe of ours or the terminal of the container, and not a descriptor of the caller. */
static int is_ours(int fd) {
    return fd > STDERR_FILENO;
}

static void make_ours_nonblocking(int fd) {
    if (is_ours(fd))
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void forget(struct copy *copy) {
    copy->from = copy->to = -1;
    copy->is_open = 0;
    copy->start = copy->end = 0;
}

/* Nobody sees the terminal any more: it hangs up, and no program waits for us to read from it. */
static void hang_up(struct pv_run *run) {
    close(run->terminal);
    if (slave >= 0)
        close(slave);
    run->terminal = slave = -1;
    forget(&copies[COPY_IN]);
    forget(&copies[COPY_OUT]);
}

/* Gives the caller the next packet of it: how many bytes, or what send(2) says. */
static ssize_t send_to_caller(const struct pv_run *run, const struct copy *copy) {
    int kind = copy == &copies[COPY_ERR] ? PV_ATTACH_STDERR : PV_ATTACH_STDOUT;
    size_t most = copy->end - copy->start;
    most = most < PV_PACKET - 1 ? most : PV_PACKET - 1;
    int rc = pv_send_packet(run->caller, kind, copy->buffer + copy->start, most);
    return rc < 0 ? rc : (ssize_t)most;
}

/* The ends of a pipe are closed so that the other side sees it: end of file, or SIGPIPE. */
static void end_copy(struct pv_run *run, struct copy *copy) {
    const int ends[] = {copy->from, copy->to};
    forget(copy);
    for (int i = 0; i < 2; i++)
        if (is_ours(ends[i]) && ends[i] != run->terminal && ends[i] != run->caller)
            close(ends[i]);
    if (run->terminal >= 0 && ends[0] == run->terminal)
        hang_up(run);
}

static void start_copy(struct copy *copy, int from, int to) {
    copy->is_open = 1;
    copy->from = from;
    copy->to = to;
    make_ours_nonblocking(from);
    make_ours_nonblocking(to);
}

/*
 * The caller takes part in the foreground, or its streams are ours. A sink that swallows everything
 * is none: a detached executor has three of them.
 */
static int sink_of(const struct pv_run *run, int stream) {
    struct stat st;
    if (run->caller >= 0)
        return run->caller;
    return fstat(stream, &st) == 0 && pv_is_null(&st) ? -1 : stream;
}

/* The same of what nothing comes from: as long as people can attach, it is they who end the input. */
static int source_of_input(const struct pv_run *run) {
    struct stat st;
    int is_null = fstat(STDIN_FILENO, &st) == 0 && pv_is_null(&st);
    return is_null && (run->caller >= 0 || pv_is_attachable()) ? -1 : STDIN_FILENO;
}

void pv_start_flow(struct pv_run *run) {
    for (int i = 0; i < COPIES; i++)
        forget(&copies[i]);
    for (int i = PV_STDIN; i < PV_STREAMS; i++) {
        if (run->pipes[i][0] < 0)
            continue;
        int is_in = i == PV_STDIN;
        close(run->pipes[i][!is_in]); /* the container's end */
        if (is_in)
            start_copy(&copies[i], source_of_input(run), run->pipes[i][1]);
        else
            start_copy(&copies[i], run->pipes[i][0], sink_of(run, i));
    }
    if (run->terminal < 0)
        return;
    slave = pv_result(ioctl(run->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    pv_copy_window_size(run, run->terminal);
    if (run->copies_terminal_out)
        start_copy(&copies[COPY_OUT], run->terminal, sink_of(run, STDOUT_FILENO));
    if (run->copies_terminal_in) {
        start_copy(&copies[COPY_IN], source_of_input(run), run->terminal);
        if (copies[COPY_IN].from >= 0)
            pv_make_raw();
    }
}

/* Reads from the container what the log and whoever is attached are to have as well. */
static void show(const struct pv_run *run, const struct copy *copy) {
    int stream = copy == &copies[COPY_OUT] ? PV_STDOUT : PV_STDERR;
    if (copy == &copies[COPY_IN])
        return;
    pv_log_output(stream, copy->buffer, copy->end);
    pv_send_output(run, stream, copy->buffer, copy->end);
}

/* Moves one buffer's worth at most. */
static void move_bytes(struct pv_run *run, struct copy *copy, short from_events, short to_events) {
    if (copy->start == copy->end && from_events) {
        ssize_t n = read(copy->from, copy->buffer, sizeof copy->buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n <= 0) {
            /* A raw terminal has no end but one: it has gone. */
            if (copy == &copies[COPY_IN] && pv_is_raw() && run->terminal >= 0)
                hang_up(run);
            else
                end_copy(run, copy);
            return;
        }
        copy->start = 0;
        copy->end = (size_t)n;
        show(run, copy);
        if (copy->to < 0) {
            copy->start = copy->end;
            return;
        }
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
    int is_caller = run->caller >= 0 && copy->to == run->caller;
    ssize_t n = is_caller ? send_to_caller(run, copy)
                          : write(copy->to, copy->buffer + copy->start, most);
    if (n > 0)
        copy->start += (size_t)n;
    else if (n < 0 && is_caller && errno != EAGAIN)
        pv_forget_caller(run);
    else if (n < 0 && errno != EINTR && errno != EAGAIN) {
        /* Who has gone away or hung up wants no more; but a file that is full lacks what was said. */
        if (copy != &copies[COPY_IN] && errno != EPIPE && errno != EIO)
            lost = errno;
        end_copy(run, copy);
    }
}

int pv_lost_output(void) {
    return lost;
}

static void poll_copy(const struct copy *copy, struct pollfd *fds) {
    int waiting = copy->is_open && copy->start == copy->end;
    fds[0] = (struct pollfd){waiting ? copy->from : -1, POLLIN, 0};
    fds[1] = (struct pollfd){copy->is_open && !waiting ? copy->to : -1, POLLOUT, 0};
}

void pv_poll_flow(struct pollfd fds[PV_FLOW_POLLS]) {
    for (int i = 0; i < COPIES; i++)
        poll_copy(&copies[i], &fds[2 * i]);
}

void pv_move_flow(struct pv_run *run, const struct pollfd fds[PV_FLOW_POLLS]) {
    for (int i = 0; i < COPIES; i++)
        move_bytes(run, &copies[i], fds[2 * i].revents, fds[2 * i + 1].revents);
}

/* It was killed: the container goes on, as with any who is attached. */
void pv_forget_caller(struct pv_run *run) {
    for (int i = COPY_OUT; i < COPIES; i++)
        if (run->caller >= 0 && copies[i].to == run->caller) {
            copies[i].to = -1;
            copies[i].start = copies[i].end;
        }
    pv_put_out(run->caller);
    run->caller = -1;
}

int pv_has_input(void) {
    return copies[COPY_IN].is_open;
}

int pv_takes_input(void) {
    return !copies[COPY_IN].is_open || copies[COPY_IN].start == copies[COPY_IN].end;
}

void pv_give_input(struct pv_run *run, const char *bytes, size_t size) {
    struct copy *copy = &copies[COPY_IN];
    if (!copy->is_open || size == 0 || size > sizeof copy->buffer)
        return;
    memcpy(copy->buffer, bytes, size);
    copy->start = 0;
    copy->end = size;
    move_bytes(run, copy, 0, POLLOUT);
}

void pv_end_input(struct pv_run *run) {
    /* A terminal has no end of input but the character for it, which is typed. */
    if (copies[COPY_IN].is_open && run->terminal < 0)
        end_copy(run, &copies[COPY_IN]);
}

void pv_end_output(struct pv_run *run, int stream) {
    struct copy *copy = &copies[stream == PV_STDERR ? COPY_ERR : COPY_OUT];
    if (copy->is_open)
        end_copy(run, copy);
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
        int signal = n > 0 && fds[2].revents ? pv_next_signal(run) : 0;
        if (n <= 0 || (signal && signal != SIGWINCH))
            return;
        move_bytes(run, copy, fds[0].revents, fds[1].revents);
        if (waiting)
            left -= copy->end < left ? copy->end : left;
    }
}

void pv_drain_flow(struct pv_run *run) {
    for (int i = COPY_OUT; i < COPIES; i++)
        drain(run, &copies[i]);
}
