/*
 * What the tests in C share: checks that count, a scratch directory, a random number generator
 * that can be repeated, and a struct pv_run as the executor starts with it.
 *
 * A test includes the file that it tests, and so reaches its static functions.
 */
#ifndef PV_CHECK_H
#define PV_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../calls.h"
#include "../executor.h"

static unsigned long check_count, check_failed;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        check_count++;                                                                             \
        if (!(condition)) {                                                                        \
            check_failed++;                                                                        \
            printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #condition);                         \
            printf(" " __VA_ARGS__);                                                               \
            printf("\n");                                                                          \
            if (check_failed > 20)                                                                 \
                exit(1);                                                                           \
        }                                                                                          \
    } while (0)

/* Prints what was counted; for the end of main. */
static inline int check_result(void) {
    printf("%lu checks, %lu failed\n", check_count, check_failed);
    return check_failed != 0;
}

static uint64_t check_state = 88172645463325252u;

/* xorshift64: the same numbers on every run. */
static inline uint32_t check_random(uint32_t below) {
    check_state ^= check_state << 13;
    check_state ^= check_state >> 7;
    check_state ^= check_state << 17;
    return (uint32_t)(check_state >> 32) % below;
}

static inline double check_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* As run.c has it. */
int pv_say(struct pv_run *run, int rc, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->text, sizeof run->text, format, arguments);
    va_end(arguments);
    return rc;
}

/*
 * What the files under test call of others, where it is of no matter to the tests. A test of the file
 * that has one of these says so by a macro.
 */
#ifndef CHECK_HAS_START_TIME
int __attribute__((weak)) pv_start_time(pid_t pid, uint64_t *ticks) {
    (void)pid;
    *ticks = 1;
    return 0;
}
#endif
int __attribute__((weak)) pv_means_stop(int signal) {
    return signal == SIGTERM;
}
#ifndef CHECK_HAS_HEARD_SIGNALS
int __attribute__((weak)) pv_heard_signals(const struct pv_run *run) {
    (void)run;
    return -1;
}
#endif
int __attribute__((weak)) pv_hear_in_between(struct pv_run *run) {
    (void)run;
    return 0;
}
#ifndef CHECK_HAS_HEAR_SIGNAL
int __attribute__((weak)) pv_hear_signal(struct pv_run *run) {
    (void)run;
    return 0;
}
#endif
#ifndef CHECK_HAS_END_WITH_EXECUTOR
void __attribute__((weak)) pv_end_with_executor(const struct pv_run *run) {
    (void)run;
}
#endif

static struct pv_run check_run;

static inline struct pv_run *fresh_run(void) {
    for (int i = 0; i < PV_SLOTS; i++)
        check_run.slots[i] = -1;
    check_run.text[0] = '\0';
    check_run.home[0] = '\0';
    return &check_run;
}

/* Far below its own top, so that a test that fails by removing too much does no harm. */
#define CHECK_BELOW "/in/in/in/in/in/in/in/in/in/in"

static char scratch[128], scratch_top[64];

static void remove_scratch(void) {
    pid_t rm = chdir("/") < 0 ? -1 : fork();
    if (rm == 0) {
        execlp("rm", "rm", "-rf", "--", scratch_top, (char *)NULL);
        _exit(1);
    }
    int status = 1;
    if (rm < 0 || waitpid(rm, &status, 0) < 0 || status != 0)
        printf("%s is left behind\n", scratch_top);
}

/* Makes a directory that goes with the process, and goes there: in memory, for the speed of it. */
static inline void enter_scratch(void) {
    const char *in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(scratch_top, sizeof scratch_top, "%s/pivot-native-XXXXXX", in);
    if (!mkdtemp(scratch_top)) {
        perror(scratch_top);
        exit(1);
    }
    atexit(remove_scratch);
    snprintf(scratch, sizeof scratch, "%s%s", scratch_top, CHECK_BELOW);
    for (char *slash = scratch + strlen(scratch_top); slash; slash = strchr(slash + 1, '/')) {
        char part[sizeof scratch];
        snprintf(part, sizeof part, "%.*s", (int)(slash - scratch), scratch);
        mkdir(part, 0700);
    }
    if (mkdir(scratch, 0755) < 0 || chdir(scratch) < 0) {
        perror(scratch);
        exit(1);
    }
}

static inline void put_file(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) {
        perror(path);
        exit(1);
    }
    close(fd);
}

#endif
