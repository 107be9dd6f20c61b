/* The packer: what it writes of odd trees, and of names that mean something else at each look. */
#include "check.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* Runs once, between the look at a file and its opening, or before its content is read. */
static void (*attack)(void);
static void (*attack_on_read)(void);
static void (*attack_on_look)(void); /* behind the look at the path that was asked for */

static void now(void (**what)(void)) {
    void (*once)(void) = *what;
    *what = NULL;
    if (once)
        once();
}

static int attacked_openat(int dir, const char *name, int flags) {
    if (flags & O_NONBLOCK)
        now(&attack);
    return openat(dir, name, flags);
}

static ssize_t attacked_read(int fd, void *to, size_t size) {
    now(&attack_on_read);
    return read(fd, to, size);
}

static int attacked_fstatat(int dir, const char *name, struct stat *st, int flags) {
    int rc = fstatat(dir, name, st, flags);
    now(&attack_on_look);
    return rc;
}

#include "../overlay.c"
#include "../pack-links.c"
#include "../pack-tar.c"
#include "../pack-walk.c"
#define openat attacked_openat
#define read attacked_read
#include "../pack-entry.c"
#undef openat
#undef read
#define fstatat attacked_fstatat
#include "../pack.c"
#undef fstatat

enum unpack_xattr unpack_classify_xattr(const char *name) {
    return strncmp(name, "user.", 5) == 0 ? UNPACK_XATTR_APPLY : UNPACK_XATTR_SKIP;
}

static char archive[1 << 20];
static size_t archive_size;
static char told[8192];

