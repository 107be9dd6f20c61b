/* The walk along a container's cgroups: all of them, once, and back to where each lies. Directories here. */
#include "check.h"

#include <sys/resource.h>

#include "../cgroup-tree.c"

static int entered, left, wrong;

static int enter_one(int cgroup, void *with) {
    entered++;
    return *(int *)with && faccessat(cgroup, "bad", F_OK, 0) == 0 ? -EBUSY : 0;
}

/* Only what is empty can be removed: so all below it were left before. */
static int leave_one(int parent, const char *name) {
    left++;
    unlinkat(parent, "file", 0);
    int rc = pv_result(unlinkat(parent, name, AT_REMOVEDIR));
    wrong += rc < 0;
    return rc;
}

static int walk(const char *path, int fails, int removes) {
    entered = left = wrong = 0;
    const struct pv_cgroup_visit visit = {enter_one, removes ? leave_one : NULL, &fails};
    return pv_visit_cgroups(open(path, O_RDONLY | O_DIRECTORY), &visit);
}

static void make(const char *path) {
    CHECK(mkdir(path, 0700) == 0, "%s", path);
}

static void test_names(void) {
    static const char *const paths[] = {
        "top", "top/.hidden", "top/.hidden/...", "top/..two", "top/ ", "top/a\nb", "top/.hidden/.../x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        make(paths[i]);
    put_file("top/file", "", 0);
    CHECK(symlink("/", "top/link") == 0);
    CHECK(walk("top", 0, 0) == 0 && entered == 7, "links lead nowhere: %d", entered);
    CHECK(mkdir("top/.hidden/bad", 0700) == 0);
    CHECK(walk("top", 1, 0) == -EBUSY && entered == 8, "the others are visited all the same: %d", entered);
    CHECK(unlink("top/link") == 0);
    CHECK(walk("top", 0, 1) == 0 && left == 7 && wrong == 0, "%d, %d", left, wrong);
    CHECK(unlink("top/file") == 0 || errno == ENOENT);
    CHECK(rmdir("top") == 0);
}

static void test_depth_and_breadth(void) {
    const int depth = 3000, breadth = 500;
    struct rlimit before, few = {12, 12};
    int at = open(".", O_RDONLY | O_DIRECTORY), start = at;
    char name[24];
    make("top");
    at = open("top", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < depth; i++) {
        CHECK(mkdirat(at, "below", 0700) == 0 && mkdirat(at, ".beside", 0700) == 0);
        int next = openat(at, "below", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    for (int i = 0; i < breadth; i++) {
        snprintf(name, sizeof name, "%d", i);
        CHECK(mkdirat(at, name, 0700) == 0);
    }
    close(at);
    close(start);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int all = 1 + 2 * depth + breadth;
    CHECK(walk("top", 0, 0) == 0 && entered == all, "%d", entered);
    CHECK(walk("top", 0, 1) == 0 && left == all - 1 && wrong == 0, "%d, %d", left, wrong);
    CHECK(rmdir("top") == 0);
    int fd = open(".", O_RDONLY);
    CHECK(fd == 3, "none is left open: %d", fd);
    close(fd);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* Who has right of way in a cgroup may take it away at any time. */
static int take_away(int cgroup, void *with) {
    (void)cgroup;
    *(int *)with = rmdir("top/one/two/three");
    return 0;
}

static void test_gone_meanwhile(void) {
    int removed = -1;
    const struct pv_cgroup_visit visit = {take_away, leave_one, &removed};
    make("top");
    make("top/one");
    make("top/one/two");
    make("top/one/two/three");
    wrong = 0;
    CHECK(pv_visit_cgroups(open("top", O_RDONLY | O_DIRECTORY), &visit) == 0 && wrong == 0);
    CHECK(rmdir("top") == 0);
}

int main(void) {
    enter_scratch();
    test_names();
    test_depth_and_breadth();
    test_gone_meanwhile();
    return check_result();
}
