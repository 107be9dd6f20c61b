/* What the process is allowed, and its leap into the program. */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "calls.h"
#include "executor.h"

#define PV_LAST_SIGNAL 64

int pv_do_setrlimit(struct pv_run *run, const struct pv_setrlimit *op) {
    struct rlimit limit = {.rlim_cur = op->soft, .rlim_max = op->hard};
    /* Our own goes with `leap`, when no more descriptors are needed. */
    if (op->resource == RLIMIT_NOFILE) {
        run->files = limit;
        limit.rlim_cur = limit.rlim_max;
    }
    return pv_result(setrlimit((int)op->resource, &limit));
}

/* All from `from` on but the two that init needs, which no program can be found by: sockets. */
int pv_close_but(unsigned from, int one, int other) {
    unsigned low = (unsigned)(one < other ? one : other), high = (unsigned)(one < other ? other : one);
    const unsigned kept[] = {low, high};
    for (int i = 0; i < 2; i++) {
        if (kept[i] == ~0u || kept[i] < from)
            continue;
        int rc = kept[i] > from ? pv_close_range(from, kept[i] - 1, 0) : 0;
        if (rc < 0)
            return rc;
        from = kept[i] + 1;
    }
    return pv_close_range(from, ~0u, 0);
}

/*
 * Now, and not by execve: until then /proc/self/fd would lead to them, and so to programs and
 * working directories of the host (CVE-2024-21626); and who waits for the end of a pipe, or for a
 * lock, would wait for a container that is only created.
 */
int pv_do_close_fds(struct pv_run *run, const struct pv_close_fds *op) {
    int listener = run->listener;
    for (uint32_t i = 0; i < PV_SLOTS; i++) {
        if (run->slots[i] < 0 || run->slots[i] == listener)
            continue;
        close(run->slots[i]);
        run->slots[i] = -1;
    }
    int *const own[] = {&run->terminal, &run->starter, &run->agent, &run->answered_fd};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (*own[i] >= 0)
            close(*own[i]);
        *own[i] = -1;
    }
    for (int i = 0; i < PV_STREAMS; i++)
        run->pipes[i][0] = run->pipes[i][1] = -1;
    return pv_close_but(op->from, run->sync, listener);
}

int pv_do_capbset(const struct pv_capbset *op) {
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (op->keep >> cap & 1)
            continue;
        int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (held < 0)
            break; /* EINVAL: beyond the last one that this kernel knows */
        if (held && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return -errno;
    }
    return 0;
}

int pv_do_capset(struct pv_run *run, const struct pv_capset *op) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(op->effective >> (32 * i));
        data[i].permitted = (uint32_t)(op->permitted >> (32 * i));
        data[i].inheritable = (uint32_t)(op->inheritable >> (32 * i));
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && op->ambient)
        return pv_say(run, -errno, "PR_CAP_AMBIENT_CLEAR_ALL");
    if (syscall(SYS_capset, &header, data) < 0)
        return pv_say(run, -errno, "capset");
    for (unsigned long cap = 0; cap < 64; cap++)
        if (op->ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return pv_say(run, -errno, "PR_CAP_AMBIENT_RAISE %lu", cap);
    pv_end_with_executor(run);
    return 0;
}

/* After the filter, even a word to the parent may be forbidden: so it is said before. */
int pv_leap(struct pv_run *run) {
    if (run->leapt)
        return 0;
    run->leapt = 1;
    if (setrlimit(RLIMIT_NOFILE, &run->files) < 0)
        return pv_say(run, -errno, "the limit of open files");
    return pv_send(run, PV_LEAPS, run->step, 0, -1);
}

int pv_do_seccomp(struct pv_run *run, const struct pv_seccomp *op) {
    if (op->program.size % sizeof(struct sock_filter) != 0 ||
        op->program.size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return -EINVAL;
    /* The record's bytes have no alignment, the kernel copies them from anywhere. */
    struct sock_fprog program = {
        .len = (unsigned short)(op->program.size / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)op->program.data,
    };
    int rc = pv_leap(run);
    if (rc < 0)
        return rc;
    if (op->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
        return pv_seccomp_and_listen(run, op->flags, &program);
    return pv_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program));
}

/* What process 1 was called with names files of the host: others in the container could read it. */
static void forget_words(struct pv_run *run) {
    static const char name[] = "pivot-init";
    if (run->words_size <= sizeof name)
        return;
    memset(run->words, 0, run->words_size);
    memcpy(run->words, name, sizeof name);
}

/* Process 1: reaps whoever ends, passes signals on, and ends as its child does. */
static void __attribute__((noreturn)) reap_until(pid_t child) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    pv_close_range(3, ~0u, 0);
    prctl(PR_SET_NAME, "pivot-init");
    for (;;) {
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) != 0;) {
            if (pid == child && WIFEXITED(status))
                _exit(WEXITSTATUS(status));
            if (pid == child && WIFSIGNALED(status))
                _exit(128 + WTERMSIG(status));
            if (pid < 0 && errno != EINTR)
                break;
        }
        int signal = sigwaitinfo(&all, NULL);
        if (signal > 0 && signal != SIGCHLD)
            kill(child, signal);
    }
}

int pv_do_init(struct pv_run *run) {
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close(run->sync);
        forget_words(run);
        reap_until(child);
    }
    /* The terminal's foreground is the program alone: ^C must not reach it twice. To say so from
     * the background would stop us, were the signal not blocked; `exec` clears the mask. */
    sigset_t background;
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    sigprocmask(SIG_BLOCK, &background, NULL);
    if (setpgid(0, 0) == 0 && isatty(STDIN_FILENO))
        tcsetpgrp(STDIN_FILENO, getpid());
    return 0;
}

static char **with_home(struct pv_run *run, const struct pv_texts *env) {
    static char entry[sizeof run->home + 8] = "HOME=";
    if (run->home[0] == '\0')
        return env->items;
    for (uint32_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], "HOME=", 5) == 0)
            return env->items;
    strcpy(entry + 5, run->home);
    env->items[env->count] = entry; /* the reader left room for one more */
    return env->items;
}

/* A regular file that somebody may execute; as execve(2) would say of it. */
static int is_program(const char *path) {
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
    return 0;
}

int pv_do_find_program(struct pv_run *run, const struct pv_find_program *op) {
    int rc = -ENOENT;
    (void)run;
    for (uint32_t i = 0; i < op->paths.count; i++) {
        int found = is_program(op->paths.items[i]);
        if (found == 0)
            return 0;
        if (found != -ENOENT && found != -ENOTDIR)
            rc = found;
    }
    return rc;
}

void pv_standard_signals(void) {
    /* All of them: the C library keeps two or three to itself and would leave these ignored. A
     * struct sigaction of zeros, as the kernel has it, means the default. */
    static const char standard[64];
    for (int signal = 1; signal <= PV_LAST_SIGNAL; signal++)
        syscall(SYS_rt_sigaction, signal, standard, NULL, PV_LAST_SIGNAL / 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int pv_do_exec(struct pv_run *run, const struct pv_exec *op) {
    char **env = with_home(run, &op->env);
    int rc = pv_leap(run);
    if (rc < 0)
        return rc;
    pv_standard_signals();
    rc = -ENOENT;
    for (uint32_t i = 0; i < op->paths.count; i++) {
        execve(op->paths.items[i], op->argv.items, env);
        /* As execvp(3): one that may not be executed does not end the search, but is remembered. */
        if (errno == EACCES)
            rc = -EACCES;
        else if (errno != ENOENT && errno != ENOTDIR)
            return pv_say(run, -errno, "%s", op->paths.items[i]);
    }
    return rc;
}
