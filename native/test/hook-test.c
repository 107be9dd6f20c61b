/*
 * Hooks that do not do what they should: that end badly, never end, do not read, close their
 * streams, leave a process behind, or stand where no program is.
 */
#define CHECK_HAS_HEAR_SIGNAL
#include "check.h"

#include "../hook.c"

/* As cover.c has it. */
int pv_is_null(const struct stat *st) {
    return S_ISCHR(st->st_mode);
}

static int stop_pipe[2] = {-1, -1};

int pv_hear_signal(struct pv_run *run) {
    return pv_say(run, -EINTR, "stopped by signal 15");
}

/* As process.c has it. */
void pv_standard_signals(void) {
    sigset_t none;
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, (char[64]){0}, NULL, 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int left_events;

void pv_event(struct pv_run *run, enum pv_event_kind kind, uint32_t step, int error, int value,
              const char *text) {
    (void)run, (void)step, (void)error, (void)value, (void)text;
    left_events += kind == PV_EVENT_LEFT;
}

static int hook_at(const char *path, const char *script, uint32_t timeout, uint32_t required,
                   const char *state) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
    char *env[] = {(char *)"PATH=/usr/bin:/bin", NULL};
    struct pv_hook op = {.name = "hook", .path = path, .argv = {3, argv}, .env = {1, env},
                         .timeout = timeout, .before = state, .after = "", .required = required};
    struct pv_run *run = fresh_run();
    run->actor = PV_BY_PARENT;
    run->signals = stop_pipe[0];
    return pv_do_hook(run, &op);
}

static int hook(const char *script) {
    return hook_at("/bin/sh", script, 0, 1, "{}");
}

static int says(const char *words) {
    int same = strcmp(check_run.text, words) == 0;
    if (!same)
        printf("it says: %s\n", check_run.text);
    return same;
}

static void test_ends(void) {
    CHECK(hook("exit 0") == 0);
    CHECK(hook("exit 3") == -ECANCELED && says("it ended with 3"));
    CHECK(hook("echo one >&2; echo two >&2; exit 3") == -ECANCELED && says("it ended with 3: two"));
    CHECK(hook("printf 'a\\n\\n' >&2; exit 1") == -ECANCELED);
    CHECK(hook("echo no >&1; exit 1") == -ECANCELED && says("it ended with 1"), "stdout is not told");
    CHECK(hook("kill -9 $$") == -ECANCELED && says("it was ended by signal 9"));
    CHECK(hook_at("/none", "", 0, 1, "{}") == -ECANCELED && strstr(check_run.text, "ended with 127"));
    CHECK(hook_at("/", "", 0, 1, "{}") == -ECANCELED && strstr(check_run.text, "ended with 126"));
    left_events = 0;
    CHECK(hook_at("/bin/sh", "exit 1", 0, 0, "{}") == 0 && left_events == 1, "a warning");
}

static void test_long_words(void) {
    CHECK(hook("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1") == -ECANCELED);
    CHECK(strlen(check_run.text) < PV_TEXT && strstr(check_run.text, "xxx"));
}

/* More than a pipe holds, to somebody who reads it all, some, or nothing. */
static void test_input(void) {
    static char state[1 << 20];
    memset(state, 'y', sizeof state - 1);
    CHECK(hook_at("/bin/sh", "test $(wc -c) = 1048575", 0, 1, state) == 0, "%s", check_run.text);
    CHECK(hook_at("/bin/sh", "head -c 10 >/dev/null", 0, 1, state) == 0);
    CHECK(hook_at("/bin/sh", "exec <&-; sleep 0.1", 0, 1, state) == 0);
    CHECK(hook_at("/bin/sh", "sleep 0.1", 0, 1, state) == 0);
}

static void test_no_end(void) {
    double before = check_seconds();
    CHECK(hook_at("/bin/sh", "exec sleep 100", 300, 1, "{}") == -ETIMEDOUT);
    CHECK(hook_at("/bin/sh", "exec <&- >&- 2>&-; exec sleep 100", 300, 1, "{}") == -ETIMEDOUT);
    CHECK(hook_at("/bin/sh", "while :; do echo x >&2; done", 300, 1, "{}") == -ETIMEDOUT);
    /* Who is left behind holds standard error open, and is not waited for. */
    CHECK(hook("sleep 5 & exit 0") == 0);
    CHECK(pipe(stop_pipe) == 0 && write(stop_pipe[1], "", 1) == 1);
    CHECK(hook("exec sleep 100") == -EINTR && says("stopped by signal 15"));
    CHECK(hook_at("/bin/sh", "exec sleep 100", 0, 0, "{}") == -EINTR, "also of one that may fail");
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    stop_pipe[0] = stop_pipe[1] = -1;
    CHECK(check_seconds() - before < 20);
}

static void test_nothing_is_inherited(void) {
    CHECK(dup2(open("/", O_RDONLY | O_DIRECTORY), 77) == 77);
    sigset_t blocked;
    sigfillset(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    CHECK(hook("test ! -e /proc/self/fd/77 && test \"$(pwd)\" = /") == 0, "%s", check_run.text);
    CHECK(hook("grep -q 'SigBlk:.0000000000000000' /proc/self/status") == 0);
    CHECK(hook("grep -q 'SigIgn:.0000000000000000' /proc/self/status") == 0);
    CHECK(hook_at("/proc/self/fd/77/bin/sh", "exit 0", 0, 1, "{}") == -ECANCELED, "CVE-2024-21626");
    close(77);
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* With ever fewer descriptors to be had: no crash, no descriptor and no process is left. */
static void test_no_descriptors(void) {
    struct rlimit before, few;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    int open = open_descriptors();
    for (rlim_t most = 3; most < 14; most++) {
        few = (struct rlimit){most, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        int rc = hook("exit 0");
        setrlimit(RLIMIT_NOFILE, &before);
        CHECK(rc == 0 || rc == -EMFILE || rc == -ECANCELED, "%d", rc);
        CHECK(open_descriptors() == open);
        CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    }
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    test_ends();
    test_long_words();
    test_input();
    test_no_end();
    test_no_descriptors();
    test_nothing_is_inherited();
    return check_result();
}
