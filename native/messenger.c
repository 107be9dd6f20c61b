/* See messenger.h. */
#define _GNU_SOURCE
#include "messenger.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"

static void __attribute__((noreturn)) go(int (*get)(const void *), const void *with, int report) {
    int fd = pv_result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    if (fd == 0)
        fd = get(with);
    int error = fd < 0 ? fd : 0;
    _exit(pv_send_bytes(report, &error, sizeof error, fd) == 0 ? 0 : 1);
}

int pv_get_from(struct pv_run *run, int (*get)(const void *), const void *with) {
    int sockets[2], fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        go(get, with, sockets[1]);
    int error = child < 0 ? -errno : 0;
    close(sockets[1]);
    if (child > 0) {
        if (pv_receive_bytes(sockets[0], &error, sizeof error, &fd) < 0)
            error = pv_say(run, -ECHILD, "the process that looks there ended early");
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(sockets[0]);
    if (error < 0 && fd >= 0)
        close(fd);
    return error < 0 ? error : fd < 0 ? -EMFILE : fd; /* one that there is no room for is left out */
}
