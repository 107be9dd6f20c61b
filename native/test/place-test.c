/*
 * Places in a hostile tree: whatever a path says and whoever moves things about meanwhile, nothing
 * outside the root is touched, and every descriptor that comes back is of something inside it.
 */
#include "check.h"

/* What an attacker does at the worst moment: just after the call has made something. */
static void (*attack)(int parent, const char *name);

static int attacked_mkdirat(int parent, const char *name, mode_t mode) {
    int rc = mkdirat(parent, name, mode);
    if (rc == 0 && attack)
        attack(parent, name);
    return rc;
}
static int attacked_mknodat(int parent, const char *name, mode_t mode, dev_t device) {
    int rc = mknodat(parent, name, mode, device);
    if (rc == 0 && attack)
        attack(parent, name);
    return rc;
}
#define mkdirat attacked_mkdirat
#define mknodat attacked_mknodat
#include "../place.c"

#include "../files.c"
#undef mkdirat
#undef mknodat

#include <ftw.h>
#include <linux/fs.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ROOT = 3 }; /* the slot of the root */

static char name255[256], name256[257];

static void link_to(const char *to, const char *name) {
    if (symlink(to, name) < 0)
        perror(name);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st, (void)kind;
    return ftw->level == 0 ? 0 : remove(path);
}

