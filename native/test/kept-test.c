/*
 * What the launcher does by itself: `start`, `delete` and the like of a container, in the one form of words
 * that clients use, by a plan that nobody but its owner can have written. All else is the program's.
 */
#include "check.h"

#include "../kept.c"

static int ended = -ESRCH, stale;

/* As files.c, others.c, fresh.c, kept-state.c and run.c have it. */
int pv_write_whole(int fd, const void *bytes, size_t size) {
    return write(fd, bytes, size) == (ssize_t)size ? 0 : -EIO;
}
int pv_hold_process(struct pv_run *run, const struct pv_place *of, pid_t *pid) {
    (void)run, (void)of;
    *pid = 1;
    return ended;
}
int pv_plan_is_whole(int fd, off_t begin, off_t size) {
    (void)fd, (void)begin, (void)size;
    return 1;
}
int pv_is_stale(const char *repository) {
    (void)repository;
    return stale;
}
int pv_tell_state(int directory) {
    int fd = pv_open_kept(directory, "state.text");
    if (fd >= 0)
        _exit(42); /* it would be told */
    return 0;
}
int pv_kept_main(int plan, char **reporter) {
    struct stat st;
    char text[16] = "";
    if (read(plan, text, sizeof text) > 0 && strcmp(text, "a plan, by \17\0\0") != 0)
        _exit(2);
    int is_whole = fstat(plan, &st) == 0 && S_ISREG(st.st_mode) &&
                   strcmp(reporter[0], "/program") == 0 && strcmp(reporter[6], "internal-tell") == 0;
    _exit(is_whole ? 42 : 1); /* exit(3) would take the scratch directory away */
}

static char root[256];

/* Whether the launcher does it: in a child, since it ends then. */
static int does(const char *const *words) {
    char *argv[16] = {(char *)"pivot"};
    for (size_t i = 0; i < 14 && words[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pv_try_kept(argv, "/program", NULL);
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status), "it has crashed");
    return WEXITSTATUS(status) == 42;
}
#define DOES(...) does((const char *const[]){__VA_ARGS__, NULL})

static void make_container(const char *id) {
    char path[512];
    static const char *const files[] = {"start", "start.plan", "delete.plan"};
    snprintf(path, sizeof path, "%s/%s", root, id);
    mkdir(path, 0700);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", root, id, files[i]);
        put_file(path, "", 0);
        chmod(path, 0600);
    }
}

static void put_state(const char *id) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s/state.text", root, id);
    put_file(path, "", 0);
    chmod(path, 0600);
}

static void test_words(void) {
    make_container("box");
    CHECK(DOES("oci", "--root", root, "start", "box"));
    CHECK(DOES("oci", "--root", root, "delete", "box"), "it is only created");
    CHECK(DOES("oci", "--root", root, "delete", "--force", "box"));
    CHECK(DOES("oci", "--root", root, "delete", "box", "-f"));
    CHECK(DOES("oci", "--debug", "--root", root, "--log", "/log", "--log-format=json", "start", "box"));
    CHECK(!DOES("--root", root, "start", "box"), "not of this name");
    CHECK(!DOES("oci", "--root", root, "start"));
    CHECK(!DOES("oci", "--root", root, "start", "box", "box"));
    CHECK(!DOES("oci", "--root", root, "start", "--force", "box"));
    CHECK(!DOES("oci", "--root", root, "start", "-h"));
    CHECK(!DOES("oci", "--root", root, "state", "box"), "nothing is kept for it");
    put_state("box");
    CHECK(DOES("oci", "--root", root, "state", "box"));
    CHECK(!DOES("oci", "--root", root, "state"));
    CHECK(!DOES("oci", "--root", root, "state", "box", "box"));
    CHECK(!DOES("oci", "--root", root, "state", "--force", "box"));
    CHECK(!DOES("oci", "--root", root));
    CHECK(!DOES("oci", "--root"));
    CHECK(!DOES("oci"));
    CHECK(!DOES("oci", "--root", "relative", "start", "box"));
    CHECK(!DOES("oci", "--root", root, "--log", "relative", "start", "box"));
    CHECK(!DOES("oci", "--root", root, "--log-format", "xml", "start", "box"));
    CHECK(DOES("oci", "--systemd-cgroup", "--root", root, "start", "box"));
    CHECK(!DOES("oci", "--systemd-cgroup=false", "--root", root, "start", "box"));
    CHECK(!DOES("oci", "--rooted", root, "start", "box"));
    CHECK(!DOES("oci", "--root", "/dev/null", "start", "box"));
}

