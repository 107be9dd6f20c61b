/*
 * Networks with a netavark that does not do what it should: that fails, never ends, says too much, or
 * is not there; and that nothing is forgotten of what it has made.
 */
#define CHECK_HAS_HEAR_SIGNAL
#define CHECK_HAS_HEARD_SIGNALS
#include "check.h"

#include "../files.c"
#include "../network.c"
#include "../place.c"
#include "../tool.c"

static int stop_pipe[2] = {-1, -1};

int pv_heard_signals(const struct pv_run *run) {
    (void)run;
    return stop_pipe[0];
}

int pv_hear_signal(struct pv_run *run) {
    return pv_say(run, -EINTR, "stopped by signal 15");
}

/* As process.c has it. */
void pv_standard_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t held = -1; /* of a container that another executor has made */

int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid) {
    (void)run, (void)of;
    *pid = held;
    return held < 0 ? -ENOENT : pv_pidfd_open(held);
}

static int marks, removals;
static char last_alias[PV_ALIAS];

int pv_mark_link(int netns, const char *interface, const char *alias) {
    (void)netns, (void)interface;
    marks++;
    strcpy(last_alias, alias);
    return 0;
}

int pv_remove_link(const char *alias) {
    removals++;
    strcpy(last_alias, alias);
    return 0;
}

/* Both are called under the lock. */
static int lock_is_held(void);
static int kept_apart, forgotten, apart_fails;
static char last_bridge[64];

int pv_keep_apart(const char *bridge) {
    CHECK(lock_is_held());
    kept_apart++;
    strcpy(last_bridge, bridge);
    return apart_fails;
}

int pv_forget_bridges(void) {
    CHECK(lock_is_held());
    forgotten++;
    return 0;
}

static char path[8][PATH_MAX];

static const char *at(int i, const char *name) {
    snprintf(path[i], sizeof path[i], "%s/%s", scratch, name);
    return path[i];
}

static struct pv_place place(int i, const char *name) {
    return (struct pv_place){PV_SLOT_HOST, at(i, name)};
}

static int lock_is_held(void) {
    int fd = open(at(6, "lock"), O_RDONLY | O_CLOEXEC);
    int rc = pv_result(flock(fd, LOCK_EX | LOCK_NB));
    close(fd);
    return rc == -EWOULDBLOCK;
}

static const struct pv_place nowhere = {PV_SLOT_NONE, ""};

