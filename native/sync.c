/* The socket between parent and init; the hand-shake is drawn in executor.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "calls.h"
#include "executor.h"

/* Room for one descriptor, as cmsg(3) wants it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

ssize_t pv_send_part(int socket, const void *bytes, size_t size, int fd) {
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    union control control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int pv_send_bytes(int socket, const void *bytes, size_t size, int fd) {
    ssize_t n = pv_send_part(socket, bytes, size, fd);
    return n < 0 ? (int)n : 0;
}

int pv_receive_bytes(int socket, void *bytes, size_t size, int *fd) {
    struct iovec part = {bytes, size};
    union control control;
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t n;
    do
        n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    if (n == 0)
        return -EPIPE;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(rights), sizeof(int));
    return (size_t)n == size ? 0 : -EPROTO;
}

/* Sends `run->text` along when there is an error, and a descriptor when `fd` is not -1. */
int pv_send(struct pv_run *run, enum pv_message_kind kind, uint32_t step, int error, int fd) {
    struct pv_message message = {.kind = kind, .step = step, .error = error};
    if (error) {
        memcpy(message.text, run->text, PV_TEXT);
        message.size = (uint32_t)strnlen(message.text, PV_TEXT);
    }
    return pv_send_bytes(run->sync, &message, sizeof message, fd);
}

/* The next message; -EPIPE at the end of the file. A descriptor that comes along is kept. */
int pv_receive(struct pv_run *run, struct pv_message *message) {
    int fd = -1;
    int rc = pv_receive_bytes(run->sync, message, sizeof *message, &fd);
    message->text[PV_TEXT - 1] = '\0';
    if (fd >= 0 && message->kind == PV_LISTENS)
        run->listens = fd;
    else if (fd >= 0)
        run->terminal = fd;
    return rc;
}