static void test_ids(void) {
    static const char *const bad[] = {"", ".", "..", "../box", "box/", "/box", "a b", "-box", "b\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!is_id(bad[i]) && !DOES("oci", "--root", root, "delete", "-f", bad[i]), "%s", bad[i]);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[255] = '\0';
    CHECK(is_id(longest) && is_id("..a") && is_id("a_b+c.d-e"));
    longest[255] = 'x';
    longest[256] = '\0';
    CHECK(!is_id(longest));
}

static void test_states(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/box/start", root);
    unlink(path);
    CHECK(!DOES("oci", "--root", root, "start", "box"), "it was started");
    CHECK(DOES("oci", "--root", root, "delete", "box"), "it has ended");
    ended = dup(0);
    CHECK(!DOES("oci", "--root", root, "delete", "box"), "it runs");
    CHECK(DOES("oci", "--root", root, "delete", "--force", "box"));
    close(ended);
    ended = -ESRCH;
    snprintf(path, sizeof path, "%s/box", root);
    int held = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(held >= 0 && flock(held, LOCK_EX) == 0);
    CHECK(!DOES("oci", "--root", root, "delete", "--force", "box"), "another command is at work");
    close(held);
}

static void put_kill_plan(uint32_t at, const char *plan, size_t size) {
    char path[512], bytes[64];
    memcpy(bytes, &at, 4);
    memcpy(bytes + 4, plan, size);
    snprintf(path, sizeof path, "%s/box/kill.plan", root);
    put_file(path, bytes, 4 + size);
    chmod(path, 0600);
}

/* By a number, of a container that runs: the number is put into the plan. */
static void test_kill(void) {
    char path[512];
    put_kill_plan(11, "a plan, by ....", 15);
    CHECK(!DOES("oci", "--root", root, "kill", "box", "15"), "it has ended");
    ended = dup(0);
    CHECK(DOES("oci", "--root", root, "kill", "box", "15"));
    CHECK(!DOES("oci", "--root", root, "kill", "box", "16"), "the plan was another's");
    static const char *const words[] = {"TERM", "SIGTERM", "015", "65", "-1", "", "1x", "00", "100"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        CHECK(!DOES("oci", "--root", root, "kill", "box", words[i]), "%s", words[i]);
    CHECK(!DOES("oci", "--root", root, "kill", "box"));
    CHECK(!DOES("oci", "--root", root, "kill", "box", "15", "15"));
    CHECK(!DOES("oci", "--root", root, "kill", "--all", "box", "15"));
    CHECK(!DOES("oci", "--root", root, "kill", "box", "9"), "there is no plan for it");
    snprintf(path, sizeof path, "%s/box/kill-9.plan", root);
    put_file(path, "", 0);
    chmod(path, 0600);
    CHECK(DOES("oci", "--root", root, "kill", "box", "9"));
    for (uint32_t at = 12; at < 40; at++) {
        put_kill_plan(at == 39 ? 0xfffffffc : at, "a plan, by ....", 15);
        CHECK(!DOES("oci", "--root", root, "kill", "box", "15"), "it lies outside: %u", at);
    }
    put_kill_plan(0, "", 0);
    CHECK(!DOES("oci", "--root", root, "kill", "box", "15"));
    close(ended);
    ended = -ESRCH;
}

static void test_whose_plan(void) {
    char path[512], link[512], elsewhere[512];
    snprintf(path, sizeof path, "%s/box/delete.plan", root);
    chmod(path, 0620);
    CHECK(!DOES("oci", "--root", root, "delete", "box"), "a group may write it");
    chmod(path, 0602);
    CHECK(!DOES("oci", "--root", root, "delete", "box"));
    chmod(path, 0644);
    CHECK(DOES("oci", "--root", root, "delete", "box"));
    if (geteuid() == 0) {
        CHECK(chown(path, 1234, 1234) == 0);
        CHECK(!DOES("oci", "--root", root, "delete", "box"), "somebody else's");
    }
    unlink(path);
    CHECK(!DOES("oci", "--root", root, "delete", "box"));
    CHECK(mkfifo(path, 0600) == 0 && !DOES("oci", "--root", root, "delete", "box"), "nor waited for");
    unlink(path);
    CHECK(mkdir(path, 0700) == 0 && !DOES("oci", "--root", root, "delete", "box"));
    rmdir(path);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", root);
    put_file(elsewhere, "", 0);
    chmod(elsewhere, 0600);
    CHECK(symlink(elsewhere, path) == 0 && !DOES("oci", "--root", root, "delete", "box"));
    snprintf(link, sizeof link, "%s/link", root);
    make_container("real");
    CHECK(symlink("real", link) == 0);
    CHECK(!DOES("oci", "--root", root, "delete", "link"), "a link is no container");
    CHECK(DOES("oci", "--root", root, "delete", "real"));
}

static void test_stale(void) {
    char *argv[] = {(char *)"p", (char *)"oci", (char *)"--root", root, (char *)"start",
                    (char *)"none", NULL};
    pv_try_kept(argv, "/program", "/repository"); /* comes back: there is no such container */
    stale = 1;
    argv[5] = (char *)"real";
    pv_try_kept(argv, "/program", "/repository"); /* and for sources that are newer */
    CHECK(1, "it has come back twice");
}

int main(void) {
    enter_scratch();
    snprintf(root, sizeof root, "%s", scratch);
    test_words();
    test_ids();
    test_states();
    test_kill();
    test_whose_plan();
    test_stale();
    return check_result();
}
