/*
 * Processes that are there already: that none is taken for another, and that of a cgroup none is
 * forgotten. A cgroup is a directory here, with files that stay as they were written.
 */
#define CHECK_HAS_START_TIME
#define CHECK_HAS_HEARD_SIGNALS
#define CHECK_HAS_HEAR_SIGNAL
#include "check.h"

#include <signal.h>

static int signalled, last_signalled, frozen_then;
static int stops_late; /* the cgroup is frozen when the first has been told, and not before */
static int watched_kill(pid_t pid, int number);
#define kill watched_kill
#include "../others.c"

/* As signals.c has it: nobody wants us to stop. */
int pv_heard_signals(const struct pv_run *run) {
    (void)run;
    return -1;
}

int pv_hear_signal(struct pv_run *run) {
    (void)run;
    return 0;
}
#undef kill
#include "../cgroup-tree.c"
#include "../place.c"

#include <sys/prctl.h>

static void read_text(const char *path, char text[64]) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, 63);
    text[n < 0 ? 0 : n] = '\0';
    if (fd >= 0)
        close(fd);
}

static void put_text(const char *path, const char *text) {
    put_file(path, text, strlen(text));
}

static int watched_kill(pid_t pid, int number) {
    char text[64];
    (void)number;
    signalled++;
    last_signalled = pid;
    if (stops_late)
        put_text("group/cgroup.events", "populated 1\nfrozen 1\n");
    read_text("group/freezer.state", text);
    frozen_then = strncmp(text, "FROZEN", 6) == 0;
    return 0;
}

static pid_t begin_sleep(void) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    return pid;
}

static const struct pv_place pid_file = {PV_SLOT_HOST, "pid"};

static void note(pid_t pid, uint64_t started) {
    char text[64];
    int n = snprintf(text, sizeof text, "%d %llu", (int)pid, (unsigned long long)started);
    put_file("pid", text, (size_t)n);
}

static void test_start_time(void) {
    uint64_t before = 0, after = 0;
    CHECK(pv_start_time(getpid(), &before) == 0 && before > 0);
    CHECK(prctl(PR_SET_NAME, "a) R 1 (2 b") == 0);
    CHECK(pv_start_time(getpid(), &after) == 0 && before == after, "whatever it calls itself");
    CHECK(pv_start_time(-1, &after) == -ESRCH && pv_start_time(1 << 30, &after) == -ESRCH);
}

static void test_hold(void) {
    pid_t pid = begin_sleep(), found = 0;
    uint64_t started = 0;
    struct pv_run *run = fresh_run();
    CHECK(pv_start_time(pid, &started) == 0);
    note(pid, started);
    int fd = pv_hold_process(run, &pid_file, &found);
    CHECK(fd >= 0 && found == pid, "%d", fd);
    close(fd);
    note(pid, started + 1);
    CHECK(pv_hold_process(run, &pid_file, &found) == -ESRCH, "another process of the same number");
    note(pid, started);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    CHECK(pv_hold_process(run, &pid_file, &found) == -ESRCH, "one that has ended, and is not reaped");
    waitpid(pid, NULL, 0);
    CHECK(pv_hold_process(run, &pid_file, &found) == -ESRCH);
    CHECK(unlink("pid") == 0 && pv_hold_process(run, &pid_file, &found) == -ESRCH);
    CHECK(mkfifo("pid", 0600) == 0 && pv_hold_process(run, &pid_file, &found) == -ESRCH);
    CHECK(unlink("pid") == 0 && symlink("elsewhere", "pid") == 0);
    CHECK(pv_hold_process(run, &pid_file, &found) == -ELOOP);
    unlink("pid");
}

static void test_odd_pid_files(void) {
    static const char *const texts[] = {"",     " ",   "0 5", "-1 5", "5",      "5 ",     "5 0",
                                        "5 6 7", "x 5", "5 x", "1\n2", "5 -1x", "99999999999 1"};
    pid_t pid;
    uint64_t started;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_file("pid", texts[i], strlen(texts[i]));
        int rc = read_process(fresh_run(), &pid_file, &pid, &started);
        CHECK(rc == -ESRCH || (rc == 0 && pid > 0), "%s: %d", texts[i], rc);
    }
    for (int i = 0; i < 2000; i++) {
        char bytes[100];
        size_t size = check_random(sizeof bytes);
        for (size_t at = 0; at < size; at++)
            bytes[at] = "0123456789 \n-x"[check_random(14)];
        put_file("pid", bytes, size);
        int rc = read_process(fresh_run(), &pid_file, &pid, &started);
        CHECK(rc == -ESRCH || (rc == 0 && pid > 0 && started > 0));
    }
    unlink("pid");
}

static void test_signal(void) {
    pid_t pid = begin_sleep();
    uint64_t started = 0;
    struct pv_signal op = {.of = pid_file, .signal = 0, .required = 1};
    CHECK(pv_start_time(pid, &started) == 0);
    note(pid, started);
    CHECK(pv_do_signal(fresh_run(), &op) == 0, "0 only asks");
    op.signal = SIGKILL;
    op.wait = 1;
    CHECK(pv_do_signal(fresh_run(), &op) == 0);
    CHECK(waitpid(pid, NULL, WNOHANG) == pid, "it was waited for");
    CHECK(pv_do_signal(fresh_run(), &op) == -ESRCH);
    op.required = 0;
    CHECK(pv_do_signal(fresh_run(), &op) == 0);
    unlink("pid");
}

