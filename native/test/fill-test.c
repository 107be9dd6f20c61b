/*
 * Volumes: made, used, given up, filled. What an interruption leaves at each point, and what somebody
 * does who shares the directory that is filled.
 */
#include "check.h"

/* What an attacker does before the first name of a file with several is looked up in the copy. */
static void (*attack)(void);

static int attacked_openat2(int dir, const char *path, const struct open_how *how) {
    if (attack && (how->resolve & RESOLVE_NO_SYMLINKS)) {
        void (*now)(void) = attack;
        attack = NULL;
        now();
    }
    return pv_openat2(dir, path, how);
}
#include "../place.c"
#define pv_openat2 attacked_openat2
#include "../copy.c"
#undef pv_openat2
#include "../owner-ids.c"
#include "../files.c"
#include "../remove.c"
#undef PV_DIRECTORY
#include "../volume.c"
#undef PV_DIRECTORY
#include "../fill.c"

const struct pv_owners *pv_owners_inside(void) {
    return NULL;
}

enum { VOLUME = 3, ROOT = 4, DATA = 5 };

static int is_there(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static int open_volume(const char *name, const char *user) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "volumes/%s", name);
    struct pv_run *run = fresh_run();
    struct pv_volume op = {{PV_SLOT_HOST, path}, "{}\n", user, VOLUME};
    return pv_do_volume(run, &op);
}

static int leave(const char *name, const char *user, const char *gone, int remove) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "volumes/%s", name);
    char *items[1] = {(char *)gone};
    struct pv_leave_volume op = {{PV_SLOT_HOST, path}, user, {gone ? 1 : 0, items}, (uint32_t)remove};
    return pv_do_leave_volume(fresh_run(), &op);
}

static void test_a_volume_comes_and_goes(void) {
    struct stat first, second;
    CHECK(mkdir("volumes/.new", 0700) == 0); /* of somebody who was killed */
    put_file("volumes/.new/half", "x", 1);
    CHECK(open_volume("one", "abc") == 0, "%s", check_run.text);
    CHECK(fstat(check_run.slots[VOLUME], &first) == 0);
    CHECK(is_there("volumes/one/volume.json") && is_there("volumes/one/_data"));
    CHECK(is_there("volumes/one/users/abc") && !is_there("volumes/.new"));
    CHECK(open_volume("one", "def") == 0 && fstat(check_run.slots[VOLUME], &second) == 0);
    CHECK(first.st_ino == second.st_ino && is_there("volumes/one/users/def"));
    CHECK(leave("one", "abc", NULL, 1) == 0 && is_there("volumes/one/users/def"));
    CHECK(leave("one", "", NULL, 1) == -EBUSY && strcmp(check_run.text, "a container uses it") == 0);
    CHECK(leave("one", "", "def", 1) == 0 && !is_there("volumes/one"));
    CHECK(leave("one", "", NULL, 1) == 0);
    CHECK(open_volume("one", "") == 0 && leave("one", "abc", NULL, 0) == 0 && is_there("volumes/one"));
    /* A removal that was cut short: the volume is there, and can be used. */
    CHECK(rmdir("volumes/one/users") == 0 && open_volume("one", "abc") == 0);
    CHECK(is_there("volumes/one/users/abc"));
}

static void test_an_id_is_no_path(void) {
    CHECK(open_volume("two", "../volume.json") == -EINVAL);
    CHECK(open_volume("two", "..") == -EINVAL);
    CHECK(leave("two", "a/b", NULL, 0) == -EINVAL);
    CHECK(is_there("volumes/two/volume.json"));
}

