/*
 * A container that is made by one executor and started by another.
 *
 *   executor of `create`           init                          executor of `start`
 *      | ... TURN ---------------->  steps up to `wait_start`
 *      |     <---------------- LEAPS says that nothing more is heard
 *      | leaves                     waits at the socket
 *                                        <------------- connects
 *                                                                  takes the socket's file away
 *                                        <------------------ TURN
 *                                    the steps that are left
 *                                    LEAPS ------------------->
 *                                    end of file: execve ------>   poststart hooks
 *
 * The socket's file is the right to start: who removes it has it, so nobody starts twice. What goes
 * wrong in init's last steps is told to who has said start. Who connects and ends before the word was
 * said has ended init with it: else nobody could ever say it, and the container would seem to run.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "calls.h"
#include "executor.h"

#define PV_PATIENCE 10 /* seconds */

/* A socket's address has room for 108 bytes: so it is named by way of a descriptor. */
static socklen_t address_of(struct sockaddr_un *address, int directory, const char *name) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    const char *slash = name ? "/" : "";
    int n = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d%s%s", directory,
                     slash, name ? name : "");
    if (n < 0 || (size_t)n >= sizeof address->sun_path)
        return 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
}

/* A listening socket of whole packets. */
int pv_listen_at(struct pv_run *run, const struct pv_place *at, int flags, int backlog) {
    struct sockaddr_un address;
    const char *name;
    int directory = pv_place_parent(run, at, 0, &name);
    if (directory < 0)
        return directory;
    socklen_t length = address_of(&address, directory, name);
    int type = SOCK_SEQPACKET | SOCK_CLOEXEC | flags;
    int fd = length ? pv_result(socket(AF_UNIX, type, 0)) : -ENAMETOOLONG;
    int rc = fd < 0 ? fd : pv_result(bind(fd, (struct sockaddr *)&address, length));
    if (rc == 0)
        rc = pv_result(listen(fd, backlog));
    close(directory);
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc;
}

int pv_do_listen(struct pv_run *run, const struct pv_listen *op) {
    int fd = pv_listen_at(run, &op->at, 0, 1);
    if (fd < 0)
        return fd;
    run->listener = fd;
    return pv_keep(run, op->into, fd);
}

int pv_do_outlive(struct pv_run *run) {
    run->outlives = 1;
    return pv_result(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

/* Changed credentials clear it; prctl(2). */
void pv_end_with_executor(const struct pv_run *run) {
    if (!run->outlives)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int pv_do_wait_start(struct pv_run *run, const struct pv_wait_start *op) {
    struct pv_message message;
    int listener = pv_slot(run, op->socket);
    if (listener < 0)
        return listener;
    int rc = pv_send(run, PV_LEAPS, run->step, 0, -1);
    if (rc < 0)
        return rc;
    close(run->sync);
    run->sync = -1;
    do
        run->sync = pv_result(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    while (run->sync == -EINTR);
    /* The second who says start is refused by the kernel. */
    close(listener);
    run->slots[op->socket] = run->listener = -1;
    if (run->sync < 0)
        return run->sync;
    int answered = -1;
    rc = pv_receive_bytes(run->sync, &message, sizeof message, &answered);
    if (rc == 0 && answered >= 0) {
        rc = pv_map_answered(run, answered);
        close(answered);
    }
    return rc < 0 ? rc : message.kind == PV_TURN ? 0 : -EPROTO;
}

int pv_do_leave(struct pv_run *run) {
    if (run->init <= 0)
        return pv_say(run, -ECHILD, "there is no container to leave");
    run->init = 0;
    return 0;
}

/* Connects to a socket of the host, of which we have a descriptor. */
int pv_connect_to(int file, int type) {
    struct sockaddr_un address;
    socklen_t length = address_of(&address, file, NULL);
    const struct timeval patience = {.tv_sec = PV_PATIENCE};
    int fd = pv_result(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    /* Who listens may never accept. */
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int rc = fd < 0 ? fd : pv_result(connect(fd, (struct sockaddr *)&address, length));
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc == -EAGAIN ? -ETIMEDOUT : rc < 0 ? rc : fd;
}

/*
 * Connected to the socket of init, whose file is gone afterwards. In this order, so that whatever ends
 * us in between is seen by init: it hears the end of the connection.
 */
static int claim(struct pv_run *run, const struct pv_place *at) {
    const char *name;
    int directory = pv_place_parent(run, at, 0, &name);
    if (directory < 0)
        return directory;
    int file = pv_result(openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    int fd = file < 0 ? file : pv_connect_to(file, SOCK_SEQPACKET);
    if (file >= 0)
        close(file);
    /* Nobody waits: what is left has ended, or never began. */
    int rc = fd < 0 && fd != -ECONNREFUSED ? fd : pv_result(unlinkat(directory, name, 0));
    close(directory);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

/* Init's last words, until execve closes its end of the socket. */
static int hear_start(struct pv_run *run) {
    struct pv_message message;
    for (int leaps = 0;;) {
        int rc = pv_was_asked_to_stop(run, -1);
        if (rc == 0)
            rc = pv_receive(run, &message);
        if (rc == -EPIPE && leaps)
            return 0;
        if (rc == -EPIPE)
            return pv_say(run, -ECHILD, "the container's first process has ended");
        if (rc < 0)
            return rc;
        if (message.kind == PV_FAILED) {
            memcpy(run->text, message.text, PV_TEXT);
            return -message.error;
        }
        if (message.kind == PV_LISTENS)
            rc = pv_hand_over_listener(run, run->listens, (int)message.size);
        if (rc < 0)
            return rc;
        leaps |= message.kind == PV_LEAPS;
    }
}

int pv_do_start(struct pv_run *run, const struct pv_start *op) {
    int fd = claim(run, &op->at);
    if (fd < 0)
        return fd == -ECONNREFUSED ? pv_say(run, -ECHILD, "nobody waits for it") : fd;
    /* For the hooks, and to see that init is still the one that was created. */
    int process = pv_hold_process(run, &op->of, &run->told_pid);
    if (process < 0) {
        close(fd);
        return process;
    }
    run->sync = fd;
    /* With it, where it is said that an agent has the filter's descriptor: see notify.c. */
    int rc = pv_send(run, PV_TURN, run->step, 0, run->answered_fd);
    if (rc == 0 || rc == -EPIPE)
        rc = hear_start(run);
    /* Nobody can say start again; and it may be waiting for an agent that nobody has told. */
    if (rc < 0)
        pv_pidfd_send_signal(process, SIGKILL);
    close(process);
    close(run->sync);
    run->sync = -1;
    return rc;
}

int pv_do_send_terminal(struct pv_run *run, const struct pv_send_terminal *op) {
    static const char name[] = "/dev/ptmx";
    if (run->terminal < 0)
        return pv_say(run, -EBADF, "there is no terminal");
    int file = pv_place_open(run, &op->at, O_PATH, 0);
    if (file < 0)
        return file;
    int fd = pv_connect_to(file, SOCK_STREAM);
    close(file);
    if (fd < 0)
        return fd;
    int rc = pv_send_bytes(fd, name, sizeof name - 1, run->terminal);
    close(fd);
    close(run->terminal);
    run->terminal = -1;
    return rc;
}
