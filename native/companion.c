/* The companions of a container, and what they tell; see companion.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "attach.h"
#include "calls.h"
#include "clock.h"
#include "companion.h"
#include "monitor.h"

#define PV_TOLD 480
#define PV_FAREWELL 1000 /* milliseconds */

static struct companion {
    pid_t pid;
    int words; /* or -1: it has ended */
    const char *farewell;
    size_t length;
    char line[PV_TOLD + 2]; /* with the end that a terminal needs */
} companions[PV_COMPANIONS];
static int count;

int pv_add_companion(pid_t pid, int words, const char *farewell) {
    if (count == PV_COMPANIONS)
        return -ENOSPC;
    fcntl(words, F_SETFL, fcntl(words, F_GETFL) | O_NONBLOCK);
    companions[count++] = (struct companion){.pid = pid, .words = words, .farewell = farewell};
    return 0;
}

void pv_end_with(pid_t executor) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(126);
    if (getppid() != executor)
        _exit(126);
}

/* To the log, and to whoever sees what the container writes. */
static void tell(struct pv_run *run, char *line, size_t length) {
    pv_log_line(line, length);
    line[length] = '\n';
    pv_send_output(run, PV_STDERR, line, length + 1);
    if (run->caller >= 0)
        pv_send_packet(run->caller, PV_ATTACH_STDERR, line, length + 1);
    if (pv_is_raw()) {
        line[length] = '\r';
        line[length + 1] = '\n';
    }
    /* The caller's own; of who has detached it is /dev/null. Nobody waits for who does not read. */
    struct pollfd own = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&own, 1, 0) == 1 && write(STDERR_FILENO, line, length + (pv_is_raw() ? 2 : 1)) < 0)
        return;
}

static void take(struct pv_run *run, struct companion *one, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n' && one->length < PV_TOLD) {
            one->line[one->length++] = bytes[i];
            continue;
        }
        if (bytes[i] != '\n')
            continue;
        if (one->length > 0)
            tell(run, one->line, one->length);
        one->length = 0;
    }
}

static void hear(struct pv_run *run, struct companion *one) {
    char bytes[4096];
    /* So much at most: the container's own output waits for this. */
    for (int i = 0; i < 64; i++) {
        ssize_t n = read(one->words, bytes, sizeof bytes);
        if (n > 0)
            take(run, one, bytes, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            return;
        if (n > 0)
            continue;
        close(one->words);
        one->words = -1;
        take(run, one, one->farewell, strlen(one->farewell));
        return;
    }
}

void pv_poll_companions(struct pollfd fds[PV_COMPANIONS]) {
    for (int i = 0; i < PV_COMPANIONS; i++)
        fds[i] = (struct pollfd){i < count ? companions[i].words : -1, POLLIN, 0};
}

void pv_hear_companions(struct pv_run *run, const struct pollfd fds[PV_COMPANIONS]) {
    for (int i = 0; i < count; i++)
        if (fds[i].revents && companions[i].words >= 0)
            hear(run, &companions[i]);
}

void pv_drain_companions(struct pv_run *run) {
    for (int i = 0; i < count; i++) {
        struct companion *one = &companions[i];
        one->farewell = "";
        if (one->words >= 0)
            hear(run, one);
        /* One that can be told so says what it has not said yet, and ends. */
        int is_told = one->words >= 0 && shutdown(one->words, SHUT_WR) == 0;
        for (int64_t end = pv_milliseconds() + PV_FAREWELL; is_told && one->words >= 0;) {
            struct pollfd fds = {one->words, POLLIN, 0};
            int64_t left = end - pv_milliseconds();
            if (left <= 0 || poll(&fds, 1, (int)left) == 0)
                break;
            hear(run, one);
        }
    }
}

void pv_end_companions(void) {
    for (int i = 0; i < count; i++) {
        kill(companions[i].pid, SIGKILL);
        while (waitpid(companions[i].pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
        if (companions[i].words >= 0)
            close(companions[i].words);
    }
    count = 0;
}