static size_t slurp(const char *path, char *to, size_t size) {
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, to, size - 1);
    close(fd);
    to[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

static bool follows;

/* Packs in a process of its own, as it is meant to be; its exit status. */
static int pack_it(const char *path, const char *name, bool layer) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open("out.tar", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int err = open("out.err", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int root = open(".", O_RDONLY | O_DIRECTORY);
        dup2(out, 1);
        dup2(err, 2);
        struct pack_wish wish = {
            .root = root, .path = path, .name = name, .bare = layer, .layer = layer, .follow = follows};
        int status = pack_run(&wish);
        fflush(stderr);
        _exit(status);
    }
    int status;
    waitpid(pid, &status, 0);
    archive_size = slurp("out.tar", archive, sizeof archive);
    slurp("out.err", told, sizeof told);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the archive has an entry of this name and type; extended headers are passed over. */
static bool has(const char *name, char type) {
    for (size_t at = 0; at + 512 <= archive_size;) {
        const char *block = archive + at;
        if (block[0] == '\0')
            return false;
        unsigned long size = strtoul(block + 124, NULL, 8);
        if (block[156] == type && strncmp(block, name, 100) == 0)
            return true;
        at += 512 + (size + 511) / 512 * 512;
    }
    return false;
}

static bool holds(const char *text) {
    return memmem(archive, archive_size, text, strlen(text)) != NULL;
}

static void put_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void become_link(void) {
    unlink("tree/victim");
    if (symlink("../secret", "tree/victim") < 0)
        _exit(99);
}
static void become_fifo(void) {
    unlink("tree/victim");
    if (mkfifo("tree/victim", 0600) < 0)
        _exit(99);
}
static void become_directory(void) {
    unlink("tree/victim");
    if (mkdir("tree/victim", 0700) < 0)
        _exit(99);
}
static void vanish(void) {
    unlink("tree/victim");
}
static void shrink(void) {
    if (truncate("tree/victim", 3) < 0)
        _exit(99);
}

static void test_swaps(void) {
    static void (*const attacks[])(void) = {become_link, become_fifo, become_directory, vanish};
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        unlink("tree/victim");
        rmdir("tree/victim");
        put_text("tree/victim", "the victim's own content");
        attack = attacks[i];
        CHECK(pack_it("tree", "tree", false) == 0, "%zu: %s", i, told);
        CHECK(!holds("the secret") && !holds("the victim's own"));
        CHECK(has("tree/other", '0') && !has("tree/victim", '0'));
        CHECK(strncmp(told, "skip ", 5) == 0, "%s", told);
    }
    attack = NULL;
    unlink("tree/victim");
    rmdir("tree/victim");
    put_text("tree/victim", "the victim's own content");
    attack_on_read = shrink;
    CHECK(pack_it("tree", "tree", false) == 0);
    attack_on_read = NULL;
    CHECK(strstr(told, "became shorter") != NULL && archive_size % 512 == 0);
    CHECK(has("tree/victim", '0'));
}

static void test_top(void) {
    CHECK(symlink("tree", "to-tree") == 0);
    CHECK(pack_it("to-tree", "x", false) == 0 && has("x", '2'));
    CHECK(pack_it("to-tree/", "x", false) == 0 && has("x/", '5') && has("x/other", '0'));
    CHECK(pack_it("tree/.", "", false) == 0 && has("./", '5') && has("other", '0'));
    CHECK(pack_it("tree/other", "y", false) == 0 && has("y", '0'));
    CHECK(pack_it("tree/other/", "y", false) == 1 && strstr(told, "fail 0 20 ") == told);
    CHECK(pack_it("missing", "y", false) == 1 && strstr(told, "fail 0 2 ") == told);
    CHECK(pack_it("../../../../tree/other", "y", false) == 0, "%s", told);
}

/* Who follows links gets none, also of one that was a file when it was looked at. */
static void test_follow(void) {
    follows = true;
    CHECK(pack_it("to-tree", "x", false) == 0 && has("x/", '5') && has("x/other", '0'));
    unlink("tree/victim");
    put_text("tree/victim", "the victim's own content");
    attack_on_look = become_link;
    CHECK(pack_it("tree/victim", "x", false) == 0, "%s", told);
    CHECK(!has("x", '2') && has("x", '0') && holds("the secret"));
    attack_on_look = NULL;
    CHECK(unlink("tree/victim") == 0 && symlink("victim", "tree/victim") == 0);
    CHECK(pack_it("tree/victim", "x", false) == 1 && strstr(told, "fail 0 40 ") == told, "%s", told);
    CHECK(unlink("tree/victim") == 0);
    follows = false;
}

static void test_layer(void) {
    CHECK(mkdir("upper", 0755) == 0 && mkdir("upper/d", 0755) == 0 && mkdir("upper/o", 0755) == 0);
    if (mknod("upper/d/gone", S_IFCHR, makedev(0, 0)) < 0 ||
        setxattr("upper/o", "trusted.overlay.opaque", "y", 1, 0) < 0) {
        printf("skipped: whiteouts and trusted attributes need root\n");
        return;
    }
    put_text("upper/o/new", "new");
    CHECK(pack_it("upper/.", "", true) == 0, "%s", told);
    CHECK(has("d/.wh.gone", '0') && has("o/.wh..wh..opq", '0') && has("o/new", '0'));
    CHECK(!has("./", '5'));
    CHECK(!holds("trusted.overlay"));
    CHECK(pack_it("upper/.", "", false) == 0 && !has("d/gone", '3'));
    put_text("upper/d/.wh.name", "");
    CHECK(pack_it("upper/.", "", true) == 1 && strstr(told, "means a removal") != NULL);
    CHECK(unlink("upper/d/.wh.name") == 0);
    CHECK(setxattr("upper/d", "trusted.overlay.redirect", "x", 1, 0) == 0);
    CHECK(pack_it("upper/.", "", true) == 1 && strstr(told, "redirect_dir") != NULL);
}

/* Deeper than a path can be: an end with words, and no more descriptors than there are levels. */
static void test_depth(void) {
    int at = open(".", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 2200; i++) {
        CHECK(mkdirat(at, "d", 0700) == 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
        if (at < 0)
            return;
    }
    close(at);
    CHECK(pack_it("d", "d", false) == 1);
    CHECK(strstr(told, "too deep") != NULL || strstr(told, "too long") != NULL ||
          strstr(told, "fail 1") != NULL);
}

int main(void) {
    enter_scratch();
    put_text("secret", "the secret");
    CHECK(mkdir("tree", 0755) == 0);
    put_text("tree/other", "other");
    test_swaps();
    test_top();
    test_follow();
    test_layer();
    test_depth();
    return check_result();
}
