/*
 * Brings changes of a view to the host, step by step as it is told: every step names what both
 * sides were when it was decided upon, and is refused when they are not that any more. All steps
 * are looked at before the first is done.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "calls.h"
#include "view.h"
#include "view-steps.h"

static struct view_part *parts;
static unsigned part_count;
static int may_be_privileged;

/* A host without the parent is right where an earlier step makes it. */
static int is_not_yet_there(const struct view_step *step, int rc) {
    return step->fresh && (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP);
}

static int is_dir(char type) {
    return type == 'd';
}

/* What a name of the host is now, compared with what the step expects there. */
static int host_is_expected(int parent, const char *base, const struct view_step *step, int is_first) {
    struct stat st;
    int fd = view_open_below(parent, base, O_PATH);
    if (fd == -ENOENT)
        return step->old == '-' ? 0 : -ESTALE;
    if (fd < 0)
        return fd;
    int rc = pv_result(fstat(fd, &st));
    close(fd);
    if (rc < 0)
        return rc;
    if (step->old == '-')
        return -ESTALE;
    if (view_type(&st) != step->old || st.st_ino != step->old_inode)
        return -ESTALE;
    /* Steps before this one may have changed what is in a directory, or a file's number of names. */
    int is_touched = !is_first && (is_dir(step->old) || step->shared);
    if (!is_touched && view_ctime(&st) != step->old_ctime)
        return -ESTALE;
    return 0;
}

/* The file of the view: open for reading if it is a regular one or a directory, else by O_PATH. */
static int open_upper(const struct view_step *step, struct stat *st) {
    int flags = step->new == 'f'      ? O_RDONLY | O_NONBLOCK
                : is_dir(step->new) ? O_RDONLY | O_DIRECTORY
                                      : O_PATH;
    int fd = view_open_below(parts[step->part].upper, step->path, flags);
    if (fd < 0)
        return fd;
    int rc = pv_result(fstat(fd, st));
    if (rc == 0 && (view_type(st) != step->new || st->st_ino != step->inode ||
                    view_ctime(st) != step->ctime))
        rc = -ESTALE;
    if (rc == 0 && !may_be_privileged && view_is_privileged(step->new == 'f' ? fd : -1, st))
        rc = -EPERM;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

static int can_write(int parent) {
    struct statvfs fs;
    if (fstatvfs(parent, &fs) == 0 && (fs.f_flag & ST_RDONLY))
        return -EROFS;
    return pv_result(faccessat(parent, ".", W_OK | X_OK, AT_EACCESS));
}

static const char *check(const struct view_step *step, int *rc) {
    struct stat st;
    const char *base;
    if (step->letter != 'D') {
        *rc = open_upper(step, &st);
        if (*rc == -EPERM)
            return "it runs with others' rights, or is a device";
        if (*rc < 0)
            return "it has changed in the view";
        close(*rc);
    }
    int parent = view_open_parent(parts[step->part].host, step->path, &base);
    *rc = parent;
    if (is_not_yet_there(step, parent)) {
        *rc = 0;
        return NULL;
    }
    if (parent < 0)
        return "its directory on the host";
    *rc = host_is_expected(parent, base, step, 1);
    if (*rc == -ENOTDIR && step->fresh)
        *rc = 0;
    const char *words = "it has changed on the host";
    if (*rc == 0) {
        *rc = can_write(parent);
        words = "its directory on the host cannot be written to";
    }
    close(parent);
    return *rc < 0 ? words : NULL;
}

/* What would be in the way of making a directory's children, or is changed by it: mode and dates. */
static int finish_directory(const struct view_step *step) {
    struct stat st;
    const char *base;
    int upper = open_upper(step, &st);
    if (upper < 0)
        return upper;
    close(upper);
    int parent = view_open_parent(parts[step->part].host, step->path, &base);
    if (parent < 0)
        return parent;
    int fd = view_open_below(parent, base, O_RDONLY | O_DIRECTORY);
    close(parent);
    if (fd < 0)
        return fd;
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    int rc = pv_result(fchmod(fd, st.st_mode & 07777));
    if (rc == 0 && step->letter != 'M')
        rc = pv_result(futimens(fd, times));
    close(fd);
    return rc;
}

/* The deepest first: one that may not be entered is closed when nothing is to be done below it. */
static int finish_directories(const struct view_step *steps, size_t count) {
    int failed = 0;
    for (size_t i = count; i-- > 0;) {
        if (!is_dir(steps[i].new) || steps[i].letter == 'D')
            continue;
        int rc = finish_directory(&steps[i]);
        if (rc < 0)
            printf("fail %zu %d it could not be completed\n", i, -rc);
        failed |= rc < 0;
    }
    return failed;
}

static int apply_step(const struct view_step *step) {
    const char *base;
    struct stat st;
    const struct view_part *part = &parts[step->part];
    int parent = view_open_parent(part->host, step->path, &base);
    if (parent < 0)
        return parent;
    int upper = -1;
    int rc = host_is_expected(parent, base, step, 0);
    if (rc == 0 && step->letter != 'D')
        rc = upper = open_upper(step, &st);
    if (rc >= 0)
        rc = step->letter == 'D' ? view_remove(parent, base, step)
             : step->link[0]     ? view_link(part->host, parent, base, step)
                                 : view_make(parent, base, step, upper, &st);
    if (upper >= 0)
        close(upper);
    close(parent);
    return rc;
}

/* What the host has now, for who wants to know later whether that is still so. */
static void tell_done(const struct view_step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *base;
        struct stat st;
        if (steps[i].letter == 'D')
            continue;
        int parent = view_open_parent(parts[steps[i].part].host, steps[i].path, &base);
        if (parent >= 0 && fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
            printf("done %zu %llu %lld\n", i, (unsigned long long)st.st_ino, (long long)view_ctime(&st));
        if (parent >= 0)
            close(parent);
    }
}

static int check_all(const struct view_step *steps, size_t count) {
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        int rc = 0;
        const char *words = check(&steps[i], &rc);
        if (words)
            printf("fail %zu %d %s\n", i, -rc, words);
        failed |= words != NULL;
    }
    return failed;
}

