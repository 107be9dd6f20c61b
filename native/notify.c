/*
 * A filter that asks a program outside, an agent, about some calls; seccomp_unotify(2).
 *
 * The agent needs the filter's descriptor, which init has when the filter is in force already: from
 * then on any call of init's may wait for the agent, and so init may make none before the agent can
 * answer. So it says beforehand which descriptor it will be, and then looks at a word of shared
 * memory until the parent has fetched the descriptor (pidfd_getfd) and handed it over:
 *
 *      parent                                     init
 *        | connects to the agent, maps the word
 *        | waits     <------------- LISTENS + pidfd  "it will be number n"
 *        | tries to fetch n                          seccomp() = n
 *        | sends n and the state to the agent        looks at the word
 *        | sets the word --------------------------> goes on
 *
 * The parent may be ended in between, and init can ask nobody whether it was. So the word is the pid
 * of the parent while that lives, and the kernel is told to mark it when it ends (robust futexes,
 * set_robust_list(2)): init sees the mark, and ends itself by a fault, which is no call either.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "calls.h"
#include "executor.h"

#define PV_AGENT_SECONDS 10

int pv_map_answered(struct pv_run *run, int fd) {
    void *word = mmap(NULL, sizeof *run->answered, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (word == MAP_FAILED)
        return -errno;
    run->answered = word;
    return 0;
}

/* What the word is when the agent has the filter. While it has not: the parent's pid. */
#define PV_ANSWERED 0u

/* From now on the kernel writes FUTEX_OWNER_DIED into the word when this process ends, however. */
static int mark_at_our_end(struct pv_run *run) {
    static struct robust_list word;
    static struct robust_list_head head;
    head.list.next = &word;
    head.futex_offset = (char *)run->answered - (char *)&word;
    word.next = &head.list;
    __atomic_store_n(run->answered, (unsigned)getpid(), __ATOMIC_RELEASE);
    return pv_result(syscall(SYS_set_robust_list, &head, sizeof head));
}

int pv_do_seccomp_agent(struct pv_run *run, const struct pv_seccomp_agent *op) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PV_AGENT_SECONDS};
    if (strlen(op->path) >= sizeof address.sun_path)
        return pv_say(run, -ENAMETOOLONG, "a socket's path has %zu bytes at most",
                      sizeof address.sun_path - 1);
    memcpy(address.sun_path, op->path, strlen(op->path) + 1);
    /* In a file, since init may be no child of ours: then it gets a descriptor (created.c). */
    run->answered_fd = pv_result(memfd_create("pivot-answered", MFD_CLOEXEC));
    if (run->answered_fd < 0 || ftruncate(run->answered_fd, sizeof *run->answered) < 0)
        return -errno;
    int rc = pv_map_answered(run, run->answered_fd);
    if (rc == 0)
        rc = mark_at_our_end(run);
    if (rc < 0)
        return rc;
    run->agent = pv_result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (run->agent < 0)
        return run->agent;
    run->agent_state = &op->state;
    setsockopt(run->agent, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return pv_result(connect(run->agent, (struct sockaddr *)&address, sizeof address));
}

int pv_seccomp_and_listen(struct pv_run *run, unsigned flags, const struct sock_fprog *program) {
    if (!run->answered)
        return pv_say(run, -EPROTO, "nobody is there to answer");
    if (run->agent >= 0)
        close(run->agent); /* the parent's alone: its end tells the agent that all has been said */
    /* With --init this is not the process that `clone` made. */
    int self = pv_pidfd_open(getpid());
    if (self < 0)
        return self;
    /* It has the lowest number that was free, and so will the listener: it makes room for that
     * before the parent hears of the number, and there is no other thread to take it. */
    int moved = pv_result(fcntl(self, F_DUPFD_CLOEXEC, self + 1));
    close(self);
    if (moved < 0)
        return moved;
    struct pv_message message = {.kind = PV_LISTENS, .step = run->step, .size = (uint32_t)self};
    int rc = pv_send_bytes(run->sync, &message, sizeof message, moved);
    close(moved);
    if (rc < 0)
        return rc;
    int listener = pv_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program));
    if (listener < 0)
        return listener;
    unsigned word;
    do /* No call may be made here, not even one that sleeps. */
        word = __atomic_load_n(run->answered, __ATOMIC_ACQUIRE);
    while (word != PV_ANSWERED && !(word & FUTEX_OWNER_DIED));
    if (word & FUTEX_OWNER_DIED)
        __builtin_trap();
    /* The agent's is the last one then: when it ends, nothing waits for it any more. */
    close(listener);
    return 0;
}

/* Init's listener; -EBADF when init has failed or ended before it had one. */
static int fetch(struct pv_run *run, int process, int number) {
    struct pollfd news = {run->sync, POLLIN, 0};
    for (;;) {
        int fd = pv_result(syscall(SYS_pidfd_getfd, process, number, 0));
        if (fd >= 0 || (fd != -EBADF && fd != -ESRCH))
            return fd;
        if (poll(&news, 1, 1) > 0)
            return -EBADF;
    }
}

/* The pieces of the state with the container's process id between them. */
static char *state_text(const struct pv_run *run) {
    const struct pv_texts *state = run->agent_state;
    int pid = run->init > 0 ? run->init : run->told_pid;
    size_t size = 1;
    for (uint32_t i = 0; i < state->count; i++)
        size += strlen(state->items[i]) + 16;
    char *text = malloc(size);
    size_t length = 0;
    for (uint32_t i = 0; text && i < state->count; i++) {
        if (i > 0)
            length += (size_t)snprintf(text + length, size - length, "%d", pid);
        length += (size_t)snprintf(text + length, size - length, "%s", state->items[i]);
    }
    return text;
}

/* The descriptor goes with the first part, as config-linux.md has it. */
static int tell_agent(struct pv_run *run, int listener) {
    char *text = state_text(run);
    if (!text)
        return -ENOMEM;
    int rc = 0;
    for (size_t sent = 0, length = strlen(text); rc == 0 && sent < length;) {
        ssize_t n = pv_send_part(run->agent, text + sent, length - sent, sent ? -1 : listener);
        if (n < 0)
            rc = (int)n;
        else
            sent += (size_t)n;
    }
    free(text);
    return rc;
}

int pv_hand_over_listener(struct pv_run *run, int process, int number) {
    if (process < 0 || run->agent < 0)
        return -EPROTO;
    int listener = fetch(run, process, number);
    close(process);
    if (listener == -EBADF)
        return 0; /* what init has to say about it comes next */
    if (listener < 0)
        return pv_say(run, listener, "pidfd_getfd");
    int rc = tell_agent(run, listener);
    close(listener);
    close(run->agent);
    run->agent = -1;
    if (rc < 0)
        return pv_say(run, rc == -EAGAIN ? -ETIMEDOUT : rc, "the agent at the listenerPath");
    __atomic_store_n(run->answered, PV_ANSWERED, __ATOMIC_RELEASE);
    return 0;
}