static void write_file(const char *name, const char *text) {
    int fd = open(at(7, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static int is_there(const char *name) {
    return access(at(7, name), F_OK) == 0;
}

static char *shell[] = {(char *)"sh", (char *)"-c", NULL, (char *)"netavark", NULL};
static char *undo_shell[] = {(char *)"sh", (char *)"-c", NULL, (char *)"netavark", NULL};
static char *environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};

static int set_up_with(const char *program, const char *script, const char *undo, uint32_t timeout) {
    shell[2] = (char *)(uintptr_t)script;
    undo_shell[2] = (char *)(uintptr_t)undo;
    struct pv_network_setup op = {.program = program, .argv = {4, shell}, .undo = {4, undo_shell},
                                  .env = {1, environment}, .timeout = timeout,
                                  .lock = place(0, "lock"), .of = nowhere, .alias = "pivot id",
                                  .bridge = "pv-0", .config = place(1, "eth0")};
    struct pv_run *run = fresh_run();
    run->actor = PV_BY_PARENT;
    run->network = -1;
    run->init = getpid();
    write_file("eth0", "what it reads");
    int rc = pv_do_network_setup(run, &op);
    if (run->network >= 0)
        close(run->network);
    run->network = -1;
    return rc;
}

static int set_up(const char *script) {
    return set_up_with("/bin/sh", script, "exit 0", 20000);
}

static int says(const char *words) {
    int same = strcmp(check_run.text, words) == 0;
    if (!same)
        printf("it says: %s\n", check_run.text);
    return same;
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_setup(void) {
    int open = open_descriptors();
    CHECK(set_up("test \"$(cat)\" = 'what it reads'") == 0, "%s", check_run.text);
    CHECK(is_there("eth0") && marks == 1 && strcmp(last_alias, "pivot id eth0") == 0);
    CHECK(set_up("test \"$(readlink $1)\" = \"$(readlink /proc/self/ns/net)\"") == 0, "its namespace");
    CHECK(set_up("test \"$(ls /proc/self/fd | wc -l)\" = 4") == 0, "and no descriptor of ours");
    CHECK(set_up("test \"$(pwd)\" = / && test -z \"$HOME\"") == 0);
    CHECK(set_up("test $(cut -d' ' -f6 /proc/self/stat) = $$") == 0, "a session of its own");
    CHECK(set_up("sleep 5 & exit 0") == 0, "the name server stays");
    CHECK(kept_apart == 12 && forgotten == 0 && strcmp(last_bridge, "pv-0") == 0, "before, and after");
    CHECK(open_descriptors() == open);
}

/* Without the rules netavark does not even begin. */
static void test_apart(void) {
    char script[PATH_MAX + 64];
    snprintf(script, sizeof script, "touch %s", at(2, "begun"));
    apart_fails = -EOPNOTSUPP;
    CHECK(set_up(script) == -EOPNOTSUPP && !is_there("begun") && !is_there("eth0"));
    CHECK(says("this kernel has no nf_tables, which keeps networks apart: modprobe nf_tables"));
    apart_fails = -EPERM;
    CHECK(set_up(script) == -EPERM && !is_there("begun") && says("rules that keep networks apart"));
    apart_fails = 0;
}

static void test_failures(void) {
    int open = open_descriptors();
    CHECK(set_up("echo '{\"error\":\"no room\"}'; exit 1") == -ECANCELED);
    CHECK(says("netavark ended with 1: no room"));
    CHECK(!is_there("eth0"), "nothing was made, so nothing is noted");
    CHECK(set_up("echo one; echo two; exit 2") == -ECANCELED && says("netavark ended with 2: one"));
    CHECK(set_up("exit 3") == -ECANCELED && says("netavark ended with 3"));
    CHECK(set_up("kill -9 $$") == -ECANCELED && says("netavark was ended by signal 9"));
    CHECK(set_up("head -c 1000000 /dev/zero | tr '\\0' x; exit 1") == -ECANCELED);
    CHECK(strlen(check_run.text) < PV_TEXT);
    CHECK(set_up_with("/none", "", "", 20000) == -ECANCELED);
    CHECK(says("netavark ended with 127: /none: No such file or directory"));
    CHECK(set_up_with("/bin/sh", "exec sleep 100", "exit 0", 200) == -ETIMEDOUT);
    /* What it has made before it failed is undone by it. */
    char script[PATH_MAX + 64];
    snprintf(script, sizeof script, "touch %s", at(2, "undone"));
    forgotten = 0;
    CHECK(set_up_with("/bin/sh", "exit 1", script, 20000) == -ECANCELED && is_there("undone"));
    CHECK(forgotten == 1, "the bridge is none of ours any more");
    CHECK(pipe(stop_pipe) == 0 && write(stop_pipe[1], "", 1) == 1);
    CHECK(set_up("exec sleep 100") == -EINTR && says("stopped by signal 15") && !is_there("eth0"));
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    stop_pipe[0] = stop_pipe[1] = -1;
    CHECK(open_descriptors() == open);
}

static int tear_down_with(const char *script, const char *only, struct pv_place of) {
    shell[2] = (char *)(uintptr_t)script;
    struct pv_network_teardown op = {.program = "/bin/sh", .argv = {4, shell},
                                     .env = {1, environment}, .timeout = 20000,
                                     .lock = place(0, "lock"), .of = of, .alias = "pivot id",
                                     .configs = place(1, "configs"), .only = only,
                                     .left = place(2, "left/id")};
    struct pv_run *run = fresh_run();
    run->actor = PV_BY_PARENT;
    run->init = 0;
    return pv_do_network_teardown(run, &op);
}

static int open_own(void) {
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int tear_down_held(const char *script) {
    check_run.network = open_own();
    int rc = tear_down_with(script, "", nowhere);
    close(check_run.network);
    check_run.network = -1;
    return rc;
}

static void test_teardown(void) {
    int open = open_descriptors();
    CHECK(tear_down_held("exit 1") == 0, "no directory: nothing was connected");
    CHECK(mkdir(at(3, "configs"), 0700) == 0);
    write_file("configs/eth0", "zero");
    write_file("configs/eth1", "one");
    check_run.network = open_own();
    CHECK(tear_down_with("grep -q one", "eth1", nowhere) == 0 && is_there("configs/eth0"));
    close(check_run.network);
    write_file("configs/eth1", "one");
    forgotten = 0;
    CHECK(tear_down_held("grep -q '[zo][en]'") == 0, "%s", check_run.text);
    CHECK(forgotten == 2);
    CHECK(!is_there("configs/eth0") && !is_there("configs/eth1") && !is_there("left/id"));
    CHECK(open_descriptors() == open);
}

/* The container is gone: an empty namespace with something of the interface's name stands in. */
static void test_gone(void) {
    if (geteuid() != 0)
        return;
    char own[64] = "", now[64] = "";
    CHECK(readlink("/proc/self/ns/net", own, sizeof own - 1) > 0);
    int open = open_descriptors();
    check_run.network = -1;
    removals = 0;
    write_file("configs/eth0", "zero");
    CHECK(tear_down_with("test \"$(readlink $1)\" != \"$(readlink /proc/self/ns/net)\"", "", nowhere) == 0);
    CHECK(removals == 1 && strcmp(last_alias, "pivot id eth0") == 0 && !is_there("configs/eth0"));
    CHECK(readlink("/proc/self/ns/net", now, sizeof now - 1) > 0 && strcmp(own, now) == 0);
    write_file("configs/eth0", "zero");
    CHECK(tear_down_with("echo '{\"error\":\"bridge: No such device (os error 19)\"}'; exit 1", "", nowhere) == 0);
    write_file("configs/eth0", "zero");
    CHECK(tear_down_with("echo '{\"error\":\"busy\"}'; exit 1", "", nowhere) == -ECANCELED);
    CHECK(says("netavark ended with 1: busy"));
    CHECK(!is_there("configs/eth0") && is_there("left/id/eth0"), "it is tried again later");
    write_file("configs/eth0", "");
    CHECK(tear_down_with("exit 1", "", nowhere) == 0 && !is_there("configs/eth0"), "never written");
    CHECK(open_descriptors() == open);
}

/* While another holds the lock, nobody calls netavark. */
static void test_lock(void) {
    int fd = open(at(3, "lock"), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
    CHECK(set_up_with("/bin/sh", "exit 0", "exit 0", 100) == -ETIMEDOUT);
    CHECK(says("others change networks all the time"));
    close(fd);
    CHECK(set_up("exit 0") == 0);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    enter_scratch();
    test_setup();
    test_apart();
    test_failures();
    test_teardown();
    test_gone();
    test_lock();
    return check_result();
}
