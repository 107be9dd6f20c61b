/* Whether a clone is built: by the list that set-up leaves, and by a look everywhere without one. */
#include "check.h"

#include "../fresh.c"

static void put(const char *path, const char *text, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static void date(const char *path, time_t seconds) {
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (utimensat(AT_FDCWD, path, times, 0) < 0) {
        perror(path);
        exit(1);
    }
}

static const char *const directories[] = {"native/", "src/", "src/cli/"};
static const char *const files[] = {"package-lock.json", "tools/setup.sh", "native/a.c", "src/b.ts",
                                    "src/cli/c.ts"};
enum { EARLIER = 1000, BUILT = 2000, LATER = 3000 };

/* All is older than the build. */
static void make_clone(void) {
    char list[512];
    size_t size = 0;
    static const char *const made[] = {"tools", "build", "native", "src", "src/cli"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        mkdir(made[i], 0755);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put(files[i], "x", 1);
        date(files[i], EARLIER);
        size += (size_t)snprintf(list + size, sizeof list - size, "%s", files[i]) + 1;
    }
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        date(directories[i], EARLIER);
        size += (size_t)snprintf(list + size, sizeof list - size, "%s", directories[i]) + 1;
    }
    put("build/.sources", list, size);
    put("build/.built", "", 0);
    date("build/.built", BUILT);
}

static void test_changes(void) {
    make_clone();
    CHECK(pv_is_stale(".") == 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        make_clone();
        date(files[i], LATER); /* as who writes in place leaves it: the directory is as it was */
        CHECK(pv_is_stale(".") == 1, "%s", files[i]);
    }
    make_clone();
    unlink("src/cli/c.ts");
    date("src/cli/", EARLIER);
    CHECK(pv_is_stale(".") == 1);
}

static void test_what_the_list_has_not(void) {
    make_clone();
    put("src/cli/new.ts", "", 0);
    CHECK(pv_is_stale(".") == 1);
    unlink("src/cli/new.ts");
    /* What an editor makes and takes away again, and a test: nothing is built of them. */
    put("src/cli/new.test.ts", "", 0);
    put("src/cli/.c.ts.swp", "", 0);
    CHECK(pv_is_stale(".") == 0);
    unlink("src/cli/new.test.ts");
    unlink("src/cli/.c.ts.swp");
    make_clone();
    mkdir("src/more", 0755);
    put("src/more/d.ts", "", 0);
    CHECK(pv_is_stale(".") == 1);
    unlink("src/more/d.ts");
    rmdir("src/more");
}

static void test_without_a_list(void) {
    static const char *const broken[] = {"", "src/b.ts"};
    for (size_t i = 0; i <= sizeof broken / sizeof *broken; i++) {
        make_clone();
        if (i < sizeof broken / sizeof *broken)
            put("build/.sources", broken[i], strlen(broken[i]));
        else
            unlink("build/.sources");
        CHECK(pv_is_stale(".") == 0, "list %zu", i);
        date("src/cli/c.ts", LATER);
        CHECK(pv_is_stale(".") == 1, "list %zu", i);
    }
    make_clone();
    unlink("build/.built");
    CHECK(pv_is_stale(".") == 1);
    CHECK(pv_is_stale("none") == 0);
}

int main(void) {
    enter_scratch();
    test_changes();
    test_what_the_list_has_not();
    test_without_a_list();
    return check_result();
}
