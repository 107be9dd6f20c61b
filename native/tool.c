/*
 * A program of the machine that does one thing for a container and ends: it is run as our child, with
 * nothing of ours open, and what it says is kept for the failure.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "calls.h"
#include "clock.h"
#include "companion.h"
#include "executor.h"

#define PV_OUT_OF_THE_WAY 100

void pv_execute_tool(const struct pv_tool *tool, int input, int words) {
    char *argv[PV_TOOL_ARGUMENTS + 2];
    uint32_t count = tool->argv->count;
    if (count > PV_TOOL_ARGUMENTS)
        _exit(126);
    memcpy(argv, tool->argv->items, count * sizeof *argv);
    if (tool->last)
        argv[count++] = (char *)(uintptr_t)tool->last;
    argv[count] = NULL;
    pv_standard_signals();
    const int given[] = {input, words, words};
    int fds[3];
    for (int i = 0; i < 3; i++)
        if ((fds[i] = fcntl(given[i], F_DUPFD_CLOEXEC, PV_OUT_OF_THE_WAY)) < 0)
            _exit(126);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            _exit(126);
    if (pv_close_range(3, ~0u, 0) < 0 || chdir("/") < 0)
        _exit(126);
    execve(tool->program, argv, tool->env->items);
    dprintf(2, "%s: %s\n", tool->program, strerror(errno));
    _exit(127);
}

/* Takes what fits; the rest is read and forgotten, so that it need not wait for us. */
static void hear(struct pv_words *words, int *from) {
    char rest[512];
    size_t left = sizeof words->text - 1 - words->length;
    ssize_t n = read(*from, left ? words->text + words->length : rest, left ? left : sizeof rest);
    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        words->length += left ? (size_t)n : 0;
        return;
    }
    close(*from);
    *from = -1;
}

int pv_wait_for_words(struct pv_run *run, struct pv_words *words, int pidfd, int *from, int signals,
                      char until, uint32_t timeout) {
    int64_t end = pv_milliseconds() + timeout;
    for (;;) {
        struct pollfd fds[3] = {{pidfd, POLLIN, 0}, {*from, POLLIN, 0}, {signals, POLLIN, 0}};
        int64_t left = end - pv_milliseconds();
        if (left <= 0)
            return pv_say(run, -ETIMEDOUT, "it took longer than %u s", timeout / 1000);
        if (poll(fds, 3, (int)left) < 0 && errno != EINTR)
            return -errno;
        int rc = fds[2].revents ? pv_hear_signal(run) : 0;
        if (rc < 0)
            return rc;
        if (fds[1].revents) {
            hear(words, from);
            if (until && memchr(words->text, until, words->length))
                return 1;
        } else if (fds[0].revents) {
            return 0;
        }
    }
}

/* What getopt(3) complains of, else the last line that says something: what comes before are remarks. */
const char *pv_last_word(struct pv_words *words) {
    words->text[words->length] = '\0';
    char *best = words->text + words->length;
    for (char *line = words->text, *end; *line; line = end) {
        end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        if (strncmp(line, "pasta: ", 7) == 0) {
            best = line;
            break;
        }
        /* pasta's, where nobody listens at /dev/log */
        if (end - line > 1 && strncmp(line, "Failed to send", 14) != 0)
            best = line;
    }
    best[strcspn(best, "\n")] = '\0';
    return best;
}

const char *pv_first_word(struct pv_words *words) {
    words->text[words->length] = '\0';
    words->text[strcspn(words->text, "\n")] = '\0';
    return words->text;
}

static void __attribute__((noreturn)) become(const struct pv_tool *tool, int network, int input,
                                             int words) {
    if (network >= 0 && setns(network, CLONE_NEWNET) < 0) {
        dprintf(words, "setns: %s\n", strerror(errno));
        _exit(126);
    }
    setsid(); /* a key of the terminal is not meant for it */
    pv_execute_tool(tool, input, words);
}

int pv_run_tool(struct pv_run *run, const struct pv_tool *tool, int network, int input,
                struct pv_words *words) {
    int pipe[2], status = 0, pidfd = -1;
    int signals = tool->is_deaf ? -1 : pv_heard_signals(run);
    words->length = 0;
    if (pipe2(pipe, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        become(tool, network, input, pipe[1]);
    int rc = pid < 0 ? -errno : 0;
    close(pipe[1]);
    if (rc == 0)
        rc = pidfd = pv_pidfd_open(pid);
    if (rc >= 0)
        rc = pv_wait_for_words(run, words, pidfd, &pipe[0], signals, '\0', tool->timeout);
    if (rc == -ETIMEDOUT)
        pv_say(run, rc, "%s took longer than %u s", tool->name, tool->timeout / 1000);
    if (pid > 0 && rc < 0)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pipe[0] >= 0)
        close(pipe[0]);
    if (pidfd >= 0)
        close(pidfd);
    return rc < 0 ? rc : status;
}

int pv_judge_tool(struct pv_run *run, const struct pv_tool *tool, int status, const char *why) {
    const char *colon = why[0] ? ": " : "";
    if (WIFSIGNALED(status))
        return pv_say(run, -ECANCELED, "%s was ended by signal %d", tool->name, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return pv_say(run, -ECANCELED, "%s ended with %d%s%.180s", tool->name, WEXITSTATUS(status),
                      colon, why);
    return 0;
}