/* Fills the volume of the slot from `root/from`; `shared` is a directory of the host, or NULL. */
static int fill(const char *name, const char *shared, int copy) {
    int rc = open_volume(name, "");
    CHECK(rc == 0);
    struct pv_run *run = &check_run;
    run->text[0] = '\0';
    run->slots[ROOT] = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    run->slots[DATA] = shared ? open(shared, O_PATH | O_DIRECTORY | O_CLOEXEC)
                              : openat(run->slots[VOLUME], "_data", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct pv_fill op = {VOLUME, {ROOT, "/from"}, {shared ? DATA : VOLUME, ""}, {DATA, ""}, (uint32_t)copy};
    rc = pv_do_fill(run, &op);
    close(run->slots[ROOT]);
    close(run->slots[DATA]);
    return rc;
}

static void test_an_empty_one_is_filled_once(void) {
    struct stat st;
    CHECK(mkdir("root/from", 0755) == 0 && mkdir("root/from/a", 0755) == 0 && mkdir("root/from/b", 0755) == 0);
    CHECK(chmod("root/from", 01750) == 0);
    put_file("root/from/a/one", "1", 1);
    CHECK(link("root/from/a/one", "root/from/b/two") == 0);
    CHECK(mknod("root/from/pipe", S_IFIFO | 04640, 0) == 0 && chmod("root/from/pipe", 04640) == 0);
    CHECK(fill("three", NULL, 0) == 0 && !is_there("volumes/three/_data/a"));
    CHECK(fill("three", NULL, 1) == 0, "%s", check_run.text);
    CHECK(stat("volumes/three/_data", &st) == 0 && (st.st_mode & 07777) == 01750);
    CHECK(stat("volumes/three/_data/b/two", &st) == 0 && st.st_nlink == 2);
    CHECK(stat("volumes/three/_data/pipe", &st) == 0 && (st.st_mode & 0777) == 0640);
    CHECK(!is_there("volumes/three/filled") && !is_there("volumes/three/.pivot-filling"));
    CHECK(remove("volumes/three/_data/pipe") == 0 && fill("three", NULL, 1) == 0);
    CHECK(!is_there("volumes/three/_data/pipe"));
}

/* Nothing that somebody has made meanwhile is replaced, and what was cut short is ended. */
static void test_the_move_goes_on(void) {
    struct stat st;
    CHECK(open_volume("four", "") == 0 && mkdir("volumes/four/.pivot-filling", 0711) == 0);
    put_file("volumes/four/.pivot-filling/theirs", "copy", 4);
    put_file("volumes/four/.pivot-filling/ours", "copy", 4);
    put_file("volumes/four/_data/theirs", "made meanwhile", 14);
    put_file("volumes/four/filled", "", 0);
    CHECK(fill("four", NULL, 0) == 0, "%s", check_run.text);
    CHECK(stat("volumes/four/_data/theirs", &st) == 0 && st.st_size == 14);
    CHECK(stat("volumes/four/_data/ours", &st) == 0 && st.st_size == 4);
    CHECK(stat("volumes/four/_data", &st) == 0 && (st.st_mode & 07777) == 0711);
    CHECK(!is_there("volumes/four/filled") && !is_there("volumes/four/.pivot-filling"));
    /* Killed after the last move, before the mark was gone. */
    put_file("volumes/four/filled", "", 0);
    CHECK(fill("four", NULL, 1) == 0 && !is_there("volumes/four/filled"));
}

static void swap_for_link(void) {
    for (const char *const *name = (const char *const[]){"a", "b", NULL}; *name; name++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "shared/.pivot-filling/%s", *name);
        if (is_there(path) && rename(path, "shared/away") == 0)
            CHECK(symlink("../../outside", path) == 0);
    }
}

static void test_who_shares_the_directory_gets_at_nothing_else(void) {
    struct stat st;
    CHECK(mkdir("shared", 0755) == 0 && mkdir("outside", 0755) == 0);
    put_file("outside/one", "secret", 6);
    put_file("outside/two", "secret", 6);
    attack = swap_for_link;
    CHECK(fill("five", "shared", 1) < 0);
    CHECK(attack == NULL);
    CHECK(stat("outside/one", &st) == 0 && st.st_nlink == 1);
    CHECK(stat("outside/two", &st) == 0 && st.st_nlink == 1);
    CHECK(!is_there("shared/.pivot-filling") && !is_there("volumes/five/filled"));
    CHECK(pv_remove_below(AT_FDCWD, "shared") == 0 && mkdir("shared", 0755) == 0);
    CHECK(fill("five", "shared", 1) == 0, "%s", check_run.text);
    CHECK(is_there("shared/a/one") && is_there("shared/b/two"));
    CHECK(is_there("volumes/five/_data") && !is_there("volumes/five/_data/a"));
}

int main(void) {
    enter_scratch();
    if (geteuid() != 0) {
        puts("skipped: only root may set owners");
        return 0;
    }
    CHECK(mkdir("volumes", 0700) == 0 && mkdir("root", 0755) == 0);
    test_a_volume_comes_and_goes();
    test_an_id_is_no_path();
    test_an_empty_one_is_filled_once();
    test_the_move_goes_on();
    test_who_shares_the_directory_gets_at_nothing_else();
    return check_result();
}
