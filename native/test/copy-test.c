/*
 * The copy of a directory that others can reach: what is kept, and that no link and no exchange of
 * names leads it elsewhere.
 */
#include "check.h"

/* What an attacker does after a name was looked at, and before it is opened. */
static void (*attack)(void);

static int attacked_openat2(int dir, const char *path, const struct open_how *how) {
    if (attack && !(how->flags & O_PATH)) {
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

#include <sys/sysmacros.h>

enum { ROOT = 3, TO = 4 };

static int copies;

/* Copies `from` of the directory root; the copy is `name`. */
static int copy(const char *from, char name[16]) {
    snprintf(name, 16, "copy%d", copies++);
    CHECK(mkdir(name, 0755) == 0);
    struct pv_run *run = fresh_run();
    run->slots[ROOT] = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    run->slots[TO] = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct pv_copy_up op = {{ROOT, from}, TO, 1, 1};
    int rc = pv_do_copy_up(run, &op);
    close(run->slots[ROOT]);
    close(run->slots[TO]);
    return rc;
}

static const char *below(const char *directory, const char *name) {
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void test_everything_is_kept(void) {
    char to[16], value[16] = "";
    struct stat st, other;
    CHECK(mkdir("root/rich", 0750) == 0 && mkdir("root/rich/in", 0700) == 0);
    put_file("root/rich/in/file", "content", 7);
    CHECK(chmod("root/rich/in/file", 04755) == 0 && link("root/rich/in/file", "root/rich/again") == 0);
    CHECK(symlink("/etc/passwd", "root/rich/link") == 0);
    CHECK(setxattr("root/rich/in/file", "trusted.note", "kept", 4, 0) == 0);
    CHECK(setxattr("root/rich/in", "trusted.note", "too", 3, 0) == 0);
    const struct timespec times[2] = {{1000, 5}, {2000, 7}};
    CHECK(utimensat(AT_FDCWD, "root/rich/in", times, 0) == 0);
    CHECK(utimensat(AT_FDCWD, "root/rich/link", times, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(copy("/rich", to) == 0, "%s", check_run.text);
    CHECK(stat(to, &st) == 0 && (st.st_mode & 07777) == 0750);
    CHECK(stat(below(to, "in/file"), &st) == 0 && (st.st_mode & 07777) == 04755 && st.st_size == 7);
    CHECK(stat(below(to, "again"), &other) == 0 && other.st_ino == st.st_ino && st.st_nlink == 2);
    CHECK(getxattr(below(to, "in/file"), "trusted.note", value, 16) == 4 && !memcmp(value, "kept", 4));
    CHECK(getxattr(below(to, "in"), "trusted.note", value, 16) == 3);
    CHECK(stat(below(to, "in"), &st) == 0 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
    CHECK(lstat(below(to, "link"), &st) == 0 && S_ISLNK(st.st_mode) && st.st_mtim.tv_sec == 2000);
}

static void test_what_is_not_there_or_no_directory(void) {
    char to[16];
    put_file("root/plain", "x", 1);
    CHECK(copy("/nowhere", to) == 0);
    CHECK(copy("/plain", to) == -ENOTDIR);
}

static void swap_for_link(void) {
    CHECK(rename("root/shared/name", "root/shared/away") == 0);
    CHECK(symlink("/etc", "root/shared/name") == 0);
}

static void swap_for_another(void) {
    CHECK(rename("root/shared/name", "root/shared/away") == 0);
    CHECK(mkdir("root/shared/name", 0755) == 0);
}

static void swap_for_fifo(void) {
    CHECK(rename("root/shared/name", "root/shared/away") == 0);
    CHECK(mkfifo("root/shared/name", 0644) == 0);
}

static void remove_away(void) {
    CHECK(remove("root/shared/name") == 0 && remove("root/shared/away") == 0);
}

static void test_an_exchanged_name_is_an_error(void) {
    char to[16];
    CHECK(mkdir("root/shared", 0755) == 0);
    CHECK(mkdir("root/shared/name", 0755) == 0);
    attack = swap_for_link;
    CHECK(copy("/shared", to) == -ELOOP && strcmp(check_run.text, "name") == 0, "%s", check_run.text);
    remove_away();
    CHECK(mkdir("root/shared/name", 0755) == 0);
    attack = swap_for_another;
    CHECK(copy("/shared", to) == -EAGAIN);
    remove_away();
    put_file("root/shared/name", "x", 1);
    attack = swap_for_fifo;
    CHECK(copy("/shared", to) == -EAGAIN);
    CHECK(attack == NULL);
    remove_away();
}

static void test_depth_has_an_end(void) {
    char to[16], path[PATH_MAX] = "root/deep";
    size_t end = strlen(path);
    for (int i = 0; i < PV_COPY_DEPTH + 2; i++, end += 2) {
        CHECK(mkdir(path, 0755) == 0);
        snprintf(path + end, sizeof path - end, "/d");
    }
    CHECK(copy("/deep", to) == -ELOOP && strstr(check_run.text, "128 directories"));
}

int main(void) {
    enter_scratch();
    if (geteuid() != 0) {
        puts("skipped: only root may set trusted attributes");
        return 0;
    }
    CHECK(mkdir("root", 0755) == 0);
    test_everything_is_kept();
    test_what_is_not_there_or_no_directory();
    test_an_exchanged_name_is_an_error();
    test_depth_has_an_end();
    return check_result();
}
