/* See waiter.h. The socket tells the child that all is done; it does too when the parent is killed. */
#define _GNU_SOURCE
#include "waiter.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "calls.h"

int pv_start_waiter(struct pv_run *run, struct pv_waiter *waiter, int (*enter)(int), int argument,
                    const char *what) {
    int sockets[2], error = 0;
    *waiter = (struct pv_waiter){-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    waiter->socket = sockets[0];
    waiter->pid = fork();
    if (waiter->pid == 0) {
        close(sockets[0]);
        error = enter(argument);
        /* Who was not heard does not wait: the parent waits for that word. */
        if (pv_send_bytes(sockets[1], &error, sizeof error, -1) == 0)
            pv_receive_bytes(sockets[1], &error, sizeof error, &(int){-1});
        _exit(0);
    }
    int rc = waiter->pid < 0 ? -errno : 0;
    close(sockets[1]);
    if (rc == 0)
        rc = pv_receive_bytes(sockets[0], &error, sizeof error, &(int){-1});
    if (rc == -EPIPE)
        return pv_say(run, -ECHILD, "the process that waits in the user namespace ended early");
    return rc == 0 && error < 0 ? pv_say(run, error, "%s", what) : rc;
}

void pv_end_waiter(const struct pv_waiter *waiter) {
    if (waiter->socket >= 0)
        close(waiter->socket);
    while (waiter->pid > 0 && waitpid(waiter->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
