/*
 * Taking part in what a container reads and writes, on the side of who is attached; what is said is
 * in attach.h. The caller's streams are as in flow.c: never made non-blocking, and read and written
 * when poll says so. It ends when the monitor closes the socket, which is when all is undone; or
 * when the detach keys are typed, a sequence that is kept back as long as it may still be one.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "attach.h"
#include "calls.h"
#include "monitor.h"

#define PV_TYPED 4096
#define PV_KEYS 64

enum state { GOES_ON, HAS_LEFT, IS_OVER };

static struct {
    const struct pv_session *wish;
    int socket;
    int process;  /* a pidfd to which signals are passed, or -1 */
    int terminal; /* the container has one */
    int reads;    /* standard input is read */
    int says_end; /* and its end is still to be said */
    int has_code;
    int32_t code;
    size_t matched; /* of the detach keys */
    /* To the caller. */
    int to;
    size_t out_start, out_end;
    char out[PV_PACKET];
    /* To the container: one packet. */
    size_t in_size;
    char in[1 + PV_TYPED + PV_KEYS]; /* with keys that were kept back */
} part;

/* 0 when it was said, -EAGAIN when there is no room now. */
static int say(enum pv_attach_kind kind, char *packet, size_t size) {
    packet[0] = (char)kind;
    ssize_t n;
    do
        n = send(part.socket, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static void say_size(int more) {
    struct winsize size;
    char packet[1 + 2 * sizeof size.ws_row];
    if (!part.terminal || (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 &&
                           ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0))
        return;
    unsigned short rows = (unsigned short)(size.ws_row + more);
    unsigned short columns = (unsigned short)(size.ws_col + more);
    memcpy(packet + 1, &rows, sizeof rows);
    memcpy(packet + 1 + sizeof rows, &columns, sizeof columns);
    say(PV_ATTACH_SIZE, packet, sizeof packet);
}

static void put(char byte) {
    part.in[1 + part.in_size++] = byte;
}

/* What was typed, without what may be the beginning of the detach keys; 1 when it is all of them. */
static int take_typed(const char *bytes, size_t size) {
    const struct pv_bytes *keys = &part.wish->keys;
    for (size_t i = 0; i < size; i++) {
        if (!pv_is_raw() || keys->size == 0) {
            put(bytes[i]);
            continue;
        }
        if ((uint8_t)bytes[i] != keys->data[part.matched]) {
            for (size_t k = 0; k < part.matched; k++)
                put((char)keys->data[k]);
            part.matched = 0;
        }
        if ((uint8_t)bytes[i] != keys->data[part.matched])
            put(bytes[i]);
        else if (++part.matched == keys->size)
            return 1;
    }
    return 0;
}

static enum state read_input(void) {
    char typed[PV_TYPED];
    ssize_t n = read(STDIN_FILENO, typed, sizeof typed);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GOES_ON;
    if (n > 0)
        return take_typed(typed, (size_t)n) ? HAS_LEFT : GOES_ON;
    part.reads = 0;
    /* A raw terminal has no end but one: it has gone. */
    if (pv_is_raw())
        return HAS_LEFT;
    part.says_end = 1;
    return GOES_ON;
}

/* What is to be said, as far as there is room. */
static void send_input(void) {
    char end[1];
    if (part.in_size > 0 && say(PV_ATTACH_INPUT, part.in, 1 + part.in_size) != -EAGAIN)
        part.in_size = 0;
    if (part.in_size == 0 && part.says_end && say(PV_ATTACH_NO_MORE, end, sizeof end) != -EAGAIN)
        part.says_end = 0;
}

static void hear_hello(uint8_t flags) {
    part.terminal = (flags & PV_ATTACH_TERMINAL) != 0;
    part.reads = part.wish->input && (flags & PV_ATTACH_TAKES_INPUT) != 0;
    if (part.terminal && part.reads)
        pv_make_raw();
    /* Another size and back: so a program draws its screen anew for who comes later. */
    if (!part.wish->is_caller)
        say_size(1);
    say_size(0);
}

static enum state hear(struct pv_run *run) {
    ssize_t n = recv(part.socket, part.out, sizeof part.out, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return GOES_ON;
    if (n <= 0)
        return IS_OVER;
    part.out_start = part.out_end = 0;
    switch ((enum pv_attach_kind)part.out[0]) {
    case PV_ATTACH_HELLO:
        hear_hello(n > 1 ? (uint8_t)part.out[1] : 0);
        break;
    case PV_ATTACH_STDOUT:
    case PV_ATTACH_STDERR:
        part.to = part.out[0] == PV_ATTACH_STDERR ? STDERR_FILENO : STDOUT_FILENO;
        part.out_start = 1;
        part.out_end = (size_t)n;
        break;
    case PV_ATTACH_ENDED:
        if (n == 1 + (ssize_t)sizeof part.code)
            memcpy(&part.code, part.out + 1, sizeof part.code);
        part.has_code = 1;
        part.reads = 0;
        pv_restore_terminal();
        break;
    case PV_ATTACH_LEFT:
        pv_take_news(run, part.out + 1, (size_t)n - 1);
        break;
    default:
        break; /* of a newer monitor */
    }
    return GOES_ON;
}

/* Who reads what we write may be gone: then there is nobody to take part for. */
static enum state write_output(void) {
    size_t most = part.out_end - part.out_start;
    ssize_t n = write(part.to, part.out + part.out_start, most < PIPE_BUF ? most : PIPE_BUF);
    if (n > 0)
        part.out_start += (size_t)n;
    if (n >= 0 || errno == EINTR || errno == EAGAIN)
        return GOES_ON;
    if (!part.wish->is_caller)
        return HAS_LEFT;
    /* The container is to notice, as if it had written there itself. */
    char packet[2] = {0, (char)part.to};
    part.out_start = part.out_end;
    say(PV_ATTACH_NO_READER, packet, sizeof packet);
    return GOES_ON;
}

static enum state hear_caller(struct pv_run *run) {
    int number = pv_next_signal(run);
    if (number == SIGWINCH) {
        say_size(0);
        return GOES_ON;
    }
    /* Its terminal has gone, and with it who was there. */
    int leaves = number == SIGHUP && pv_is_raw();
    if (number && !leaves && part.process >= 0)
        pv_pidfd_send_signal(part.process, number);
    if (number && (leaves || (part.process < 0 && pv_means_stop(number)))) {
        run->exit_code = 128 + number;
        return HAS_LEFT;
    }
    return GOES_ON;
}

static enum state go_on(struct pv_run *run) {
    int writes = part.out_start < part.out_end;
    short socket = (short)((writes ? 0 : POLLIN) | (part.in_size || part.says_end ? POLLOUT : 0));
    struct pollfd fds[4] = {
        {socket ? part.socket : -1, socket, 0},
        {part.reads && part.in_size == 0 ? STDIN_FILENO : -1, POLLIN, 0},
        {writes ? part.to : -1, POLLOUT, 0},
        {run->signals, POLLIN, 0},
    };
    if (poll(fds, 4, -1) < 0)
        return GOES_ON;
    enum state state = fds[3].revents ? hear_caller(run) : GOES_ON;
    if (state == GOES_ON && fds[2].revents)
        state = write_output();
    if (state == GOES_ON && fds[1].revents)
        state = read_input();
    send_input();
    if (state == GOES_ON && !writes && fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        state = hear(run);
    return state;
}

int pv_take_part(struct pv_run *run, int socket, const struct pv_session *wish) {
    part.wish = wish;
    part.socket = socket;
    if (wish->keys.size > PV_KEYS)
        return -EINVAL;
    pid_t pid;
    int passes = wish->of->slot != PV_SLOT_NONE;
    part.process = passes ? pv_hold_process(run, wish->of, &pid) : -1;
    if (passes && part.process < 0 && part.process != -ESRCH)
        return part.process;
    enum state state;
    do
        state = go_on(run);
    while (state == GOES_ON);
    int was_raw = pv_is_raw();
    pv_restore_terminal();
    if (part.process >= 0)
        close(part.process);
    if (part.has_code) {
        pv_event(run, PV_EVENT_ENDED, run->step, 0, part.code, "");
        return 0;
    }
    if (state == IS_OVER)
        return pv_say(run, -ECONNRESET, "its monitor was killed, or this took its output too slowly");
    if (was_raw && run->exit_code == 0 && write(STDOUT_FILENO, wish->farewell, strlen(wish->farewell)) < 0) {
        /* Who was to read it has gone too. */
    }
    return 0;
}

int pv_do_take_part(struct pv_run *run, const struct pv_take_part *op) {
    pv_end_program(run);
    int file = pv_place_open(run, &op->at, O_PATH, 0);
    if (file < 0)
        return file;
    int fd = pv_connect_to(file, SOCK_SEQPACKET);
    close(file);
    if (fd < 0)
        return fd == -ECONNREFUSED ? pv_say(run, fd, "its monitor is gone") : fd;
    struct pv_session wish = {.input = (int)op->input, .keys = op->keys,
                              .of = &op->of, .farewell = op->farewell};
    int rc = pv_take_part(run, fd, &wish);
    close(fd);
    return rc;
}
