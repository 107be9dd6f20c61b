/*
 * Masks and read-only paths, when somebody moves what is being covered: then the step must fail.
 * In a mount namespace of its own.
 */
#include "check.h"

/* What an attacker does between the look-up and the mount. */
static void (*attack)(void);

static int attacked_move_mount(int from, const char *from_path, int to, const char *to_path,
                               unsigned flags) {
    if (attack)
        attack();
    attack = NULL;
    return pv_move_mount(from, from_path, to, to_path, flags);
}
#define pv_move_mount attacked_move_mount
#include "../cover.c"
#undef pv_move_mount

#include "../place.c"

#include <sched.h>
#include <sys/mount.h>

enum { ROOT = 3 };

static struct pv_run *run_in_root(void) {
    struct pv_run *run = fresh_run();
    run->slots[ROOT] = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run;
}

static int mask(const char *path) {
    struct pv_mask op = {{ROOT, path}, {ROOT, "null"}, {ROOT, "empty"}};
    struct pv_run *run = run_in_root();
    int rc = pv_do_mask(run, &op);
    close(run->slots[ROOT]);
    return rc;
}

static int make_readonly(const char *path) {
    struct pv_readonly op = {{ROOT, path}};
    struct pv_run *run = run_in_root();
    int rc = pv_do_readonly(run, &op);
    close(run->slots[ROOT]);
    return rc;
}

static int is_null(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && pv_is_null(&st);
}

static void swap_secret(void) {
    CHECK(rename("root/secret", "root/moved") == 0);
    put_file("root/secret", "secret", 6);
}

static void swap_data(void) {
    CHECK(rename("root/data", "root/moved-data") == 0 && mkdir("root/data", 0755) == 0);
}

static void make_root(void) {
    CHECK(mkdir("root", 0755) == 0 && mount("tmpfs", "root", "tmpfs", 0, NULL) == 0);
    CHECK(mkdir("root/empty", 0755) == 0 && mkdir("root/data", 0755) == 0);
    CHECK(mknod("root/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
    put_file("root/secret", "secret", 6);
    put_file("root/data/file", "data", 4);
}

int main(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        printf("skipped: only root may mount\n");
        return 0;
    }
    enter_scratch();
    make_root();
    CHECK(mask("none") == 0 && mask("secret/none") == 0 && make_readonly("none") == 0);

    attack = swap_secret;
    CHECK(mask("secret") == -EXDEV, "the cover lies elsewhere");
    CHECK(!is_null("root/secret") && is_null("root/moved"));
    CHECK(mask("secret") == 0 && is_null("root/secret"));

    attack = swap_data;
    CHECK(mask("data") == -EXDEV, "the cover lies elsewhere");
    CHECK(mkdir("root/data/new", 0755) == 0, "and the new one is bare");

    attack = swap_data;
    umount2("root/moved-data", MNT_DETACH);
    CHECK(rename("root/moved-data", "root/old-data") == 0);
    CHECK(make_readonly("data") == -EROFS, "the cover lies elsewhere");
    CHECK(mkdir("root/data/new", 0755) == 0, "and the new one can be written to");
    CHECK(make_readonly("data") == 0 && mkdir("root/data/newer", 0755) < 0 && errno == EROFS);
    umount2("root", MNT_DETACH);
    return check_result();
}