static const struct pv_place group = {PV_SLOT_HOST, "group"};

static int signal_group(uint32_t number) {
    signalled = frozen_then = 0;
    return pv_do_signal_cgroup(fresh_run(), &(struct pv_signal_cgroup){group, number});
}

static void test_all_of_a_cgroup(void) {
    char text[64];
    CHECK(signal_group(SIGTERM) == 0 && signalled == 0, "one that is gone has none");
    mkdir("group", 0700);
    mkdir("group/below", 0700);
    mkdir("group/below/further", 0700);
    put_text("group/cgroup.procs", "0\n1\n101\n102\n");
    put_text("group/below/further/cgroup.procs", "103\n");
    CHECK(signal_group(SIGTERM) == 0 && signalled == 3, "not 0, not 1: %d", signalled);
    put_text("group/freezer.state", "THAWED\n");
    CHECK(signal_group(SIGTERM) == 0 && signalled == 3 && frozen_then, "stopped meanwhile");
    read_text("group/freezer.state", text);
    CHECK(strncmp(text, "THAWED", 6) == 0, "%s", text);
    put_text("group/freezer.state", "FROZEN\n");
    CHECK(signal_group(SIGKILL) == 0 && signalled == 3);
    read_text("group/freezer.state", text);
    CHECK(strncmp(text, "FROZEN", 6) == 0, "who was paused stays so: %s", text);
    CHECK(signal_group(0) == 0 && signalled == 3);
    /* What the container calls its own, and has frozen of them. */
    mkdir("group/.hidden", 0700);
    put_text("group/.hidden/cgroup.procs", "104\n");
    put_text("group/.hidden/freezer.state", "FROZEN\n");
    CHECK(signal_group(SIGTERM) == 0 && signalled == 4, "%d", signalled);
    read_text("group/.hidden/freezer.state", text);
    CHECK(strncmp(text, "FROZEN", 6) == 0, "it may go on with it: %s", text);
    CHECK(signal_group(SIGKILL) == 0 && signalled == 4, "%d", signalled);
    read_text("group/.hidden/freezer.state", text);
    CHECK(strncmp(text, "THAWED", 6) == 0, "none would end: %s", text);
    read_text("group/freezer.state", text);
    CHECK(strncmp(text, "FROZEN", 6) == 0, "%s", text);
    unlink("group/.hidden/cgroup.procs");
    unlink("group/.hidden/freezer.state");
    rmdir("group/.hidden");
    /* More than any buffer holds. */
    FILE *list = fopen("group/cgroup.procs", "w");
    for (int pid = 1000; pid < 51000; pid++)
        fprintf(list, "%d\n", pid);
    fclose(list);
    CHECK(signal_group(SIGTERM) == 0 && signalled == 50001, "%d", signalled);
    put_text("group/cgroup.kill", "");
    CHECK(signal_group(SIGKILL) == 0 && signalled == 0, "the kernel does it");
    read_text("group/cgroup.kill", text);
    CHECK(strcmp(text, "1") == 0);
    CHECK(signal_group(SIGTERM) == 0 && signalled == 50001 && last_signalled > 0);
    unlink("group/cgroup.kill");
}

static int freeze_group(int frozen) {
    return pv_do_freeze(fresh_run(), &(struct pv_freeze){group, (uint32_t)frozen});
}

static void test_freeze(void) {
    CHECK(freeze_group(1) == 0 && pv_is_frozen(open("group", O_RDONLY)));
    CHECK(freeze_group(0) == 0 && !pv_is_frozen(open("group", O_RDONLY)));
    CHECK(unlink("group/freezer.state") == 0);
    CHECK(freeze_group(1) == -ENOENT);
    CHECK(freeze_group(0) == 0, "what cannot be frozen is not");
    put_text("group/cgroup.freeze", "0");
    put_text("group/cgroup.events", "populated 1\nfrozen 1\n");
    CHECK(freeze_group(1) == 0, "version 2 is asked first");
    CHECK(pv_is_frozen(open("group", O_RDONLY)));
    put_text("group/cgroup.events", "populated 1\nfrozen 0\n");
    CHECK(freeze_group(0) == 0);
    const struct pv_place none = {PV_SLOT_HOST, "none"};
    CHECK(pv_do_freeze(fresh_run(), &(struct pv_freeze){none, 1}) == -ENOENT);
    CHECK(pv_do_freeze(fresh_run(), &(struct pv_freeze){none, 0}) == 0);
    int cgroup = open("group", O_RDONLY);
    double before = check_seconds();
    CHECK(freeze_in_time(cgroup, 1, 20) == -EAGAIN, "it says `frozen 0` for ever");
    CHECK(check_seconds() - before < 5);
    close(cgroup);
}

/* Those that are forked while the first are told are told as well. */
static void test_who_runs_on_is_told_again(void) {
    char text[64];
    put_text("group/cgroup.procs", "101\n");
    put_text("group/cgroup.freeze", "0");
    put_text("group/cgroup.events", "populated 1\nfrozen 0\n");
    stops_late = 1;
    CHECK(signal_group(SIGTERM) == 0 && signalled == 4, "two of them, twice: %d", signalled);
    stops_late = 0;
    read_text("group/cgroup.freeze", text);
    CHECK(text[0] == '0', "%s", text);
}

int main(void) {
    enter_scratch();
    test_start_time();
    test_hold();
    test_odd_pid_files();
    test_signal();
    test_all_of_a_cgroup();
    test_freeze();
    test_who_runs_on_is_told_again();
    return check_result();
}
