/*
 * The program, once more: at intervals, to look after the container's health; and when all is
 * over, in the executor's own place, to decide what comes next. Meanwhile there is none of it in
 * memory. It is started by its launcher, which stands beside it, and hands plans over as any other.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "calls.h"
#include "clock.h"
#include "monitor.h"

#define PV_ARGUMENTS 64

/* Returns when it cannot be executed. */
static void become_launcher(const char *program, const struct pv_texts *argv,
                            const struct pv_texts *env, const char *last) {
    char *words[PV_ARGUMENTS];
    uint32_t count = 0;
    if (argv->count + 3 > PV_ARGUMENTS)
        return;
    words[count++] = (char *)(uintptr_t)program;
    for (uint32_t i = 0; i < argv->count; i++)
        words[count++] = argv->items[i];
    if (last)
        words[count++] = (char *)(uintptr_t)last;
    words[count] = NULL;
    pv_usual_signals();
    execve(program, words, env->items);
}

/* ── health ─────────────────────────────────────────────────────────────────────────────── */

static const struct pv_health *health;
static int64_t began, next_check;
static pid_t check;

int pv_do_health(const struct pv_health *op) {
    if (op->interval == 0)
        return -EINVAL;
    health = op;
    return 0;
}

/* The time after a start is another one: what has just begun is looked at more often. */
static void plan_next(void) {
    int64_t now = pv_milliseconds();
    int is_early = health->start_interval && now - began < health->start_period;
    next_check = now + (is_early ? health->start_interval : health->interval);
}

/* How long poll may wait: milliseconds, or -1. */
int pv_health_pause(void) {
    if (!health)
        return -1;
    if (began == 0) {
        began = pv_milliseconds();
        plan_next();
    }
    /* Its end is looked for: SIGCHLD is not among what is listened for. */
    if (check > 0)
        return 200;
    int64_t left = next_check - pv_milliseconds();
    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static void __attribute__((noreturn)) become_check(pid_t parent) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
        become_launcher(health->program, &health->argv, &health->env, NULL);
    _exit(125);
}

void pv_look_after_health(void) {
    if (!health || began == 0)
        return;
    if (check > 0 && waitpid(check, NULL, WNOHANG) == check) {
        check = 0;
        plan_next();
    }
    if (check > 0 || pv_milliseconds() < next_check)
        return;
    pid_t parent = getpid();
    check = fork();
    if (check == 0)
        become_check(parent);
    if (check < 0)
        plan_next();
}

void pv_end_health(void) {
    if (check > 0) {
        kill(check, SIGKILL); /* what it has started ends with it */
        while (waitpid(check, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    check = 0;
    health = NULL;
}

/* ── afterwards ─────────────────────────────────────────────────────────────────────────── */

static const struct pv_afterwards *afterwards;

int pv_do_afterwards(const struct pv_afterwards *op) {
    afterwards = op;
    return 0;
}

int pv_comes_afterwards(void) {
    return afterwards != NULL;
}

void pv_become_afterwards(const struct pv_run *run) {
    char code[16];
    snprintf(code, sizeof code, "%d", run->exit_code);
    become_launcher(afterwards->program, &afterwards->argv, &afterwards->env, code);
}