/* Makes root/ anew, full of links; outside/ is what nobody may touch. */
static void make_tree(void) {
    char absolute[PATH_MAX];
    mkdir("root", 0755);
    nftw("root", remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (chdir("root") < 0)
        perror("root");
    mkdir("dir", 0755), mkdir("dir/sub", 0755), mkdir("run", 0755), mkdir("vol", 0755);
    put_file("file", "in", 2);
    snprintf(absolute, sizeof absolute, "%s/outside", scratch);
    link_to(absolute, "abs");
    link_to("../outside", "up");
    link_to("../../../../../../../../../../../../../../..", "top");
    link_to("/", "slash");
    link_to("/run", "var-run");
    link_to("chain2", "chain1"), link_to("/chain3", "chain2"), link_to("../outside", "chain3");
    link_to("loop", "loop");
    link_to("nowhere", "dangling"), link_to("/nowhere/else", "dangling-abs");
    link_to("/hop2", "hop"), link_to("hop3", "hop2"), link_to("new/file", "hop3");
    link_to("../..", "dir/back");
    link_to("../../../outside/canary", "dir/file-link");
    link_to("/proc/self/cwd/outside", "magic");
    if (chdir("..") < 0)
        perror("..");
}

static uint64_t seen;

static int add_to_seen(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)kind, (void)ftw;
    const uint64_t parts[] = {st->st_ino,  st->st_mode,          st->st_nlink,
                              (uint64_t)st->st_size, st->st_uid,           (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        seen = (seen ^ parts[i]) * 1099511628211u;
    for (; *path; path++)
        seen = (seen ^ (uint8_t)*path) * 1099511628211u;
    return 0;
}

/* A number that changes with any name, inode, mode, owner, size or time outside. */
static uint64_t look_outside(void) {
    seen = 14695981039346656037u;
    nftw("outside", add_to_seen, 16, FTW_PHYS);
    return seen;
}

static struct stat wanted;
static int found;

static int compare(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)path, (void)kind, (void)ftw;
    found |= st->st_dev == wanted.st_dev && st->st_ino == wanted.st_ino;
    return found;
}

static int is_inside(int fd) {
    found = 0;
    if (fstat(fd, &wanted) == 0)
        nftw("root", compare, 16, FTW_PHYS);
    return found;
}

static struct pv_run *run_in_root(void) {
    struct pv_run *run = fresh_run();
    run->slots[ROOT] = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run;
}

enum { OPEN, PARENT, PARENT_MADE, MAKE_FILE, MAKE_DIRECTORY, MAKE_STRICT, MKDIR, MKDIRS, WRITE,
       OVERWRITE, SYMLINK, MKNOD, KEPT, CALLS };

/* One that an earlier call has made would be waited for. */
static int is_fifo(struct pv_run *run, const struct pv_place *at) {
    struct stat st = {0};
    int fd = pv_place_open(run, at, O_PATH, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    close(fd);
    return S_ISFIFO(st.st_mode);
}

/* One call with this path; the descriptor that it gives, or 0 or less. */
static int call(struct pv_run *run, int which, const char *path) {
    const struct pv_place at = {ROOT, path};
    const char *name;
    struct pv_mkdir mkdir_op = {at, 0700, which == MKDIRS};
    struct pv_write write_op = {at, "text", PV_WRITE_MODE_EXCLUSIVE, 0600};
    struct pv_symlink symlink_op = {at, "/outside/new"};
    struct pv_mknod mknod_op = {.at = at, .type = S_IFIFO, .mode = 0600, .accept = 1};
    struct pv_open open_op = {at, O_PATH, 5};
    switch (which) {
    case OPEN:
        return pv_place_open(run, &at, O_PATH, 0);
    case PARENT:
        return pv_place_parent(run, &at, 0, &name);
    case PARENT_MADE:
        return pv_place_parent(run, &at, 1, &name);
    case MAKE_FILE:
        return pv_place_make(run, &at, PV_TARGET_KIND_MATCHING, 0);
    case MAKE_DIRECTORY:
        return pv_place_make(run, &at, PV_TARGET_KIND_MATCHING, 1);
    case MAKE_STRICT:
        return pv_place_make(run, &at, PV_TARGET_KIND_STRICT, 1);
    case MKDIR:
    case MKDIRS:
        return pv_do_mkdir(run, &mkdir_op);
    case OVERWRITE:
        write_op.how = PV_WRITE_MODE_EXISTING;
        return is_fifo(run, &at) ? 0 : pv_do_write(run, &write_op);
    case WRITE:
        return pv_do_write(run, &write_op);
    case SYMLINK:
        return pv_do_symlink(run, &symlink_op);
    case MKNOD:
        return pv_do_mknod(run, &mknod_op);
    default:
        pv_do_open(run, &open_op);
        int kept = run->slots[5];
        run->slots[5] = -1;
        return kept;
    }
}

static void try_path(const char *path, uint64_t before) {
    struct pv_run *run = run_in_root();
    for (int which = 0; which < CALLS; which++) {
        int fd = call(run, which, path);
        CHECK(fd <= 0 || is_inside(fd), "call %d of %.200s", which, path);
        CHECK(look_outside() == before, "call %d of %.200s", which, path);
        if (fd > 0)
            close(fd);
    }
    close(run->slots[ROOT]);
}

static void make_path(char *path, size_t room) {
    static const char *const parts[] = {
        "..",    ".",      "",       "dir",      "sub",          "file", "abs",  "up",  "top",
        "slash", "chain1", "loop",   "dangling", "dangling-abs", "back", "new",  "run", "var-run",
        "magic", "vol",    "outside", "canary",   "file-link",    "hop",  name255, name256};
    size_t length = 0;
    path[0] = '\0';
    for (uint32_t i = check_random(7) + (check_random(50) ? 0 : 20); i > 0; i--) {
        const char *part = parts[check_random(sizeof parts / sizeof *parts)];
        if (length + strlen(part) + 2 > room)
            return;
        length += (size_t)snprintf(path + length, room - length, "%s%s", check_random(8) && length ? "/" : "", part);
        if (check_random(4) == 0)
            path[length++] = '/', path[length] = '\0';
    }
}

static void test_hostile_paths(double seconds) {
    static char path[6000];
    unsigned long rounds = 0;
    uint64_t before = look_outside();
    for (double end = check_seconds() + seconds; check_seconds() < end; rounds++) {
        if (rounds % 10 == 0)
            make_tree();
        make_path(path, sizeof path);
        try_path(path, before);
    }
    printf("%lu hostile paths\n", rounds);
    CHECK(rounds > 20); /* a busy machine makes few */
}

static void check_made(struct pv_run *run, int which, const char *path, const char *where) {
    struct stat made, st;
    int fd = call(run, which, path);
    CHECK(fd > 0 && fstat(fd, &made) == 0 && stat(where, &st) == 0 && made.st_ino == st.st_ino,
          "%s is not %s", path, where);
    CHECK(fd > 0 && S_ISDIR(made.st_mode) == (which == MAKE_DIRECTORY));
    if (fd > 0)
        close(fd);
}

static void test_single_paths(void) {
    static char long_path[5001];
    struct pv_run *run = run_in_root();
    struct stat st;
    make_tree();
    static const char *const no_names[] = {"",    "/",    "//",    ".",   "..",     "./",    "../",
                                           "dir/.", "dir/..", "dir/../", "dir/./", "/..//", "dir//.//"};
    for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++)
        for (int which = MKDIR; which <= WRITE; which++)
            CHECK(call(run, which, no_names[i]) == -EINVAL, "%s", no_names[i]);

    CHECK(call(run, MKDIRS, "var-run/a") == 0 && stat("root/run/a", &st) == 0, "an ordinary link");
    CHECK(call(run, MKDIRS, "slash/b/c") == 0 && stat("root/b/c", &st) == 0);
    CHECK(call(run, MKDIRS, "top/top/d") == 0 && stat("root/d", &st) == 0);
    CHECK(call(run, MKDIRS, "dir/back/e//") == 0 && stat("root/e", &st) == 0);
    CHECK(call(run, MKDIRS, "//f//g///") == 0 && stat("root/f/g", &st) == 0);
    CHECK(call(run, MKDIRS, "h/../i") == 0 && stat("root/i", &st) == 0);
    CHECK(call(run, MKDIRS, "file/x") == -ENOTDIR);
    CHECK(call(run, MKDIRS, "loop/x") == -ELOOP);
    CHECK(call(run, MKDIRS, "dangling/x") == 0 && stat("root/nowhere/x", &st) == 0, "made inside");
    CHECK(call(run, WRITE, "dangling-abs") == -EEXIST, "a new file is not another's");
    check_made(run, MAKE_FILE, "hop", "root/new/file");
    make_tree();
    check_made(run, MAKE_DIRECTORY, "hop//", "root/new/file");
    check_made(run, MAKE_FILE, "dangling-abs", "root/nowhere/else");
    CHECK(call(run, MAKE_STRICT, "var-run") == -ELOOP && call(run, MAKE_STRICT, "slash/x") == -ELOOP);
    CHECK(call(run, OVERWRITE, "dir/file-link") == -ENOENT, "the link's `..` ends at the root");
    CHECK(call(run, MKDIR, name255) == 0 && call(run, MKDIRS, name255) == 0);
    CHECK(call(run, MKDIRS, name256) == -ENAMETOOLONG && call(run, MAKE_FILE, name256) < 0);

    for (size_t length = 4090; length <= 5000; length += length < 4100 ? 1 : 300) {
        for (size_t i = 0; i < length; i++)
            long_path[i] = i % 2 ? '/' : '.';
        long_path[length - 1] = 'z', long_path[length] = '\0';
        int rc = call(run, MKDIRS, long_path);
        CHECK(rc == (length < 4096 ? 0 : -ENAMETOOLONG), "%zu bytes: %d", length, rc);
        rc = call(run, MAKE_FILE, long_path);
        CHECK(rc == (length < 4096 ? rc : -ENAMETOOLONG), "%zu bytes: %d", length, rc);
        if (rc > 0)
            close(rc);
    }
    struct pv_place nothing = {PV_SLOT_NONE, "x"}, empty = {7, "x"};
    CHECK(pv_place_open(run, &nothing, O_PATH, 0) == -EBADF);
    CHECK(pv_place_open(run, &empty, O_PATH, 0) == -EBADF);
    close(run->slots[ROOT]);
}

/* Puts a link to a directory or file of the host where something has just been made. */
static const char *bait;

static void put_link(int parent, const char *name) {
    attack = NULL;
    if (renameat(parent, name, parent, "moved") < 0 || symlinkat(bait, parent, name) < 0)
        perror(name);
}

static void test_swapped_names(void) {
    char target[PATH_MAX];
    uint64_t before = look_outside();
    bait = target;
    for (int which = MKDIR; which <= MKDIRS; which++) {
        make_tree();
        struct pv_run *run = run_in_root();
        snprintf(target, sizeof target, "%s/outside/private", scratch);
        attack = put_link;
        struct pv_mkdir op = {{ROOT, "vol/new"}, 0777, which == MKDIRS};
        pv_do_mkdir(run, &op);
        CHECK(attack == NULL && look_outside() == before, "mkdir changed what a link led to");
        close(run->slots[ROOT]);
    }
    make_tree();
    struct pv_run *run = run_in_root();
    snprintf(target, sizeof target, "%s/outside/canary", scratch);
    attack = put_link;
    struct pv_mknod op = {.at = {ROOT, "vol/node"}, .type = S_IFIFO, .mode = 0666};
    op.uid = op.gid = geteuid() == 0 ? 12345 : 0;
    CHECK(pv_do_mknod(run, &op) == -EEXIST);
    CHECK(attack == NULL && look_outside() == before, "mknod changed what a link led to");
    close(run->slots[ROOT]);
}

/* Somebody who shares a volume exchanges a directory and a link without end. */
static pid_t start_racer(void) {
    pid_t racer = fork();
    if (racer != 0)
        return racer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        syscall(SYS_renameat2, AT_FDCWD, "root/vol/x", AT_FDCWD, "root/vol/y", RENAME_EXCHANGE);
}

static void test_race(double seconds) {
    char target[PATH_MAX];
    unsigned long rounds = 0, inside = 0;
    make_tree();
    mkdir("root/vol/x", 0755);
    snprintf(target, sizeof target, "../../../../../../../../../..%s/outside/private", scratch);
    link_to(target, "root/vol/y");
    uint64_t before = look_outside();
    pid_t racer = start_racer();
    struct pv_run *run = run_in_root();
    for (double end = check_seconds() + seconds; check_seconds() < end; rounds++) {
        char path[64];
        snprintf(path, sizeof path, "vol/%c/n%lu/m", "xy"[rounds % 2], rounds / 8 % 20);
        int which = (int)check_random(CALLS);
        int fd = which == OVERWRITE ? -1 : call(run, which, path); /* it might be a FIFO by then */
        inside += fd >= 0;
        if (fd > 0)
            close(fd);
        CHECK(look_outside() == before, "%s", path);
    }
    kill(racer, SIGKILL);
    waitpid(racer, NULL, 0);
    close(run->slots[ROOT]);
    printf("%lu calls in a race, %lu found their way\n", rounds, inside);
    CHECK(rounds > 100 && inside > 0);
}

/* What a crash has left under our own pid is in nobody's way, and stays as it is. */
static void test_replaced_beside_leftovers(void) {
    char name[64], text[8] = "";
    const struct pv_place at = {PV_SLOT_HOST, "replaced"};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, ".pivot-%d.%d.new", (int)getpid(), i);
        put_file(name, "half", 4);
    }
    for (int i = 0; i < 2; i++)
        CHECK(pv_write_text(fresh_run(), &at, PV_WRITE_MODE_REPLACE, 0640, "whole") == 0);
    int fd = open("replaced", O_RDONLY);
    CHECK(read(fd, text, sizeof text) == 5 && memcmp(text, "whole", 5) == 0);
    close(fd);
    struct stat st;
    CHECK(stat(name, &st) == 0 && st.st_size == 4);
    snprintf(name, sizeof name, ".pivot-%d.3.new", (int)getpid());
    CHECK(access(name, F_OK) < 0, "of our own nothing is left");
}

int main(void) {
    enter_scratch();
    test_replaced_beside_leftovers();
    umask(022);
    memset(name255, 'n', 255);
    memset(name256, 'm', 256);
    mkdir("outside", 0755), mkdir("outside/private", 0700), mkdir("outside/private/n0", 0700);
    put_file("outside/canary", "out", 3);
    make_tree();
    test_single_paths();
    test_swapped_names();
    test_hostile_paths(1.0);
    test_race(0.5);
    return check_result();
}