static int apply_all(const struct view_step *steps, size_t count) {
    size_t i = 0;
    int rc = 0;
    for (; i < count && rc >= 0; i++)
        rc = apply_step(&steps[i]);
    if (rc < 0)
        printf("fail %zu %d it could not be applied\n", --i, -rc);
    int failed = finish_directories(steps, i) || rc < 0;
    for (unsigned p = 0; p < part_count; p++)
        if (syncfs(parts[p].host) < 0 && !failed) {
            printf("fail %zu %d it could not be brought to the disk\n", count ? count - 1 : 0, errno);
            failed = 1;
        }
    tell_done(steps, i);
    return failed;
}

static int open_parts(int argc, char **argv) {
    part_count = (unsigned)argc / 2;
    parts = calloc(part_count ? part_count : 1, sizeof *parts);
    if (!parts)
        return -ENOMEM;
    for (unsigned i = 0; i < part_count; i++) {
        parts[i].upper = view_open_root(argv[2 * i]);
        parts[i].host = view_open_root(argv[2 * i + 1]);
        if (parts[i].upper < 0 || parts[i].host < 0)
            return parts[i].upper < 0 ? parts[i].upper : parts[i].host;
    }
    return 0;
}

int view_apply(int argc, char **argv) {
    int only_check = 0, i = 0;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        only_check |= strcmp(argv[i], "--check") == 0;
        may_be_privileged |= strcmp(argv[i], "--privileged") == 0;
    }
    if (i == argc || (argc - i) % 2 == 0)
        return 2;
    umask(0);
    int lock = view_open_root(argv[i]);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0) {
        printf("fail 0 %d busy\n", errno);
        return 1;
    }
    int rc = lock < 0 ? lock : open_parts(argc - i - 1, argv + i + 1);
    size_t count = 0;
    struct view_step *steps = NULL;
    if (rc == 0)
        rc = view_read_steps(part_count, &steps, &count);
    if (rc < 0) {
        printf("fail 0 %d the view could not be read\n", -rc);
        return 1;
    }
    int failed = check_all(steps, count);
    if (!failed && !only_check)
        failed = apply_all(steps, count);
    if (!failed)
        puts("ok");
    return fflush(stdout) == 0 && !failed ? 0 : 1;
}
