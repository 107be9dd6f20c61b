/*
 * The rules of an egress list, and its guard: both work in the container's network namespace, from
 * outside of the container. The guard reads what the container and servers of names send, so it keeps
 * no right but the one that its sockets need, and no system call but those of its loop (egress-rights.c);
 * see egress.h.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "calls.h"
#include "companion.h"
#include "egress.h"
#include "executor.h"

#define PV_READY "\001"
#define PV_PATIENCE 10000

/* A file without a name that holds this text, to be read from its beginning. */
static int input_of(const char *text) {
    int fd = pv_result(memfd_create("input", MFD_CLOEXEC));
    int rc = fd < 0 ? fd : pv_write_whole(fd, text, strlen(text));
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = -errno;
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

int pv_do_egress_rules(struct pv_run *run, const struct pv_egress_rules *op) {
    int network = pv_container_network(run);
    struct pv_tool tool = {.name = op->argv.items[0], .program = op->program, .argv = &op->argv,
                           .env = &op->env, .timeout = op->timeout};
    struct pv_words words;
    int rules = network < 0 ? network : input_of(op->rules);
    if (rules < 0)
        return rules;
    int status = pv_run_tool(run, &tool, network, rules, &words);
    close(rules);
    return status < 0 ? status : pv_judge_tool(run, &tool, status, pv_first_word(&words));
}

static void __attribute__((noreturn)) fail(int words, const char *what, int error) {
    dprintf(words, "%s: %s\n", what, strerror(error));
    _exit(126);
}

/* ── its life ───────────────────────────────────────────────────────────────────────────────── */

static void __attribute__((noreturn)) serve(int refusals, const struct pv_list *list, int words) {
    struct pollfd fds[2 + PV_RESOLVER_POLLS];
    for (;;) {
        fds[0] = (struct pollfd){refusals, POLLIN, 0};
        fds[1] = (struct pollfd){words, POLLIN, 0};
        int timeout = pv_poll_resolver_sockets(fds + 2);
        if (poll(fds, sizeof fds / sizeof *fds, timeout) < 0) {
            if (errno != EINTR)
                _exit(1);
            continue;
        }
        if (fds[0].revents)
            pv_hear_refusals(refusals, list);
        if (fds[1].revents) { /* the container has ended */
            pv_tell_rest();
            _exit(0);
        }
        pv_serve_names(fds + 2);
    }
}

struct start {
    int network, upstream, words;
    pid_t executor;
};

static void __attribute__((noreturn)) become_guard(const struct pv_egress_guard *op,
                                                   const struct start *start) {
    static struct pv_list list;
    struct pv_resolver *resolver = pv_resolver();
    int words = start->words;
    pv_standard_signals();
    signal(SIGPIPE, SIG_IGN);
    pv_end_with(start->executor);
    setsid(); /* a key of the terminal is not meant for it */
    if (setns(start->network, CLONE_NEWNET) < 0)
        fail(words, "setns", errno);
    int null = pv_result(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        dup2(null, fd);
    if (null < 0 || pv_close_but(3, start->upstream, words) < 0)
        fail(words, "/dev/null", errno);
    int rc = pv_read_list(op->names.items, op->names.count, &list);
    if (rc < 0)
        fail(words, "its list", -rc);
    *resolver = (struct pv_resolver){.list = &list, .upstream = start->upstream, .mark = op->mark};
    if ((rc = pv_open_resolver(op->address.data)) < 0)
        fail(words, "its resolver", -rc);
    if ((rc = resolver->sets = pv_open_sets(op->table)) < 0)
        fail(words, "nf_tables", -rc);
    int refusals = rc = pv_open_refusals((uint16_t)op->group);
    if (rc < 0)
        fail(words, "nfnetlink_log", -rc);
    if ((rc = pv_keep_guard_rights()) < 0)
        fail(words, "its rights", -rc);
    pv_end_with(start->executor);
    if ((rc = pv_keep_guard_calls()) < 0)
        fail(words, "its system calls", -rc);
    if (write(words, PV_READY, 1) != 1)
        _exit(126);
    pv_tell_to(words);
    serve(refusals, &list, words);
}

static const char farewell[] =
    "pivot: the guard of the egress list has ended: no name is answered and no address admitted any more\n";

int pv_do_egress_guard(struct pv_run *run, const struct pv_egress_guard *op) {
    struct pv_words words = {.length = 0};
    int pipe[2], pidfd = -1, network = pv_container_network(run);
    if (network < 0 || op->address.size != 4)
        return network < 0 ? network : -EINVAL;
    struct start start = {.network = network, .executor = getpid()};
    start.upstream = pv_place_open(run, &op->upstream, O_RDONLY | O_NOFOLLOW, 0);
    if (start.upstream < 0)
        return start.upstream;
    /* A socket, since it has two directions: when ours is shut down the guard tells the rest, and ends. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipe) < 0) {
        close(start.upstream);
        return -errno;
    }
    start.words = pipe[1];
    pid_t pid = fork();
    if (pid == 0)
        become_guard(op, &start);
    int rc = pid < 0 ? -errno : 0;
    close(start.upstream);
    close(pipe[1]);
    if (rc == 0)
        rc = pidfd = pv_pidfd_open(pid);
    if (rc >= 0)
        rc = pv_wait_for_words(run, &words, pidfd, &pipe[0], pv_heard_signals(run), PV_READY[0],
                               PV_PATIENCE);
    if (pidfd >= 0)
        close(pidfd);
    if (rc == 1 && (rc = pv_add_companion(pid, pipe[0], farewell)) == 0)
        return 0;
    if (pid > 0)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (pipe[0] >= 0)
        close(pipe[0]);
    return rc < 0 ? rc : pv_say(run, -ECANCELED, "%.200s", pv_first_word(&words));
}
