/* Those who are attached to a container, on the monitor's side; what is said is in attach.h. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "attach.h"
#include "calls.h"
#include "monitor.h"

/* What a client that reads slowly may be behind: the kernel's memory, taken when it is needed. */
#define PV_BEHIND (1 << 20)

static int listener = -1;
static int clients[PV_CLIENTS];
static int count;

int pv_do_attachable(struct pv_run *run, const struct pv_attachable *op) {
    /* Made with these permissions, and not given them: nobody gets in between. */
    mode_t mask = umask(0177);
    int fd = pv_listen_at(run, &op->at, SOCK_NONBLOCK, 16);
    umask(mask);
    if (fd < 0)
        return fd;
    listener = fd;
    return 0;
}

int pv_is_attachable(void) {
    return listener >= 0;
}

static void put_out(int i) {
    close(clients[i]);
    clients[i] = clients[--count];
}

void pv_put_out(int client) {
    for (int i = count; i-- > 0;)
        if (clients[i] == client)
            put_out(i);
}

/* Gives 0, or -1 with errno: the client is gone, or so far behind that there is no room. */
int pv_send_packet(int client, int kind, const void *bytes, size_t size) {
    uint8_t first = (uint8_t)kind;
    struct iovec parts[2] = {{&first, 1}, {(void *)(uintptr_t)bytes, size}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;
    do
        n = sendmsg(client, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* Says what there is to take part in; -1 when the client is gone. */
static int greet(const struct pv_run *run, int client) {
    int behind = PV_BEHIND;
    if (setsockopt(client, SOL_SOCKET, SO_SNDBUFFORCE, &behind, sizeof behind) < 0)
        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &behind, sizeof behind);
    uint8_t flags = (uint8_t)((run->terminal >= 0 ? PV_ATTACH_TERMINAL : 0) |
                              (pv_has_input() ? PV_ATTACH_TAKES_INPUT : 0));
    return pv_send_packet(client, PV_ATTACH_HELLO, &flags, 1);
}

void pv_take_in_caller(struct pv_run *run) {
    fcntl(run->caller, F_SETFL, O_NONBLOCK);
    if (greet(run, run->caller) == 0)
        clients[count++] = run->caller;
}

static void take_in(struct pv_run *run) {
    int fd = pv_result(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd < 0)
        return;
    struct ucred who;
    socklen_t size = sizeof who;
    int is_us = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
                (who.uid == 0 || who.uid == geteuid());
    if (!is_us || count == PV_CLIENTS || greet(run, fd) < 0)
        close(fd);
    else
        clients[count++] = fd;
}

nfds_t pv_poll_clients(struct pollfd fds[PV_CLIENT_POLLS]) {
    /* Until the container has taken what came before, nobody is heard. */
    short hears = pv_takes_input() ? POLLIN : 0;
    fds[0] = (struct pollfd){listener, POLLIN, 0};
    for (int i = 0; i < count; i++)
        fds[1 + i] = (struct pollfd){hears ? clients[i] : -1, hears, 0};
    return (nfds_t)count + 1;
}

/* One packet; gives -1 when the client is gone. */
static int hear(struct pv_run *run, int client) {
    char packet[PV_PACKET];
    ssize_t n = recv(client, packet, sizeof packet, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        return -1;
    struct winsize size = {0};
    switch ((enum pv_attach_kind)packet[0]) {
    case PV_ATTACH_INPUT:
        pv_give_input(run, packet + 1, (size_t)n - 1);
        return 0;
    case PV_ATTACH_SIZE:
        if (n != 1 + 2 * (ssize_t)sizeof size.ws_row)
            return -1;
        memcpy(&size.ws_row, packet + 1, sizeof size.ws_row);
        memcpy(&size.ws_col, packet + 1 + sizeof size.ws_row, sizeof size.ws_col);
        if (run->terminal >= 0)
            ioctl(run->terminal, TIOCSWINSZ, &size);
        return 0;
    case PV_ATTACH_NO_MORE:
        pv_end_input(run);
        return 0;
    case PV_ATTACH_NO_READER:
        if (n == 2 && client == run->caller)
            pv_end_output(run, packet[1]);
        return 0;
    default:
        return -1;
    }
}

void pv_serve_clients(struct pv_run *run, const struct pollfd *fds) {
    /* Backwards: who is put out leaves his place to the last one, which has been looked at. */
    for (int i = count; i-- > 0;) {
        int client = clients[i];
        if (fds[1 + i].fd != client || !fds[1 + i].revents || !pv_takes_input())
            continue;
        if (hear(run, client) == 0)
            continue;
        if (client == run->caller)
            pv_forget_caller(run);
        else
            put_out(i);
    }
    if (fds[0].revents)
        take_in(run);
}

void pv_send_output(const struct pv_run *run, int stream, const char *bytes, size_t size) {
    int kind = stream == PV_STDERR ? PV_ATTACH_STDERR : PV_ATTACH_STDOUT;
    for (size_t sent = 0; count > 0 && sent < size;) {
        size_t part = size - sent < PV_PACKET - 1 ? size - sent : PV_PACKET - 1;
        for (int i = count; i-- > 0;)
            if (clients[i] != run->caller && pv_send_packet(clients[i], kind, bytes + sent, part) < 0)
                put_out(i);
        sent += part;
    }
}

/* Who waits in the foreground hears of it however far behind he is, unless a signal ends that. */
static void wait_for_caller(const struct pv_run *run) {
    struct pollfd fds[2] = {{run->caller, POLLOUT, 0}, {run->signals, POLLIN, 0}};
    while (run->caller >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
}

/* They are let go when all is undone: with the end of this process, or its execve. */
void pv_tell_clients_end(struct pv_run *run) {
    int32_t code = run->exit_code;
    /* Who has connected just now is told, too. */
    for (int before = -1; listener >= 0 && before != count;) {
        before = count;
        take_in(run);
    }
    wait_for_caller(run);
    for (int i = 0; i < count; i++)
        pv_send_packet(clients[i], PV_ATTACH_ENDED, &code, sizeof code);
}
