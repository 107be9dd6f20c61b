/* Removing trees: very deep ones, links that lead out, and trees in which somebody moves things. */
#include "check.h"

/* Runs just before a directory is gone up from, which is when a move matters. */
static void (*attack)(void);

static int attacked_openat(int dir, const char *name, int flags) {
    if (strcmp(name, "..") == 0 && attack) {
        void (*now)(void) = attack;
        attack = NULL;
        now();
    }
    return openat(dir, name, flags);
}
/*
 * The code under test removes trees, and a mistake in it must not reach the machine: nothing is
 * unlinked but in a directory that lies in the scratch directory; the first other attempt ends the
 * test, before it has had an effect.
 */
static int guarded_unlinkat(int dir, const char *name, int flags) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    size_t top = strlen(scratch_top);
    /* No directory of the machine but our deepest has a path too long for the call. */
    int inside = n < 0 ? errno == ENAMETOOLONG
                       : strncmp(path, scratch_top, top) == 0 && path[top] == '/';
    if (!inside || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        fprintf(stderr, "stopped: it would have removed %s in %s\n", name, path);
        exit(1);
    }
    return unlinkat(dir, name, flags);
}
#define openat attacked_openat
#define unlinkat guarded_unlinkat
#include "../remove.c"
#undef openat
#undef unlinkat

#include "../place.c"

#include <linux/fs.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Resolved in the scratch directory, as a place in a slot is: no path leads out of it. */
static int remove_at(const char *path) {
    struct pv_remove op = {{0, path}};
    struct pv_run *run = fresh_run();
    run->slots[0] = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = pv_do_remove(run, &op);
    close(run->slots[0]);
    return rc;
}

static int is_there(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static void make_directories(const char *path) {
    char part[PATH_MAX];
    for (size_t i = 1; i <= strlen(path); i++)
        if (path[i] == '/' || path[i] == '\0') {
            memcpy(part, path, i);
            part[i] = '\0';
            mkdir(part, 0755);
        }
}

static void test_kinds(void) {
    CHECK(remove_at("none") == 0 && remove_at("none/below") == 0, "not there is no failure");
    put_file("file", "x", 1);
    CHECK(remove_at("file") == 0 && !is_there("file"));
    CHECK(mkdir("empty", 0) == 0 && remove_at("empty/") == 0 && !is_there("empty"));
    CHECK(mkfifo("fifo", 0600) == 0 && remove_at("fifo") == 0 && !is_there("fifo"));
    CHECK(remove_at(".") == -EINVAL && remove_at("..") == -EINVAL);
    CHECK(remove_at("../") == -EINVAL && remove_at("./") == -EINVAL && remove_at("") == -EINVAL);
    CHECK(is_there("."));
}

static void test_links(void) {
    make_directories("outside/below");
    put_file("outside/canary", "x", 1);
    make_directories("tree/a/b");
    CHECK(symlink("../outside", "tree/link") == 0 && symlink(scratch, "tree/a/abs") == 0);
    CHECK(symlink("../../..", "tree/a/b/up") == 0 && symlink("loop", "tree/loop") == 0);
    CHECK(link("outside/canary", "tree/a/hard") == 0);
    CHECK(symlink("tree", "to-tree") == 0);
    CHECK(remove_at("to-tree/") == 0 && !is_there("to-tree") && is_there("tree/a"), "the link only");
    CHECK(remove_at("tree") == 0 && !is_there("tree"));
    CHECK(is_there("outside/canary") && is_there("outside/below"));
}

static void test_depth(int depth) {
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < depth; i++) {
        CHECK(mkdirat(dir, "d", 0755) == 0);
        int below = openat(dir, "d", O_RDONLY | O_DIRECTORY);
        close(openat(dir, "file", O_WRONLY | O_CREAT, 0600));
        close(dir);
        dir = below;
    }
    close(dir);
    double start = check_seconds();
    CHECK(remove_at("d") == 0 && !is_there("d"));
    printf("%d deep: %.2f s\n", depth, check_seconds() - start);
    CHECK(remove_at("file") == 0);
}

static void test_width(void) {
    make_directories("wide");
    for (int i = 0; i < 3000; i++) {
        char path[64];
        snprintf(path, sizeof path, "wide/%d/below", i);
        if (i % 3)
            *strrchr(path, '/') = '\0';
        if (i % 2)
            make_directories(path);
        else if (i % 3)
            put_file(path, "x", 1);
    }
    CHECK(remove_at("wide") == 0 && !is_there("wide"));
}

/* The directory at hand is moved out: its `..` is then everything that must stay. */
static void move_out(void) {
    CHECK(rename("data/mine/a/b/c", "data/c") == 0);
}

static void test_moved_out(void) {
    make_directories("data/mine/a/b/c/d");
    make_directories("data/others/a/b");
    put_file("data/others/a/file", "x", 1);
    put_file("data/mine/a/b/c/d/file", "x", 1);
    attack = move_out;
    CHECK(remove_at("data/mine") == 0 && attack == NULL);
    CHECK(!is_there("data/mine"), "what is still there goes, at a second look");
    CHECK(is_there("data/others/a/b") && is_there("data/others/a/file"), "others' data is gone");
}

/* Three levels up at once: to count levels would lead three levels above the top. */
static void move_up(void) {
    CHECK(rename("data/mine/a/b/c", "data/mine/moved") == 0);
}

static void test_moved_up(void) {
    make_directories("data/mine/a/b/c/d");
    attack = move_up;
    CHECK(remove_at("data/mine") == 0 && attack == NULL);
    CHECK(!is_there("data/mine") && is_there("data/others/a/b"), "others' data is gone");
    remove_at("data");
}

static int refills;

static void fill_again(void) {
    make_directories("again/new/below");
    attack = --refills > 0 ? fill_again : NULL;
}

static void test_filled_again(void) {
    make_directories("again/x/y");
    attack = fill_again;
    refills = 5;
    CHECK(remove_at("again") == 0 && !is_there("again") && refills == 0);
}

/* Somebody moves directories about without end, also out of the tree and back. */
static void test_race(double seconds) {
    make_directories("out/canary/below");
    pid_t racer = fork();
    if (racer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            rename("race/a/b/c", "race/a/x");
            rename("race/a/x/d", "out/d");
            rename("out/d", "race/y");
            rename("race/a", "race/y/z");
        }
    }
    int rounds = 0, gone = 0;
    for (double end = check_seconds() + seconds; check_seconds() < end; rounds++) {
        make_directories("race/a/b/c/d/e/f/g");
        make_directories("race/a/1/2/3/4");
        int rc = remove_at("race");
        gone += rc == 0;
        CHECK(rc == 0 || rc == -ENOTEMPTY || rc == -ESTALE, "%d", rc);
        CHECK(is_there("out/canary/below"));
    }
    kill(racer, SIGKILL);
    waitpid(racer, NULL, 0);
    printf("%d removals in a race, %d to the end\n", rounds, gone);
    CHECK(rounds > 10 && gone > 0);
    CHECK(remove_at("race") == 0 && remove_at("out") == 0);
}

int main(void) {
    enter_scratch();
    test_kinds();
    test_links();
    test_depth(5000);
    test_width();
    test_moved_out();
    test_moved_up();
    test_filled_again();
    test_race(0.5);
    return check_result();
}
