/*
 * Hooks: programs of the configuration's author that run at certain moments of a container's life,
 * on the host or inside, and read the container's state. How one ends is told: its exit status, and
 * the last line that it wrote to standard error.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "calls.h"
#include "clock.h"
#include "executor.h"

struct conversation {
    int state;  /* where its standard input is written to, or -1 */
    int words;  /* where its standard error is read from, or -1 */
    int pidfd;
    const char *text; /* of the state, what is still to be written */
    size_t left;
    char last[PV_TEXT / 2]; /* the line at hand, or the one before when that is empty */
    size_t length;
    int ended_line;
};

/* A filter may be in force that is older than close_range(2). */
static int close_others(void) {
    struct rlimit files;
    int rc = pv_close_range(3, ~0u, 0);
    if ((rc != -EPERM && rc != -ENOSYS) || getrlimit(RLIMIT_NOFILE, &files) < 0)
        return rc;
    for (rlim_t fd = 3; fd < files.rlim_cur && fd < 1 << 20; fd++)
        close((int)fd);
    return 0;
}

static void __attribute__((noreturn)) become_hook(const struct pv_hook *op, int state, int words) {
    /* Inside it is the image's, and may be a FIFO that nobody reads, or a link. */
    struct stat st;
    int null = open("/dev/null", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (null >= 0 && (fstat(null, &st) < 0 || !pv_is_null(&st)))
        null = -1;
    pv_standard_signals();
    /* The container's own streams are not a hook's to write to. */
    if (dup2(state, 0) < 0 || dup2(null >= 0 ? null : words, 1) < 0 || dup2(words, 2) < 0)
        _exit(126);
    /* Now: by /proc/self/fd a name of the container could lead to one of the host's (CVE-2024-21626). */
    if (close_others() < 0 || chdir("/") < 0)
        _exit(126);
    execve(op->path, op->argv.items, op->env.items);
    dprintf(2, "%s: %s\n", op->path, strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* It may not read its input, or close it early: that is its own affair. */
static void write_state(struct conversation *with) {
    ssize_t n = write(with->state, with->text, with->left);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        with->text += n;
        with->left -= (size_t)n;
    }
    if (n <= 0 || with->left == 0) {
        close(with->state);
        with->state = -1;
    }
}

static void hear(struct conversation *with) {
    char buffer[512];
    ssize_t n = read(with->words, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        close(with->words);
        with->words = -1;
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buffer[i] == '\n') {
            with->ended_line = 1;
            continue;
        }
        if (with->ended_line)
            with->length = 0;
        with->ended_line = 0;
        if (with->length < sizeof with->last - 1)
            with->last[with->length++] = buffer[i];
    }
}

/*
 * A start can be stopped until all its hooks have run, also when the program runs already: nothing
 * else could end a `run` of which a poststart hook does not end. What is undone is undone.
 */
static int heard_signals(const struct pv_run *run) {
    return run->actor == PV_BY_PARENT && !run->undoing ? run->signals : -1;
}

/* Until it has ended, or the time is over: then -ETIMEDOUT; or somebody has us stop: -EINTR. */
static int converse(struct pv_run *run, struct conversation *with, uint32_t timeout) {
    int64_t end = pv_milliseconds() + timeout;
    for (;;) {
        struct pollfd fds[4] = {{with->pidfd, POLLIN, 0},
                                {with->state, POLLOUT, 0},
                                {with->words, POLLIN, 0},
                                {heard_signals(run), POLLIN, 0}};
        int64_t wait = timeout ? end - pv_milliseconds() : -1;
        if (timeout && wait <= 0)
            return -ETIMEDOUT;
        if (poll(fds, 4, (int)(wait > 1000000 ? 1000000 : wait)) < 0 && errno != EINTR)
            return -errno;
        int rc = fds[3].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (fds[1].revents)
            write_state(with);
        if (fds[2].revents)
            hear(with);
        else if (fds[0].revents)
            return 0; /* a process that it has left behind may hold its standard error open */
    }
}

/* By clone(2), which any filter that lets programs run allows: not so clone3 or pidfd_open. */
static pid_t fork_with_pidfd(int *pidfd) {
    return pv_result(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL));
}

static int start_hook(const struct pv_hook *op, struct conversation *with, pid_t *pid) {
    int state[2], words[2];
    if (pipe2(state, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(words, O_CLOEXEC) < 0) {
        int rc = -errno;
        close(state[0]);
        close(state[1]);
        return rc;
    }
    *pid = fork_with_pidfd(&with->pidfd);
    if (*pid == 0)
        become_hook(op, state[0], words[1]);
    int rc = *pid < 0 ? *pid : 0;
    close(state[0]);
    close(words[1]);
    with->state = state[1];
    with->words = words[0];
    fcntl(with->state, F_SETFL, O_NONBLOCK);
    return rc;
}

static int run_hook(struct pv_run *run, const struct pv_hook *op, const char *state) {
    struct conversation with = {
        .state = -1, .words = -1, .pidfd = -1, .text = state, .left = strlen(state)};
    pid_t pid = -1;
    int status = 0;
    int rc = start_hook(op, &with, &pid);
    if (rc == 0) {
        rc = converse(run, &with, op->timeout);
        if (rc < 0)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    const int fds[] = {with.state, with.words, with.pidfd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    with.last[with.length] = '\0';
    const char *colon = with.length ? ": " : "";
    if (rc == -ETIMEDOUT)
        return pv_say(run, rc, "it took longer than %u s", op->timeout / 1000);
    if (rc < 0)
        return rc;
    if (WIFSIGNALED(status))
        return pv_say(run, -ECANCELED, "it was ended by signal %d%s%s", WTERMSIG(status), colon,
                      with.last);
    if (WEXITSTATUS(status) != 0)
        return pv_say(run, -ECANCELED, "it ended with %d%s%s", WEXITSTATUS(status), colon, with.last);
    return 0;
}

int pv_do_hook(struct pv_run *run, const struct pv_hook *op) {
    char *state = NULL;
    /* As who runs the hook sees the container: inside, its first process is we. */
    int pid = run->actor == PV_BY_INIT ? getpid() : run->init ? run->init : run->told_pid;
    int tells_pid = op->after[0] != '\0';
    if (asprintf(&state, tells_pid ? "%s%d%s" : "%s", op->before, pid, op->after) < 0)
        return -ENOMEM;
    int rc = run_hook(run, op, state);
    free(state);
    if (rc == 0 || rc == -EINTR || op->required)
        return rc;
    pv_event(run, PV_EVENT_LEFT, run->step, -rc, 0, run->text);
    return 0;
}
